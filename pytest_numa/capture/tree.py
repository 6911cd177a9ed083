"""Files below a root, found by patterns and read by parts; all of them may vanish meanwhile."""

import fnmatch
import os
import stat
from collections.abc import Iterator
from pathlib import Path

MOST_BYTES = 64 * 2**20
_PART_BYTES = 65_536


def find(folder: Path, pattern: str) -> Iterator[Path]:
    """Find the files that a pattern names; it has as many parts as their paths.

    Not ``Path.glob``, which fails where a process or a cgroup ends meanwhile. No cycle of links can
    hold it up, as it goes no deeper than the pattern.
    """
    head, _, rest = pattern.partition("/")
    for name in _names(folder, head):
        if rest:
            yield from find(folder / name, rest)
        else:
            yield folder / name


def _names(folder: Path, pattern: str) -> list[str]:
    if not any(sign in pattern for sign in "*?["):
        return [pattern]
    try:
        return sorted(fnmatch.filter(os.listdir(folder), pattern))  # noqa: PTH208 - names
    except OSError:
        return []


def read(path: Path) -> tuple[bytes, bool] | None:
    """Read a regular file, and say whether it was cut off at ``MOST_BYTES``.

    None where there is none, or where it can only be written. Raise OSError where the kernel
    refuses.
    """
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode) or not mode & 0o444:
            return None
        return _content(path)
    except (FileNotFoundError, NotADirectoryError, ProcessLookupError):
        return None


def _content(path: Path) -> tuple[bytes, bool]:
    """Read by parts: for some files the kernel sets aside as much memory as is asked for."""
    parts: list[bytes] = []
    size = 0
    with path.open("rb", buffering=0) as file:
        # The kernel gives less than was asked for, of numa_maps a page at a time.
        while size <= MOST_BYTES and (part := file.read(_PART_BYTES)):
            parts.append(part)
            size += len(part)
    content = b"".join(parts)
    if size <= MOST_BYTES:
        return content, False
    # Half a line is in no format.
    return content[: content.rfind(b"\n", 0, MOST_BYTES) + 1], True
