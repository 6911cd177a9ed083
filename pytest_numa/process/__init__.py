"""What processes do: their threads, CPUs, memory, children and cgroups.

Read from procfs below a root directory, so that a captured machine reads like this one.
"""

from pytest_numa.process.family import (
    all_pids,
    cgroup_directory,
    descendants,
    pids_in_cgroup,
    service_cgroup,
)
from pytest_numa.process.groups import Cgroup, Cgroups, read_cgroups
from pytest_numa.process.memory import Memory, Region, total_by_node
from pytest_numa.process.moments import Moment
from pytest_numa.process.service import ServiceProcesses
from pytest_numa.process.tasks import SAMPLED_PAGES, Depth, Process, Thread, read_processes
from pytest_numa.process.watching import Watch, Watched, WatchedThread

__all__ = [
    "SAMPLED_PAGES",
    "Cgroup",
    "Cgroups",
    "Depth",
    "Memory",
    "Moment",
    "Process",
    "Region",
    "ServiceProcesses",
    "Thread",
    "Watch",
    "Watched",
    "WatchedThread",
    "all_pids",
    "cgroup_directory",
    "descendants",
    "pids_in_cgroup",
    "read_cgroups",
    "read_processes",
    "service_cgroup",
    "total_by_node",
]
