"""Files of /sys and /proc below a root, with errors that say which one is missing."""

import errno
import os
import stat
from pathlib import Path

from pytest_numa.errors import HostError

# /proc/interrupts of the largest hosts has some MiB; a captured tree may hold anything.
MOST_BYTES = 64 * 2**20
_CHUNK_BYTES = 2**16


def read_bytes(path: Path) -> bytes:
    """Read a regular file; OSError where it is something else, too, or larger than MOST_BYTES."""
    # A pipe in a captured tree would have us wait for somebody to write into it.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        kind = os.fstat(descriptor)
        if stat.S_ISDIR(kind.st_mode):
            raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not stat.S_ISREG(kind.st_mode):
            raise OSError(errno.EINVAL, "no regular file")
        content = bytearray()
        # In pieces: a sysctl takes as much of the kernel's memory as is asked for. The size is
        # not enough: files of /proc have none.
        while kind.st_size <= MOST_BYTES and (chunk := os.read(descriptor, _CHUNK_BYTES)):
            content += chunk
            if len(content) > MOST_BYTES:
                break
    finally:
        os.close(descriptor)
    if max(kind.st_size, len(content)) > MOST_BYTES:
        raise OSError(errno.EFBIG, f"larger than {MOST_BYTES >> 20} MiB")
    return bytes(content)


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
        return read_bytes(path).decode(errors="surrogateescape")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise HostError(f"{path}: expected to read it, found: {error.strerror}") from None
