"""Units installed and removed: never over what is not ours, and undone after a crash.

Whoever changes something holds the lock of ``undo.footprint()``: what the journal has of an
unfinished change is then that of a dead process.
"""

import contextlib
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from pytest_numa.errors import PytestNumaError, UnitError
from pytest_numa.services import bundle, journal, standing, systemctl
from pytest_numa.services.bundle import Bundle
from pytest_numa.services.journal import Change, Installed
from pytest_numa.services.standing import File, Standing


def install(
    scope: systemctl.Scope,
    wanted: Bundle,
    *,
    finish: Callable[[], None] = lambda: None,
    is_forced: bool = False,
) -> list[Path]:
    """Install for good, or install anew; returns the copies of what was replaced by force.

    What runs already is restarted. ``finish`` enables or starts it; where that fails all is undone.
    By force, files that are not ours are replaced; ``remove`` brings them back.
    """
    known = journal.installed(scope, wanted.name)
    before, target = _checked(scope, wanted, known, is_forced=is_forced)
    copies = _copies(scope, wanted.name, before, [file.path for file in wanted.files])
    with _changing(scope, wanted.name, before) as change:
        standing.bring(scope, wanted.name, target)
        finish()
        installed = Installed(
            unit=wanted.name,
            files=tuple(file.path for file in wanted.files),
            former=_former(before, known),
            previous=before if known else None,
            change=change.id,
        )
        journal.note_installed(scope, installed)
    return copies


def remove(scope: systemctl.Scope, unit: str, *, is_forced: bool = False) -> list[Path]:
    """Bring back what was before the first install; returns copies of what was lost by force.

    By force also a change that was cut off and that somebody has edited since.
    """
    cut_off = journal.change(scope, unit) if is_forced else None
    lost = _undone(scope, cut_off) if cut_off else []
    if cut_off and journal.installed(scope, unit) is None:
        return lost
    known = _known(scope, unit)
    others = _files_of_others(scope, unit)
    target = replace(known.former, files=_but(others, known.former))
    if not is_forced:
        standing.check_replaceable(scope, target)
    before = standing.read(scope, unit, known.former.files)
    copies = _copies(scope, unit, before, known.files)
    with _changing(scope, unit, before, is_removal=True):
        standing.bring(scope, unit, target)
        journal.drop_installed(scope, unit)
    return [*lost, *copies]


def _undone(scope: systemctl.Scope, change: Change) -> list[Path]:
    now = standing.read(scope, change.unit, change.before.files)
    kept = [path for path, file in now.files.items() if file != change.before.files[path]]
    copies = _copies(scope, change.unit, now, kept)
    standing.bring(scope, change.unit, change.before)
    journal.drop_change(scope, change.unit)
    return copies


def rollback(scope: systemctl.Scope, unit: str) -> None:
    """Bring back the files and links of before the last install; a second time undoes that."""
    known = _known(scope, unit)
    if known.previous is None:
        raise UnitError(f"{unit} was installed once: there is no earlier version to go back to")
    standing.check_replaceable(scope, known.previous)
    before = standing.read(scope, unit, {*known.previous.files, *known.former.files})
    target = replace(known.previous, is_active=before.is_active)
    with _changing(scope, unit, before) as change:
        standing.bring(scope, unit, target)
        files = tuple(path for path, file in target.files.items() if file is not None)
        installed = replace(known, files=files, previous=before, change=change.id)
        journal.note_installed(scope, installed)


@contextlib.contextmanager
def installed(scope: systemctl.Scope, wanted: Bundle) -> Iterator[Change]:
    """Have it installed for the length of the block, then all as it was before."""
    before, target = check_free(scope, wanted)
    change = _noted(scope, wanted.name, before)
    try:
        standing.bring(scope, wanted.name, target)
        yield change
    finally:
        # Kept for good, it is noted as installed by this change.
        with contextlib.suppress(PytestNumaError):
            _end(scope, change)


def keep(scope: systemctl.Scope, wanted: Bundle, change: Change) -> None:
    """Leave what ``installed`` has installed as it is, as if it had been installed for good."""
    known = journal.installed(scope, wanted.name)
    kept = Installed(
        unit=wanted.name,
        files=tuple(file.path for file in wanted.files),
        former=_former(change.before, known),
        previous=change.before if known else None,
        change=change.id,
    )
    journal.note_installed(scope, kept)


