"""The pages of one process by node, from its numa_maps. Format: numa(7)."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from pytest_numa.kernel.numa_maps import MappedRange
from pytest_numa.process.mounts import Mounts

# Files that are memory by another name: SysV and POSIX shared memory, memfd, MAP_SHARED|ANONYMOUS.
_MEMORY_FILES = re.compile(r"/(?:SYSV[0-9a-f]{8}|memfd:|dev/(?:zero|shm/))")

Kind = Literal["anonymous", "shared", "huge", "file"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """What the ranges of one kind, file and policy hold together."""

    kind: Kind
    """``anonymous``: heap, stacks, private copies; ``shared``: memory with a name, tmpfs too;
    ``huge``: hugetlb; ``file``: page cache. A file's pages lie where its first reader of all put
    them, whatever this process's policy. Private copies of a few pages of a file, such as the data
    of a library, count to the file: the kernel does not tell them apart by node."""
    path: str | None
    policy: str
    """Of the range: ``default``, ``bind:0``; empty where only a sample of pages was looked at."""
    bytes_by_node: Mapping[int, int]
    sharers: int = 1
    """The most processes, of the service or not, that share one of the pages."""
    mount_policy: str | None = None
    """The policy of the tmpfs that it lies on, where the mount was given one."""
    address: int | None = None
    """Where it begins, of anonymous memory that forked processes share."""
    sampled_by_node: Mapping[int, int] | None = None
    """Pages looked at, where ``bytes_by_node`` is estimated from them."""

    @property
    def size_bytes(self) -> int:
        """Bytes on all nodes."""
        return sum(self.bytes_by_node.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """A process's pages by node. Pages shared with other processes count in each of them."""

    regions: tuple[Region, ...]
    """The largest first."""

    @property
    def placed_by_node(self) -> dict[int, int]:
        """Bytes that the memory policy places: all but the page cache."""
        return add_up(one.bytes_by_node for one in self.regions if one.kind != "file")

    @property
    def file_backed_by_node(self) -> dict[int, int]:
        """Bytes of page cache on each node."""
        return add_up(one.bytes_by_node for one in self.regions if one.kind == "file")

    @property
    def bytes_by_node(self) -> dict[int, int]:
        """All bytes on each node."""
        return add_up(one.bytes_by_node for one in self.regions)

    @property
    def policies(self) -> frozenset[str]:
        """The policies of the ranges that hold pages: ``default``, ``bind:0``."""
        return frozenset(one.policy for one in self.regions)

    @property
    def sampled_pages(self) -> int:
        """How many pages were looked at where not all were; 0 where all were."""
        return sum(sum((one.sampled_by_node or {}).values()) for one in self.regions)


def summarise(ranges: Iterable[tuple[MappedRange, int]], mounts: Mounts) -> Memory:
    """Add up ranges, each with how many there are of its like; ``mounts`` are the process's."""
    sizes: defaultdict[tuple[Kind, str | None, str, int | None], Counter[int]] = defaultdict(
        Counter
    )
    sharers: Counter[tuple[Kind, str | None, str, int | None]] = Counter()
    for one, alike in ranges:
        if one.pages_by_node:
            kind = _kind(one, mounts)
            forked = one.start_address if kind == "anonymous" and one.mapmax else None
            key = (kind, None if kind == "anonymous" else one.file, one.policy, forked)
            region = sizes[key]
            unit_bytes = one.page_size_kib * 1024 * alike
            for node, pages in one.pages_by_node.items():
                region[node] += pages * unit_bytes
            sharers[key] = max(sharers[key], one.mapmax or 1)
    found = [
        Region(
            kind=kind,
            path=path,
            policy=policy,
            bytes_by_node=dict(sorted(by_node.items())),
            sharers=sharers[kind, path, policy, address],
            mount_policy=mounts.policy(path) if kind == "shared" and path else None,
            address=address,
        )
        for (kind, path, policy, address), by_node in sizes.items()
    ]
    return Memory(regions=tuple(sorted(found, key=lambda one: (-one.size_bytes, one.path or ""))))


def total_by_node(memories: Iterable[Memory]) -> dict[int, int]:
    """Bytes on each node of several processes together, shared pages counted once.

    The kernel does not say which pages two processes share. What is shared by at most ``m`` counts
    as the largest of its sizes in each process, or their sum over ``m`` where that is more: the
    least that it can be.
    """
    total: Counter[int] = Counter()
    shared: defaultdict[tuple[Kind, str | int | None], list[Region]] = defaultdict(list)
    for memory in memories:
        merged: dict[tuple[Kind, str | int | None], Region] = {}
        for one in memory.regions:
            if one.sharers == 1:
                total.update(one.bytes_by_node)
            else:
                key = (one.kind, one.path if one.address is None else one.address)
                merged[key] = _merged(merged.get(key), one)
        for key, one in merged.items():
            shared[key].append(one)
    for regions in shared.values():
        sharers = max(one.sharers for one in regions)
        for node in {node for one in regions for node in one.bytes_by_node}:
            sizes = [one.bytes_by_node.get(node, 0) for one in regions]
            total[node] += max(*sizes, -(-sum(sizes) // sharers))
    return dict(sorted(total.items()))


def add_up(parts: Iterable[Mapping[int, int]]) -> dict[int, int]:
    """Sum by node, in the order of the nodes."""
    total: Counter[int] = Counter()
    for part in parts:
        total.update(part)
    return dict(sorted(total.items()))


def is_memory_file(path: str) -> bool:
    """Whether a file of this name is memory by another name, whatever is mounted there."""
    return bool(_MEMORY_FILES.match(path))


def _kind(one: MappedRange, mounts: Mounts) -> Kind:
    if one.is_huge:
        return "huge"
    if one.file is None:
        return "anonymous"
    if is_memory_file(one.file) or mounts.is_tmpfs(one.file):
        return "shared"
    is_all_private = one.anon_pages == sum(one.pages_by_node.values())
    return "anonymous" if is_all_private else "file"


def _merged(one: Region | None, other: Region) -> Region:
    """Regions of one file that differ in their policies alone."""
    if one is None:
        return other
    return Region(
        kind=one.kind,
        path=one.path,
        policy=one.policy,
        bytes_by_node=add_up((one.bytes_by_node, other.bytes_by_node)),
        sharers=max(one.sharers, other.sharers),
        address=one.address,
    )
