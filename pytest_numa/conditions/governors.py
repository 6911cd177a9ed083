"""CPU governors: which the host offers, another one for the length of a block, the old one after.

Files as in Documentation/admin-guide/pm/cpufreq.rst of the kernel. What is to be put back stands in
a journal before the first file is written, so that it is also put back after ``kill -9``: by the
next session.
"""

import contextlib
import json
import os
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pytest_numa.errors import HostError, ParseError
from pytest_numa.kernel import cpulist
from pytest_numa.services.undo import Footprint

_CPUFREQ = "sys/devices/system/cpu/cpufreq"
_GOVERNOR = "scaling_governor"
# What a change of governor may change with it: the drivers intel_pstate and amd-pstate set the
# preference, and the governor `userspace` has a speed of its own.
_WITH_IT = ("scaling_setspeed", "energy_performance_preference")
_UNSUPPORTED = "<unsupported>"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockDomain:
    """CPUs that have their clock in common; ``folder`` is its ``policyN``."""

    folder: Path
    cpus: frozenset[int]
    offered: tuple[str, ...]

    @property
    def governor(self) -> str:
        """The one in force now."""
        return _read(self.folder / _GOVERNOR)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Record:
    """What a domain had before, and the governor that we set."""

    folder: str
    before: str
    ours: str
    with_it: dict[str, str] = field(default_factory=dict)


def journal(footprint: Footprint) -> Path:
    """Where governors are noted before they are set: beside the sessions, and not in one of them.

    What is in the folder of a dead session is removed before anybody could read it there.
    """
    return footprint.folder.parent / "governors.json"


def of_cpus(cpus: frozenset[int], root: Path = Path("/")) -> tuple[ClockDomain, ...]:
    """The clock domains of these CPUs; none on a virtual machine."""
    folders = sorted((root / _CPUFREQ).glob("policy[0-9]*"))
    found = (
        ClockDomain(
            folder=folder,
            cpus=_cpus(folder),
            offered=tuple(_read(folder / "scaling_available_governors", whole=True).split()),
        )
        for folder in folders
    )
    return tuple(domain for domain in found if domain.cpus & cpus)


def check(names: Sequence[str], cpus: frozenset[int], root: Path = Path("/")) -> None:
    """Raise HostError where these governors could not be set on these CPUs; changes nothing."""
    if not names:
        return
    domains = of_cpus(cpus, root)
    without = cpus.difference(*(domain.cpus for domain in domains))
    if without:
        raise HostError(
            f"--numa-governor: expected a governor for each CPU of the policy, found none for CPUs "
            f"{cpulist.format(without)} below /{_CPUFREQ}: the clock is set by the hypervisor (a "
            "virtual machine) or by firmware; leave out --numa-governor, or run where the host's "
            "own kernel sets it"
        )
    for name in names:
        offered = sorted(set[str]().union(*(domain.offered for domain in domains)))
        if not all(name in domain.offered for domain in domains):
            raise HostError(
                f"--numa-governor: expected governors that CPUs {cpulist.format(cpus)} offer "
                f"({', '.join(offered)}), found {name!r}"
            )
    for domain in domains:
        if not os.access(domain.folder / _GOVERNOR, os.W_OK):
            raise HostError(
                f"--numa-governor: {domain.folder / _GOVERNOR} cannot be written: run as root, and "
                "in a container with a writable /sys"
            )


@contextlib.contextmanager
def held(name: str, domains: Sequence[ClockDomain], noted: Path) -> Iterator[None]:
    """Have the governor set for the length of the block; what was before is put back after it."""
    put_back(noted)
    _note([_recorded(domain, name) for domain in domains], noted)
    try:
        for domain in domains:
            _set(domain.folder / _GOVERNOR, name)
        yield
    finally:
        put_back(noted)


def put_back(noted: Path) -> None:
    """Put back all that is noted in the file, and remove it; harmless where there is none.

    HostError where that cannot be done; the file then stays for the next attempt. A governor
    that somebody else has set in the meantime is left to them.
    """
    troubles = [trouble for record in _records(noted) for trouble in _put_back(record)]
    if troubles:
        raise HostError(
            f"the CPU governors could not be put back as they were (noted in {noted}):\n"
            + "\n".join(troubles)
        )
    for file in (noted, _unfinished(noted)):
        file.unlink(missing_ok=True)


def _put_back(record: _Record) -> list[str]:
    """Put back what can be; a text for each file that cannot."""
    folder = Path(record.folder)
    # The folder is gone where its CPUs have been switched off.
    if not folder.is_dir() or _read(folder / _GOVERNOR) not in (record.before, record.ours):
        return []
    troubles: list[str] = []
    for name, text in {_GOVERNOR: record.before, **record.with_it}.items():
        # Read again each time: to set the governor may have set the others.
        if _read(folder / name) != text:
            try:
                _write(folder / name, text)
            except OSError as error:
                command = f"echo {shlex.quote(text)} > {folder / name}"
                troubles.append(f"  {command}: {error.strerror}")
    return troubles


def _recorded(domain: ClockDomain, name: str) -> _Record:
    texts = {file: _read(domain.folder / file) for file in _WITH_IT}
    return _Record(
        folder=str(domain.folder),
        before=domain.governor,
        ours=name,
        with_it={file: text for file, text in texts.items() if text not in ("", _UNSUPPORTED)},
    )


def _note(records: Sequence[_Record], noted: Path) -> None:
    """Write the journal in one step: there is all of it, or none."""
    new = _unfinished(noted)
    with new.open("w", encoding="utf-8") as file:
        file.write(json.dumps([asdict(record) for record in records]))
        file.flush()
        os.fsync(file.fileno())
    new.replace(noted)


def _unfinished(noted: Path) -> Path:
    return noted.with_suffix(".new")


def _records(noted: Path) -> list[_Record]:
    try:
        found: list[dict[str, Any]] = json.loads(noted.read_text(encoding="utf-8"))
        return [_Record(**one) for one in found]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError) as error:
        raise HostError(
            f"{noted}: expected what CPU governors were before a session, found {error}: look "
            f"at /{_CPUFREQ}/policy*/{_GOVERNOR}, then remove the file"
        ) from None


def _set(file: Path, name: str) -> None:
    try:
        _write(file, name)
    except OSError as error:
        raise HostError(f"{file}: {name!r} could not be set: {error.strerror}") from None
    if (found := _read(file)) != name:
        raise HostError(f"{file}: expected {name!r} after it was set, found {found!r}")


def _write(file: Path, text: str) -> None:
    # One write, and no truncation before it: nobody ever reads half of it.
    descriptor = os.open(file, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, f"{text}\n".encode())
    finally:
        os.close(descriptor)


def _read(file: Path, *, whole: bool = False) -> str:
    """The first line, or the whole file; empty where there is none."""
    try:
        text = file.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
    return text if whole else text.partition("\n")[0]


def _cpus(folder: Path) -> frozenset[int]:
    # Separated by blanks, offline CPUs among them.
    text = _read(folder / "related_cpus") or _read(folder / "affected_cpus")
    try:
        return cpulist.parse(text, source=str(folder / "related_cpus"))
    except ParseError:
        return frozenset()
