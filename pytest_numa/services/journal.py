"""What was installed and what is being changed, on disk before it is done.

A folder for each unit below the manager's state folder holds ``installed.json``, of a unit that
was installed for good, and ``change.json``, while something is being changed. A change that is
found when nobody can be at work was cut off, and is undone.
"""

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_numa.errors import HostError
from pytest_numa.services import standing, systemctl
from pytest_numa.services.standing import File, Standing

_SCHEMA = 1
_INSTALLED = "installed.json"
_CHANGE = "change.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """A unit that was installed for good; ``change`` is the one that made it so.

    ``former`` is how things stood before anything of ours, ``previous`` before the last install.
    """

    unit: str
    files: tuple[str, ...]
    former: Standing
    previous: Standing | None
    change: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Something that is being done; ``before`` is what it is undone to."""

    id: str
    unit: str
    before: Standing
    is_removal: bool = False


def note_change(scope: systemctl.Scope, change: Change) -> None:
    """Write it down, before it is done."""
    document = {
        "id": change.id,
        "is_removal": change.is_removal,
        "before": change.before.as_document(),
    }
    _write(scope, change.unit, _CHANGE, document)


def drop_change(scope: systemctl.Scope, unit: str) -> None:
    """It has been undone, or it is noted as installed."""
    _remove(_folder(scope, unit) / _CHANGE)


def note_installed(scope: systemctl.Scope, installed: Installed) -> None:
    """The change that it names is done and stays."""
    document = {
        "files": list(installed.files),
        "former": installed.former.as_document(),
        "previous": installed.previous and installed.previous.as_document(),
        "change": installed.change,
    }
    _write(scope, installed.unit, _INSTALLED, document)


def drop_installed(scope: systemctl.Scope, unit: str) -> None:
    """It is installed no more."""
    _remove(_folder(scope, unit) / _INSTALLED)


def keep_copy(scope: systemctl.Scope, unit: str, path: str, file: File) -> Path:
    """Keep what is about to be replaced, and say where; an earlier copy is never overwritten."""
    folder = _folder(scope, unit) / "replaced"
    names = (f"{path}.{number}" for number in range(1, 10_000))
    copy = next(folder / name for name in names if not (folder / name).exists())
    standing.write(copy, file)
    return copy


def installed(scope: systemctl.Scope, unit: str) -> Installed | None:
    """What is noted of a unit that was installed for good."""
    path = _folder(scope, unit) / _INSTALLED
    document = _read(path)
    if document is None:
        return None
    try:
        return Installed(
            unit=unit,
            files=tuple(document["files"]),
            former=standing.from_document(document["former"]),
            previous=document["previous"] and standing.from_document(document["previous"]),
            change=document["change"],
        )
    except (KeyError, TypeError, AttributeError):
        raise _damaged(path) from None


def change(scope: systemctl.Scope, unit: str) -> Change | None:
    """A change of the unit that has not ended."""
    path = _folder(scope, unit) / _CHANGE
    document = _read(path)
    if document is None:
        return None
    try:
        return Change(
            id=document["id"],
            unit=unit,
            is_removal=document["is_removal"],
            before=standing.from_document(document["before"]),
        )
    except (KeyError, TypeError, AttributeError):
        raise _damaged(path) from None


def units(scope: systemctl.Scope) -> Iterator[str]:
    """The units of which anything is noted."""
    for path in sorted(scope.state_folder.glob("units/*")):
        if (path / _INSTALLED).exists() or (path / _CHANGE).exists():
            yield path.name


def tidy(scope: systemctl.Scope) -> None:
    """Take away the notes that were begun and not made: of what they would name nothing is done."""
    for folder in scope.state_folder.glob("units/*"):
        standing.forget_unwritten(folder)
        _remove_empty(folder)
    _remove_empty(scope.state_folder / "units", scope.state_folder)


def _folder(scope: systemctl.Scope, unit: str) -> Path:
    return scope.state_folder / "units" / unit


def _write(scope: systemctl.Scope, unit: str, name: str, document: dict[str, Any]) -> None:
    folder = _folder(scope, unit)
    try:
        # What a former unit of somebody's held is nobody else's business.
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise HostError(f"what is installed cannot be noted in {folder}: {error}") from None
    text = json.dumps({"schema": _SCHEMA} | document, indent=1) + "\n"
    standing.write(folder / name, File(text=text, mode=0o600))


def _read(path: Path) -> Mapping[str, Any] | None:
    file = standing.read_file(path)
    if file is None:
        return None
    try:
        document = json.loads(file.text)
    except ValueError:
        raise _damaged(path) from None
    if not isinstance(document, dict) or document.get("schema") != _SCHEMA:
        raise _damaged(path)
    return document


def _remove(path: Path) -> None:
    if path.parent.is_dir():
        standing.write(path, None)
        # Copies of what was replaced stay.
        _remove_empty(*path.parents[:3])


def _remove_empty(*folders: Path) -> None:
    for folder in folders:
        with contextlib.suppress(OSError):
            folder.rmdir()


def _damaged(path: Path) -> HostError:
    return HostError(
        f"{path}: expected what pytest-numa has noted, schema {_SCHEMA}, found another text: "
        "look at it, then remove it; until then the unit stays as it is"
    )