def check_free(scope: systemctl.Scope, wanted: Bundle) -> tuple[Standing, Standing]:
    """How things stand and shall; UnitError where a unit of that name exists, or ours runs."""
    known = journal.installed(scope, wanted.name)
    before, target = _checked(scope, wanted, known, is_forced=False)
    if before.is_active:
        raise UnitError(
            f"{wanted.name} is installed and runs: stop it for the time of the session (systemctl "
            f"{' '.join([*scope.flags, 'stop', wanted.name])}); it is then put back as it was"
        )
    return before, target


def recover(scope: systemctl.Scope) -> list[str]:
    """Undo the changes that were cut off; what cannot be undone is returned, in words."""
    problems: list[str] = []
    for unit in journal.units(scope):
        try:
            change = journal.change(scope, unit)
            if change is not None:
                _end(scope, change)
        except PytestNumaError as error:
            problems.append(f"a change of {unit} was cut off and cannot be undone: {error}")
    journal.tidy(scope)
    return problems


def _end(scope: systemctl.Scope, change: Change) -> None:
    known = journal.installed(scope, change.unit)
    is_done = known is None if change.is_removal else known and known.change == change.id
    if not is_done:
        standing.check_replaceable(scope, change.before)
        standing.bring(scope, change.unit, change.before)
    journal.drop_change(scope, change.unit)


@contextlib.contextmanager
def _changing(
    scope: systemctl.Scope, unit: str, before: Standing, *, is_removal: bool = False
) -> Iterator[Change]:
    change = _noted(scope, unit, before, is_removal=is_removal)
    try:
        yield change
    finally:
        _end(scope, change)


def _noted(
    scope: systemctl.Scope, unit: str, before: Standing, *, is_removal: bool = False
) -> Change:
    change = Change(id=uuid.uuid4().hex, unit=unit, before=before, is_removal=is_removal)
    journal.note_change(scope, change)
    return change


def _checked(
    scope: systemctl.Scope, wanted: Bundle, known: Installed | None, *, is_forced: bool
) -> tuple[Standing, Standing]:
    if journal.change(scope, wanted.name) is not None:
        raise UnitError(
            f"a change of {wanted.name} was cut off and could not be undone: see `pytest-numa unit "
            f"remove {wanted.name} --force`"
        )
    paths = {file.path for file in wanted.files}
    before = standing.read(scope, wanted.name, paths | set(known.former.files if known else ()))
    others = _files_of_others(scope, wanted.name)
    target = _target(wanted, before, _former(before, known), others)
    if not is_forced:
        standing.check_replaceable(scope, target)
        _check_not_hidden(scope, wanted.name, paths)
    return before, target


def _check_not_hidden(scope: systemctl.Scope, unit: str, paths: set[str]) -> None:
    found = systemctl.show(scope, unit, "LoadState", "FragmentPath")
    own = {"", *(str(scope.unit_folder / path) for path in paths)}
    if found["LoadState"] in ("not-found", "") or found["FragmentPath"] in own:
        return
    raise UnitError(
        f"{unit} exists already ({found['FragmentPath']}), and a file in {scope.unit_folder} would "
        "hide it: rename the template"
    )


def _target(wanted: Bundle, before: Standing, former: Standing, others: set[str]) -> Standing:
    """The files of the bundle; those of an earlier version that it lacks are as in ``former``."""
    new = {file.path: File(text=file.marked) for file in wanted.files}
    return replace(before, files={**_but(others, former), **new})


def _former(before: Standing, known: Installed | None) -> Standing:
    """How things stood before anything of ours: not even what another unit has brought along."""
    own = {
        path: None if file is not None and bundle.is_ours(file.text) else file
        for path, file in before.files.items()
    }
    if known is None:
        return replace(before, files=own)
    return replace(known.former, files={**own, **known.former.files})


def _files_of_others(scope: systemctl.Scope, unit: str) -> set[str]:
    """What the other units that are installed for good need: instances share a file."""
    others = (journal.installed(scope, one) for one in journal.units(scope) if one != unit)
    return {path for one in others if one is not None for path in one.files}


def _but(paths: set[str], target: Standing) -> dict[str, File | None]:
    return {path: file for path, file in target.files.items() if path not in paths}


def _copies(
    scope: systemctl.Scope, unit: str, before: Standing, paths: list[str] | tuple[str, ...]
) -> list[Path]:
    found = ((path, before.files.get(path)) for path in paths)
    return [
        journal.keep_copy(scope, unit, path, file)
        for path, file in found
        if file is not None and not bundle.is_ours(file.text)
    ]


def _known(scope: systemctl.Scope, unit: str) -> Installed:
    known = journal.installed(scope, unit)
    if known is None:
        raise UnitError(
            f"{unit} was not installed by `pytest-numa unit install`: it stays as it is"
        )
    return known
