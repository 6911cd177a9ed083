"""Where a sample of a process's pages lies, without holding the process up.

Reading numa_maps holds the lock of the address space while it walks a whole range: 33 ms a GiB of
small pages, in which mmap() and page faults of the process wait. move_pages(2) with no target asks
for 16 pages at a time. Which pages are there at all is read from pagemap, as
Documentation/admin-guide/mm/pagemap.rst of the kernel describes it.
"""

import bisect
import ctypes
import errno
import os
import platform
import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_numa.kernel import maps
from pytest_numa.process import files, memory
from pytest_numa.process.mounts import Mounts

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
# asm/unistd_64.h and asm-generic/unistd.h of the kernel; the C library has no wrapper.
_MOVE_PAGES = {"x86_64": 279, "aarch64": 239, "riscv64": 239, "ppc64le": 301, "s390x": 310}
_BATCH = 4096
# Runs of the bytes of pagemap that have the bits 56 to 63: present, and in the second form of a
# file or of shared memory.
_PRESENT = re.compile(rb"[\x80-\x9f\xc0-\xdf]+|[\xa0-\xbf\xe0-\xff]+")
_FILE_BIT = 0x20
# Of a range larger than this only as many windows are looked at: reservations are terabytes.
_WINDOW_PAGES = 512
_WINDOWS = 512
_LABELS = frozenset({"[vvar]", "[vvar_vclock]", "[vdso]", "[vsyscall]"})

Key = tuple[memory.Kind, str | None]


class Refused(Exception):  # noqa: N818 - becomes a text of Process.unreadable
    """The kernel does not let us look."""


@dataclass(frozen=True, slots=True)
class _Stratum:
    """The pages that are present in one range, as far as it was looked at."""

    mapped: maps.Range
    starts: Sequence[int]
    """Of each run of present pages, the first page's number among all those looked at."""
    pages: Sequence[int]
    """Of each run, the address of the first page."""
    is_file: Sequence[bool]
    present: int
    weight: float
    """How many pages of the range stand behind one that was looked at."""

    def page(self, number: int) -> tuple[int, bool]:
        """The address of a present page, and whether it is of a file or shared memory."""
        run = bisect.bisect_right(self.starts, number) - 1
        return self.pages[run] + (number - self.starts[run]) * _PAGE_BYTES, self.is_file[run]


def sample(directory: Path, *, count: int, seed: int) -> memory.Memory:
    """Look at ``count`` pages of the process of a live /proc directory, drawn by ``seed``.

    They are spread over the ranges by how many pages of each are present. Refused where the kernel
    does not let us, and on architectures whose system call has no number here.
    """
    ranges = [one for one in _ranges(directory) if one.path not in _LABELS]
    dice = random.Random(seed)  # noqa: S311 - no secret
    drawn = list(_drawn(list(_strata(directory, ranges, dice)), count, dice))
    nodes = _nodes(int(directory.name), [address for _, address, _, _ in drawn])
    looked: defaultdict[Key, Counter[int]] = defaultdict(Counter)
    sizes: defaultdict[Key, Counter[int]] = defaultdict(Counter)
    mounts = Mounts(directory)
    for (stratum, _, is_file, stands_for), node in zip(drawn, nodes, strict=True):
        # Negative: swapped out meanwhile, or the page of zeros that all processes share.
        if node >= 0:
            key = _key(stratum.mapped, mounts, is_file=is_file)
            looked[key][node] += 1
            sizes[key][node] += round(stands_for * _PAGE_BYTES)
    return memory.Memory(
        regions=tuple(
            memory.Region(
                kind=kind,
                path=path,
                policy="",
                bytes_by_node=dict(sorted(by_node.items())),
                # Whether others share it is not known; a file of the page cache can be.
                sharers=1 if kind == "anonymous" else 2,
                mount_policy=mounts.policy(path) if kind == "shared" and path else None,
                sampled_by_node=dict(sorted(looked[kind, path].items())),
            )
            for (kind, path), by_node in sorted(
                sizes.items(), key=lambda item: (-item[1].total(), item[0][1] or "")
            )
        )
    )


