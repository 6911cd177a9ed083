"""How a unit stands under its manager: its files, its links, and whether it runs.

A standing is taken before a change and brought back afterwards; to bring back what is there
already does nothing.
"""

import contextlib
import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_numa.errors import HostError, UnitError
from pytest_numa.services import bundle, systemctl

_CACHES = Path("/var/cache")
# Of version 2, and beside version 1.
_CGROUPS = ("/sys/fs/cgroup", "/sys/fs/cgroup/unified")
_RUNS = ("active", "activating", "reloading")


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file's text, what is no UTF-8 in it as surrogates, and its permissions."""

    text: str
    mode: int = 0o644


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Paths are relative to the unit folder; a file that is not there is None."""

    files: Mapping[str, File | None]
    links: Mapping[str, str]
    """Links that are named like the unit or lead to it, with their targets."""
    folders: tuple[str, ...]
    """The folders of drop-ins and links that there were."""
    is_active: bool
    has_cache: bool = True
    """Whether there was a CacheDirectory= named like the unit; only what came later is removed."""

    def as_document(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "files": {
                path: None if file is None else {"text": file.text, "mode": file.mode}
                for path, file in self.files.items()
            },
            "links": dict(self.links),
            "folders": list(self.folders),
            "is_active": self.is_active,
            "has_cache": self.has_cache,
        }


def from_document(document: Mapping[str, Any]) -> Standing:
    """What ``as_document`` has made; KeyError and TypeError where it has not."""
    return Standing(
        files={
            path: None if file is None else File(text=file["text"], mode=file["mode"])
            for path, file in document["files"].items()
        },
        links=dict(document["links"]),
        folders=tuple(document["folders"]),
        is_active=document["is_active"],
        has_cache=document.get("has_cache", True),
    )


def read(scope: systemctl.Scope, unit: str, paths: Iterable[str]) -> Standing:
    """How things stand now."""
    folder = scope.unit_folder
    return Standing(
        files={path: read_file(folder / path) for path in sorted(paths)},
        links=_links(folder, unit),
        folders=_folders(folder),
        is_active=_is_service(unit)
        and systemctl.show(scope, unit, "ActiveState")["ActiveState"] in _RUNS,
        has_cache=_has_cache(unit),
    )


def _has_cache(unit: str) -> bool:
    return os.path.lexists(_CACHES / unit.removesuffix(".service"))


def read_file(path: Path) -> File | None:
    """A regular file; None where there is nothing, UnitError where there is something else."""
    try:
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode):
            what = f"a link to {path.readlink()}" if path.is_symlink() else "no regular file"
            raise UnitError(
                f"{path}: expected a unit file or nothing, found {what}: it stays as it is; "
                "move it away (a link to /dev/null: systemctl unmask), or rename the template"
            )
        text = path.read_bytes().decode(errors="surrogateescape")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise HostError(f"{path} cannot be read: {error.strerror}") from None
    return File(text=text, mode=stat.S_IMODE(found.st_mode))


def check_replaceable(scope: systemctl.Scope, target: Standing) -> None:
    """UnitError where a file is neither ours nor as it shall be: somebody has changed it."""
    for path, wanted in target.files.items():
        now = read_file(scope.unit_folder / path)
        if now is not None and now != wanted and not bundle.is_ours(now.text):
            raise UnitError(
                f"{scope.unit_folder / path} was not written by pytest-numa, or was changed since: "
                "it stays as it is; move it away, or have it replaced by --force, which keeps a "
                "copy"
            )


def bring(scope: systemctl.Scope, unit: str, target: Standing) -> None:
    """Make it so. Whoever calls this has checked that the files may be replaced."""
    folder = scope.unit_folder
    links = _links(folder, unit)
    is_removal = all(file is None for file in target.files.values())
    if _is_service(unit) and not target.is_active:
        systemctl.run(scope, "stop", "--", unit)
    if is_removal and not target.has_cache and _has_cache(unit):
        # Only systemd knows where a dynamic user's is. Without one it would make the slice's cgroup
        # for nothing, and leave it.
        systemctl.run(scope, "clean", "--what=cache", "--", unit)
    if is_removal and _is_service(unit):
        # Before its file goes: without that nobody knows in which slice it was, were we killed.
        slice_unit = systemctl.show(scope, unit, "Slice")["Slice"]
        if slice_unit:
            _leave(scope, slice_unit)
    changed = [write(folder / path, file) for path, file in target.files.items()]
    _bring_links(folder, links, target.links)
    _remove_folders(folder, {*target.files, *target.links, *links}, kept=target.folders)
    systemctl.run(scope, "daemon-reload")
    if not target.is_active:
        systemctl.run(scope, "reset-failed", "--", unit)
    elif _is_service(unit):
        systemctl.run(scope, "restart" if any(changed) else "start", "--", unit)
    if is_removal and not _is_service(unit):
        _leave(scope, unit)


def _leave(scope: systemctl.Scope, slice_unit: str) -> None:
    """Take away a slice that systemd made by itself and that is empty now; it never does so."""
    wanted = ("FragmentPath", "ControlGroup", "ActiveState", "RequiredBy")
    found = systemctl.show(scope, slice_unit, *wanted)
    if found["FragmentPath"] or found["ActiveState"] != "active" or not found["ControlGroup"]:
        return
    for root in _CGROUPS:
        with contextlib.suppress(OSError):
            events = Path(f"{root}{found['ControlGroup']}/cgroup.events").read_text("utf-8")
            if "populated 0" in events and not _are_any_up(scope, found["RequiredBy"].split()):
                systemctl.run(scope, "stop", "--", slice_unit)
            return


def _are_any_up(scope: systemctl.Scope, units: Iterable[str]) -> bool:
    # One that waits for its next start has no process, and would be stopped with the slice.
    states = (systemctl.show(scope, unit, "ActiveState")["ActiveState"] for unit in units)
    return any(state not in ("inactive", "failed") for state in states)


def _is_service(unit: str) -> bool:
    # To stop a slice would stop all that runs in it.
    return unit.endswith(".service")


def write(path: Path, file: File | None) -> bool:
    """Write or remove a file in one step; whether that changed anything."""
    temporary = _unwritten(path.parent, path.name)
    try:
        # To unlink what is not there fails, too, where nothing can be written.
        if os.path.lexists(temporary):
            temporary.unlink()
        if read_file(path) == file:
            return False
        if file is None:
            path.unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            with temporary.open("xb") as opened:
                os.fchmod(opened.fileno(), file.mode)
                opened.write(file.text.encode(errors="surrogateescape"))
                opened.flush()
                os.fsync(opened.fileno())
            temporary.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise HostError(f"{path} cannot be written: {error.strerror or error}") from None
    return True


def forget_unwritten(folder: Path) -> None:
    """Take away what killed writers have left below a folder that is ours alone."""
    with contextlib.suppress(OSError):
        for path in folder.rglob(_unwritten(folder, "*").name):
            path.unlink()


def _unwritten(folder: Path, name: str) -> Path:
    # A fixed name: what a killed writer left is overwritten or removed by the next.
    return folder / f".{name}.pytest-numa"


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _links(folder: Path, unit: str) -> dict[str, str]:
    found = (path for pattern in ("*", "*/*") for path in folder.glob(pattern))
    links = {str(path.relative_to(folder)): path for path in found if path.is_symlink()}
    # The file itself, as a link, is refused by read_file().
    return {
        name: str(path.readlink())
        for name, path in sorted(links.items())
        if name != unit and unit in (path.name, path.readlink().name)
    }


def _bring_links(folder: Path, now: Mapping[str, str], wanted: Mapping[str, str]) -> None:
    try:
        for name in dict(now.items() - wanted.items()):
            (folder / name).unlink(missing_ok=True)
        for name, target in sorted(wanted.items() - now.items()):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).symlink_to(target)
    except OSError as error:
        raise HostError(f"{folder / name} cannot be changed: {error.strerror}") from None


def _folders(folder: Path) -> tuple[str, ...]:
    return tuple(
        sorted(path.name for path in folder.glob("*") if path.is_dir() and not path.is_symlink())
    )


def _remove_folders(folder: Path, paths: Iterable[str], *, kept: Iterable[str]) -> None:
    for name in {str(Path(path).parent) for path in paths} - {".", *kept}:
        with contextlib.suppress(OSError):
            (folder / name).rmdir()
