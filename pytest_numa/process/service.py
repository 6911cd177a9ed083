"""The processes of one service, found anew at each look: they come and go."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pytest_numa.process import family, groups
from pytest_numa.process.groups import Cgroups
from pytest_numa.process.watching import Watch


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceProcesses:
    """A service by its main process."""

    main_pid: int
    has_own_cgroup: bool
    """Whether all in its cgroup belongs to it; else only what descends from the main process."""
    root: Path = Path("/")

    @property
    def cgroup(self) -> Path | None:
        """The directory of its cgroup; None where it has none of its own."""
        return family.service_cgroup(self.main_pid, self.root) if self.has_own_cgroup else None

    @property
    def pids(self) -> frozenset[int]:
        """All processes now.

        A child in another cgroup is found by descent, one that has lost its parent by the cgroup.
        """
        folder = self.cgroup
        inside = family.pids_in_cgroup(folder) if folder else frozenset[int]()
        below = family.descendants(self.main_pid, self.root)
        # A service that we are a child of, as the shell we were typed in, is not made of us.
        return (inside | below) - {os.getpid()} | {self.main_pid}

    def cgroups(self) -> Cgroups:
        """What the kernel accounts to its cgroup and those below."""
        if not self.has_own_cgroup:
            return Cgroups(all=(), is_unified=groups.is_unified(self.root))
        return groups.read_cgroups(self.main_pid, self.root)

    def watch(self, *, interval_s: float, cpus: frozenset[int] | None = None) -> Watch:
        """A watch over it, not yet started; ``cpus`` is where the looking is done."""
        folder = self.cgroup

        def members() -> Iterable[int]:
            return family.pids_in_cgroup(folder) if folder else [self.main_pid]

        return Watch(
            members,
            all_pids=lambda: self.pids,
            cgroups=self.cgroups,
            interval_s=interval_s,
            cpus=cpus,
        )
