"""What the kernel accounts to a cgroup: its CPUs and nodes in effect, its memory by node.

Sources: the kernel's Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/{cpusets,memory}.rst.
None of these reads holds a process up.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pytest_numa.kernel import cpulist, numa_stat
from pytest_numa.process import family, files


@dataclass(frozen=True, slots=True, kw_only=True)
class Cgroup:
    """One cgroup. What the kernel does not tell of it is None."""

    path: str
    """Below the root of its hierarchy, as ``/system.slice/x.service``."""
    pids: frozenset[int]
    cpus_effective: frozenset[int] | None
    nodes_effective: frozenset[int] | None
    bytes_by_node: Mapping[str, Mapping[int, int]] | None
    """By kind (``anon``, ``file``, ``shmem``), of the cgroup and all below it; up to 2 s old.
    Without hugetlb memory, and without pages that were first charged to another cgroup."""

    @property
    def placed_by_node(self) -> dict[int, int] | None:
        """Bytes that a memory policy places: anonymous and shared memory."""
        if self.bytes_by_node is None:
            return None
        parts = [self.bytes_by_node.get(kind, {}) for kind in ("anon", "shmem")]
        nodes = sorted({node for part in parts for node in part})
        return {node: sum(part.get(node, 0) for part in parts) for node in nodes}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cgroups:
    """The cgroup of a service, with those below it."""

    all: tuple[Cgroup, ...]
    """The service's own first. Empty where it has none of its own."""
    is_unified: bool
    """Whether cpuset and memory are of version 2, the only one in which systemd sets cpusets."""

    @property
    def pids(self) -> frozenset[int]:
        """The processes of all of them."""
        return frozenset().union(*(one.pids for one in self.all))


def read_cgroups(pid: int, root: Path = Path("/")) -> Cgroups:
    """Read the cgroup of the service that a process belongs to, and all below it.

    Where the controllers have hierarchies of their own (version 1), the members are those of
    systemd's, the memory that of the memory controller's, and the CPUs those of the cpuset's.
    """
    own = family.service_cgroup(pid, root)
    if own is None:
        return Cgroups(all=(), is_unified=is_unified(root))
    memory = family.service_cgroup(pid, root, controller="memory") or own
    cpuset = family.service_cgroup(pid, root, controller="cpuset") or own
    is_one = own == memory == cpuset
    found = [
        Cgroup(
            path="/" + str(folder.relative_to(_hierarchy(folder, root))),
            pids=family.members(folder),
            cpus_effective=_list_if_any(_beside(cpuset, own, folder), "cpus"),
            nodes_effective=_list_if_any(_beside(cpuset, own, folder), "mems"),
            bytes_by_node=_memory_if_any(_beside(memory, own, folder)),
        )
        for folder in map(Path, sorted(folder for folder, _, _ in os.walk(own)))
    ]
    return Cgroups(all=tuple(found), is_unified=is_one)


def is_unified(root: Path) -> bool:
    """Whether the host has cgroups of version 2 alone."""
    return (root / "sys/fs/cgroup/cgroup.controllers").is_file()


def _hierarchy(folder: Path, root: Path) -> Path:
    """The mount point of the cgroup's hierarchy, by the names that systemd gives them."""
    base = root / "sys/fs/cgroup"
    if not folder.is_relative_to(base):
        return root
    first = folder.relative_to(base).parts[0]
    return base / first if first in ("unified", "systemd") else base


def _beside(other: Path, own: Path, folder: Path) -> Path:
    """The same cgroup in another hierarchy."""
    return other / folder.relative_to(own)


def _list_if_any(folder: Path, what: str) -> frozenset[int] | None:
    # Version 1 has cpuset.effective_cpus, and cpuset.cpus is what is in effect unless hot-plugged.
    for name in (f"cpuset.{what}.effective", f"cpuset.effective_{what}"):
        text = _text(folder / name)
        if text.strip("\0\n "):
            return cpulist.parse(text, source=str(folder / name))
    return None


def _memory_if_any(folder: Path) -> Mapping[str, Mapping[int, int]] | None:
    path = folder / "memory.numa_stat"
    text = _text(path)
    return numa_stat.parse(text, source=str(path)) if text.strip("\0\n ") else None


def _text(path: Path) -> str:
    try:
        return files.read(path) or ""
    except OSError:
        return ""
