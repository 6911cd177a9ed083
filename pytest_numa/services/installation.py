"""Unit files on disk: written where nobody else's is, removed only where they are ours."""

import contextlib
import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from pytest_numa.errors import HostError, UnitError
from pytest_numa.services import systemctl
from pytest_numa.services.unit import Unit

_MARK = "# Installed by pytest-numa, which removes it; sha256 of what follows: "


def marked(unit: Unit) -> str:
    """The file's text: our mark with the hash of the rest, then the unit."""
    return f"{_MARK}{hashlib.sha256(unit.text.encode()).hexdigest()}\n{unit.text}"


def is_ours(text: str) -> bool:
    """Whether we wrote the file and nobody changed it since."""
    first, _, rest = text.partition("\n")
    return first == f"{_MARK}{hashlib.sha256(rest.encode()).hexdigest()}"


def check_free(scope: systemctl.Scope, unit: Unit) -> Path:
    """Where the unit would be installed; UnitError where another unit of that name exists."""
    path = scope.unit_folder / unit.name
    if path.is_symlink() or path.exists():
        if not path.is_symlink() and is_ours(_read(path)):
            return path
        raise UnitError(
            f"{path} exists and was not written by pytest-numa, or was changed since: it stays as "
            "it is; rename the template, or move the file away"
        )
    loaded = systemctl.show(scope, unit.name, "LoadState", "FragmentPath")
    if loaded["LoadState"] not in ("not-found", ""):
        raise UnitError(
            f"{unit.name} exists already ({loaded['FragmentPath'] or loaded['LoadState']}), and a "
            f"file in {scope.unit_folder} would hide it: rename the template"
        )
    return path


def install(scope: systemctl.Scope, unit: Unit, path: Path) -> None:
    """Write the unit file in one step and let the manager read it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".pytest-numa-")
    except OSError as error:
        raise HostError(f"the unit cannot be installed in {path.parent}: {error}") from None
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(marked(unit))
            os.fchmod(file.fileno(), 0o644)
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except OSError as error:
        raise HostError(f"the unit cannot be installed as {path}: {error}") from None
    finally:
        Path(temporary).unlink(missing_ok=True)
    systemctl.must(scope, "daemon-reload")


def remove(scope: systemctl.Scope, path: Path) -> None:
    """Stop, disable and remove a unit of ours; a file that is not ours stays, and runs on."""
    if not path.is_file() or not is_ours(_read(path)):
        return
    with contextlib.suppress(HostError):
        systemctl.run(scope, "disable", "--now", "--", path.name)
    path.unlink(missing_ok=True)
    shutil.rmtree(path.with_name(f"{path.name}.d"), ignore_errors=True)
    with contextlib.suppress(HostError):
        systemctl.run(scope, "daemon-reload")
        systemctl.run(scope, "reset-failed", "--", path.name)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
