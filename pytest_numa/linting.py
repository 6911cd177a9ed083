"""A unit looked at as a whole: its own lines, its drop-ins, systemd's opinion, and the host."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from pytest_numa.errors import HostError
from pytest_numa.host import Topology
from pytest_numa.lint import checks, surroundings, verify
from pytest_numa.lint.finding import Finding
from pytest_numa.lint.subject import Subject
from pytest_numa.policy import Policy
from pytest_numa.services import verification
from pytest_numa.services.bundle import Bundle
from pytest_numa.services.systemctl import Scope
from pytest_numa.services.unit import Unit

_HERE = Path("/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is wanted of the unit, beyond what it says; see ``Subject``."""

    policy: Policy | None = None
    needs_bytes: int | None = None
    siblings: str | None = None
    is_exposed: bool = False
    beside: Path | None = None
    """Where the unit's file stands, with the drop-ins that come along with it."""


def lint(
    bundle: Bundle, wish: Wish, *, topology: Topology, scope: Scope, root: Path = _HERE
) -> list[Finding]:
    """All that is wrong with it on the host below ``root``; drop-ins that stand there count."""
    folder = root / str(scope.unit_folder).lstrip("/")
    standing = _drop_ins(bundle, [wish.beside or folder, folder])
    text = "\n".join([bundle.unit.text, *(text for _, text in standing)])
    subject = Subject(
        unit=Unit(name=bundle.name, text=text),
        topology=topology,
        policy=wish.policy,
        manager=scope.manager,
        needs_bytes=wish.needs_bytes,
        siblings=wish.siblings,
        is_exposed=wish.is_exposed,
    )
    subject = replace(subject, around=surroundings.read(subject, root))
    if wish.needs_bytes is None:
        subject = replace(subject, needs_bytes=surroundings.weights_bytes(subject, root))
    has_programs = root == _HERE and not surroundings.is_elsewhere(subject)
    said = _by_systemd(bundle, standing, scope, has_programs=has_programs)
    return [*said, *checks.run(subject)]


def _drop_ins(bundle: Bundle, folders: list[Path]) -> list[tuple[str, str]]:
    """Those of the folders, in systemd's order, that of their names; later folders win."""
    own = {file.path for file in bundle.files}
    found = {
        place: text
        for folder in folders
        for place, text in surroundings.drop_ins(folder, bundle.name)
        if place not in own
    }
    return sorted(found.items(), key=lambda one: one[0].rpartition("/")[2])


def _by_systemd(
    bundle: Bundle, standing: list[tuple[str, str]], scope: Scope, *, has_programs: bool
) -> Iterator[Finding]:
    try:
        output = verification.verify(bundle, standing, is_user=scope.manager == "user")
    except HostError as error:
        yield Finding(
            subject="systemd-analyze verify",
            expected="its opinion of each line",
            found=str(error),
            fix="install the package systemd, or run this on the host itself",
            is_unknown=True,
        )
        return
    files = [*(file.path for file in bundle.files), *(place for place, _ in standing)]
    yield from verify.findings(
        output,
        bundle.unit,
        files=files,
        has_programs=has_programs,
        known=verification.directives() if "Unknown key" in output else {},
    )
