"""The file a report goes to: checked beforehand, replaced in one step, never left half-written."""

import contextlib
import fcntl
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path

from pytest_numa.errors import ReportError

_OPTION = "--numa-report"
_NEW_FILE_MODE = 0o666  # less the umask


def real(path: Path) -> Path:
    """Follow symbolic links, so that the file is replaced and not the link to it."""
    return Path(os.path.realpath(path))


def read(path: Path) -> str | None:
    """Read the text byte for byte, line endings and byte order mark included; None without one."""
    with explained(path):
        if not _is_file(path, option=_OPTION):
            return None
        content = path.read_bytes()
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ReportError(
            f"{path}:{line}: expected UTF-8, found {content[error.start : error.end]!r}: convert "
            "the file, or choose another one with --numa-report PATH; it was left as it is"
        ) from None


def check(path: Path, text: str, *, option: str = _OPTION) -> None:
    """Try all that `replace` will do with ``text``, and take it back; no folder is made."""
    with explained(path, option=option):
        folder = _nearest_folder(path)
        if not folder.is_dir():
            raise ReportError(
                f"report {path}: expected {folder} to be a folder, found a file: "
                f"choose another place with {option} PATH"
            )
        if _is_file(path, option=option):
            # For append, and nothing is appended: not even the time stamp changes.
            path.open("ab").close()
        temporary = folder / _temporary_name()
        with _removed(temporary):
            _write(temporary, text, like=path)


def replace(path: Path, text: str, *, option: str = _OPTION) -> None:
    """Write the file in one step; on failure its old content stands and nothing is left behind."""
    with explained(path, option=option):
        _is_file(path, option=option)
        temporary = path.parent / _temporary_name()
        with _removed(temporary):
            _write(temporary, text, like=path)
            temporary.replace(path)


@contextlib.contextmanager
def locked(path: Path, *, option: str = _OPTION) -> Iterator[None]:
    """Keep other sessions from writing into the folder of ``path``, which is made if need be."""
    with explained(path, option=option):
        path.parent.mkdir(parents=True, exist_ok=True)
        # The folder itself is locked: a lock file would be left behind.
        descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def explained(path: Path, *, option: str = _OPTION) -> Iterator[None]:
    """Turn what the operating system refuses into a ReportError; ``option`` chose the file."""
    try:
        yield
    except OSError as error:
        raise ReportError(
            f"report {path} cannot be written: {error.strerror or error}. Mend that, or choose "
            f"another file with {option} PATH; what the file held stands as it was"
        ) from None


@contextlib.contextmanager
def _removed(temporary: Path) -> Iterator[None]:
    try:
        yield
    finally:
        temporary.unlink(missing_ok=True)


def _write(path: Path, text: str, *, like: Path) -> None:
    """Write a new file with the owner and mode of ``like``, where that exists."""
    old = like.stat() if like.exists() else None
    mode = stat.S_IMODE(old.st_mode) if old else _NEW_FILE_MODE
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(text.encode("utf-8"))
        if old:
            # Only root may give files away; to others the file belongs or will belong.
            with contextlib.suppress(PermissionError):
                os.fchown(descriptor, old.st_uid, old.st_gid)
            os.fchmod(descriptor, mode)
        file.flush()
        os.fsync(descriptor)


def _temporary_name() -> str:
    return f".pytest-numa-{secrets.token_hex(8)}.tmp"


def _nearest_folder(path: Path) -> Path:
    """Find the nearest parent that exists."""
    return next(parent for parent in path.parents if parent.exists())


def _is_file(path: Path, *, option: str) -> bool:
    """Whether the file is there; ReportError where something else is."""
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return False
    if not stat.S_ISREG(mode):
        # To open a pipe would wait for its reader, and root's rename would take the place of a
        # device: of /dev/null, for all programs of the host.
        raise ReportError(
            f"report {path}: expected a regular file or none, found {_kind(mode)}: "
            f"choose another one with {option} PATH"
        )
    return True


def _kind(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "a folder"
    return "a device, pipe or socket"