def _ranges(directory: Path) -> Iterator[maps.Range]:
    try:
        text = files.read(directory / "maps") or ""
    except OSError as error:
        raise Refused(f"{directory}/maps: {error.strerror}") from None
    return maps.parse(text, source=str(directory / "maps"))


def _strata(
    directory: Path, ranges: Sequence[maps.Range], dice: random.Random
) -> Iterator[_Stratum]:
    path = directory / "pagemap"
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise Refused(f"{path}: {error.strerror}") from None
    try:
        for one in ranges:
            stratum = _stratum(descriptor, one, dice)
            if stratum.present:
                yield stratum
    except OSError as error:
        raise Refused(f"{path}: {error.strerror}") from None
    finally:
        os.close(descriptor)


def _stratum(descriptor: int, one: maps.Range, dice: random.Random) -> _Stratum:
    first, total = one.start // _PAGE_BYTES, (one.end - one.start) // _PAGE_BYTES
    windows = [(first, total)]
    if total > _WINDOWS * _WINDOW_PAGES:
        places = sorted(dice.sample(range(total // _WINDOW_PAGES), _WINDOWS))
        windows = [(first + place * _WINDOW_PAGES, _WINDOW_PAGES) for place in places]
    starts: list[int] = []
    pages: list[int] = []
    is_file: list[bool] = []
    present = 0
    for begin, length in windows:
        # An address above 2**63 (vsyscall) or a range that has gone reads short.
        top = os.pread(descriptor, length * 8, begin * 8)[7::8]
        for run in _PRESENT.finditer(top):
            starts.append(present)
            pages.append((begin + run.start()) * _PAGE_BYTES)
            is_file.append(bool(top[run.start()] & _FILE_BIT))
            present += run.end() - run.start()
    weight = total / sum(length for _, length in windows)
    return _Stratum(one, starts, pages, is_file, present, weight)


def _drawn(
    strata: Sequence[_Stratum], count: int, dice: random.Random
) -> Iterator[tuple[_Stratum, int, bool, float]]:
    """Draw pages: the range, the address, whether it is of a file, how many it stands for."""
    resident = sum(one.present * one.weight for one in strata)
    for one in strata:
        share = one.present * one.weight / resident
        wanted = min(one.present, max(1, round(count * share)))
        for number in dice.sample(range(one.present), wanted):
            address, is_file = one.page(number)
            yield one, address, is_file, one.present * one.weight / wanted


def _key(one: maps.Range, mounts: Mounts, *, is_file: bool) -> Key:
    if one.path.startswith("/anon_hugepage"):
        return "huge", one.path
    if not one.is_file or not is_file:
        return "anonymous", None
    if memory.is_memory_file(one.path) or mounts.is_tmpfs(one.path):
        return "shared", one.path
    mount = mounts.of(one.path)
    return ("huge" if mount and mount.kind == "hugetlbfs" else "file"), one.path


def _nodes(pid: int, addresses: Sequence[int]) -> list[int]:
    """The node of each page, or a negative error number."""
    number = _MOVE_PAGES.get(platform.machine())
    if number is None:
        raise Refused(f"move_pages(2): its number on {platform.machine()} is not known here")
    libc = ctypes.CDLL(None, use_errno=True)
    found: list[int] = []
    for begin in range(0, len(addresses), _BATCH):
        batch = addresses[begin : begin + _BATCH]
        pages = (ctypes.c_void_p * len(batch))(*batch)
        status = (ctypes.c_int * len(batch))(*[-errno.ENOENT] * len(batch))
        result = libc.syscall(
            ctypes.c_long(number),
            ctypes.c_int(pid),
            ctypes.c_ulong(len(batch)),
            pages,
            None,
            status,
            ctypes.c_int(0),
        )
        if result < 0:
            code = ctypes.get_errno()
            if code == errno.ESRCH:
                return [-errno.ENOENT] * len(addresses)
            raise Refused(f"move_pages(2) of process {pid}: {os.strerror(code)}")
        found += list(status)
    return found
