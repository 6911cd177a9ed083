"""Files of /sys and /proc below a root, with errors that say which one is missing."""

from pathlib import Path

from pytest_numa.errors import HostError


def read(path: Path) -> str:
    """Read a file that must be there."""
    text = read_if_any(path)
    if text is None:
        raise HostError(
            f"{path}: expected a file of the kernel, found none; the capture is incomplete, "
            "or this kernel was built without it"
        )
    return text


def read_if_any(path: Path) -> str | None:
    """Read a file; None where it does not exist."""
    try:
        # Bytes: the text mode would turn a carriage return inside a name into a line end.
        return path.read_bytes().decode(errors="surrogateescape")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise HostError(f"{path}: expected to read it, found: {error.strerror}") from None
