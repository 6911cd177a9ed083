"""One file out of the page cache, and how much of it stayed."""

import os
from dataclasses import dataclass

from pytest_numa.conditions import residency
from pytest_numa.process.mounts import Mounts

# Memory by another name, and the kernel's own files: nothing of these is on a disk to read again.
_NO_DISK = frozenset(
    {"tmpfs", "ramfs", "hugetlbfs", "devtmpfs", "proc", "sysfs", "cgroup", "cgroup2"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Eviction:
    """One file before one start. Sizes are None where the kernel does not tell them."""

    path: str
    before_bytes: int | None = None
    left_bytes: int | None = None
    trouble: str | None = None
    """Why nothing could be done at all."""


def evict(path: str, mounts: Mounts) -> Eviction:
    """Write a file back and drop its pages; says what could not be, and never raises OSError.

    ``mounts`` are those that this process sees.
    """
    mount = mounts.of(path)
    if mount is not None and mount.kind in _NO_DISK:
        return Eviction(path=path, trouble=f"it lies on a {mount.kind}")
    try:
        # A pipe of that name would keep us waiting for somebody to write to it.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        return Eviction(path=path, trouble=os.strerror(error.errno or 0))
    try:
        return _evicted(path, descriptor)
    except OSError as error:
        return Eviction(path=path, trouble=os.strerror(error.errno or 0))
    finally:
        os.close(descriptor)


def _evicted(path: str, descriptor: int) -> Eviction:
    before_bytes = residency.resident_bytes(descriptor)
    # Pages that are not written yet cannot be dropped (posix_fadvise(2)).
    os.fsync(descriptor)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    left_bytes = residency.resident_bytes(descriptor)
    return Eviction(path=path, before_bytes=before_bytes, left_bytes=left_bytes)
