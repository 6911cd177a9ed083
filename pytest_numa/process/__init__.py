"""What processes do: their threads, CPUs, memory, children and cgroups.

Read from procfs below a root directory, so that a captured machine reads like this one.
"""

from pytest_numa.process.family import cgroup_directory, descendants, pids_in_cgroup
from pytest_numa.process.memory import FileMemory, Memory
from pytest_numa.process.tasks import Process, Thread, read_processes

__all__ = [
    "FileMemory",
    "Memory",
    "Process",
    "Thread",
    "cgroup_directory",
    "descendants",
    "pids_in_cgroup",
    "read_processes",
]
