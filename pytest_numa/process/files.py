"""Files of /proc whose process may end, or be another user's, at any moment."""

from pathlib import Path

from pytest_numa.errors import HostError
from pytest_numa.kernel import stat


def read(path: Path) -> str | None:
    """Read a file; None where its process or thread has ended. Raise OSError otherwise."""
    try:
        # Bytes: the text mode would turn a carriage return inside a name into a line end.
        return path.read_bytes().decode(errors="surrogateescape")
    except (FileNotFoundError, NotADirectoryError, ProcessLookupError):
        return None


def read_stat(path: Path) -> stat.Stat | None:
    """Read a stat file; None where its process or thread has ended."""
    try:
        text = read(path)
    except OSError as error:
        raise HostError(
            f"{path}: expected to read it, found: {error.strerror}; run as root, or where /proc "
            "is not mounted with hidepid="
        ) from None
    return None if text is None else stat.parse(text, source=str(path))


def numbered(directory: Path) -> list[Path]:
    """List the directories named by a number, in its order; none where there is no directory."""
    try:
        names = [entry.name for entry in directory.iterdir()]
    except (FileNotFoundError, ProcessLookupError):
        return []
    except OSError as error:
        raise HostError(f"{directory}: expected to list it, found: {error.strerror}") from None
    return [directory / str(n) for n in sorted(int(name) for name in names if name.isdecimal())]
