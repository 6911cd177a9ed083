"""The pages of one process by node, from its numa_maps. Format: numa(7)."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pytest_numa.kernel.numa_maps import MappedRange

# Files that are memory by another name: SysV and POSIX shared memory, memfd, MAP_SHARED|ANONYMOUS.
_MEMORY_FILES = re.compile(r"/(?:SYSV[0-9a-f]{8}|memfd:|anon_hugepage|dev/(?:zero|shm/))")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileMemory:
    """A mapped file's pages that are in this process's page tables."""

    path: str
    bytes_by_node: Mapping[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """A process's pages by node. Pages shared with other processes count in each of them."""

    anonymous_by_node: Mapping[int, int]
    """Bytes that the memory policy places: heap, stacks, shared memory, huge pages."""
    files: tuple[FileMemory, ...]
    """Bytes of the page cache, the largest file first. A file's pages lie where its first reader
    of all put them, whatever this process's policy. Private copies of a few pages of a file, such
    as the data of a library, count here too: the kernel does not tell them apart by node."""
    policies: frozenset[str]
    """The policies of the ranges that hold pages: ``default``, ``bind:0``."""

    @property
    def file_backed_by_node(self) -> dict[int, int]:
        """Bytes of page cache on each node."""
        return _sum(file.bytes_by_node for file in self.files)

    @property
    def bytes_by_node(self) -> dict[int, int]:
        """All bytes on each node."""
        return _sum((self.anonymous_by_node, self.file_backed_by_node))


def summarise(ranges: Iterable[MappedRange]) -> Memory:
    """Add up the ranges of one process."""
    anonymous: Counter[int] = Counter()
    files: defaultdict[str, Counter[int]] = defaultdict(Counter)
    policies: set[str] = set()
    for mapped in ranges:
        if mapped.pages_by_node:
            policies.add(mapped.policy)
            path = _page_cache_file(mapped)
            (anonymous if path is None else files[path]).update(mapped.bytes_by_node)
    largest_first = sorted(files.items(), key=lambda item: (-item[1].total(), item[0]))
    return Memory(
        anonymous_by_node=dict(anonymous),
        files=tuple(
            FileMemory(path=path, bytes_by_node=dict(counts)) for path, counts in largest_first
        ),
        policies=frozenset(policies),
    )


def _page_cache_file(mapped: MappedRange) -> str | None:
    """Tell the file whose page cache the range shows; None for memory of the process's own."""
    if mapped.file is None or mapped.is_huge or _MEMORY_FILES.match(mapped.file):
        return None
    is_all_private = mapped.anon_pages == sum(mapped.pages_by_node.values())
    return None if is_all_private else mapped.file


def _sum(parts: Iterable[Mapping[int, int]]) -> dict[int, int]:
    total: Counter[int] = Counter()
    for part in parts:
        total.update(part)
    return dict(sorted(total.items()))
