"""One reading of all counters: texts as the kernel gave them, to be understood after the run.

Nothing is parsed here, and files are read by descriptor: a reading must not hold up the service,
and parsing takes longer than reading.
"""

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeVar

Key = TypeVar("Key", int, str)
_PAGE = 4096
# NUMA balancing adds a line for each node.
_LONG = 4 * _PAGE
_MOST_FREQUENCIES = 8
# Before Linux 5.18 each of these files may take 10 ms on x86 (aperfmperf_snapshot_all()).
_FREQUENCIES_S = 0.001
RESOURCES = ("cpu", "memory", "io")
CGROUP_FILES = ("cpu.stat", "memory.events", *(f"{name}.pressure" for name in RESOURCES))
THROTTLE_FILES = ("core_throttle_count", "package_throttle_count")


class ThreadTexts(NamedTuple):
    """The files of one thread; empty where it has none. ``status`` only where there is no sched."""

    stat: bytes
    schedstat: bytes
    sched: bytes
    status: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All counters at one moment. Files by their path below the root (``proc/vmstat``)."""

    at_s: float
    """On the monotonic clock."""
    cpus: frozenset[int]
    """Of the policy."""
    threads: Mapping[int, ThreadTexts]
    """By thread id."""
    processes: Mapping[int, str]
    """The stat file of each process, by process id."""
    cgroup: Mapping[str, str] | None
    """Files of the service's own cgroup by name; None where it has none."""
    files: Mapping[str, str]
    unreadable: Mapping[str, str]
    """Why a file, or one of the cgroup, could not be read."""


def read(
    pids: Iterable[int],
    cgroup: Path | None,
    root: Path = Path("/"),
    *,
    cpus: frozenset[int] = frozenset(),
) -> Evidence:
    """Read the counters of the processes, of their ``cgroup`` (version 2), of ``cpus`` and host.

    What cannot be read is left out, and ``unreadable`` says why. About 0.04 ms a thread.
    """
    at_s = time.monotonic()
    unreadable: dict[str, str] = {}
    # First: a CPU that has nothing to do soon runs at another frequency.
    frequencies = dict(_frequencies(root, cpus, unreadable))
    numbers = sorted(set(pids))
    return Evidence(
        at_s=at_s,
        cpus=cpus,
        threads={tid: texts for pid in numbers for tid, texts in _threads(root, pid)},
        processes=_texts(
            {pid: f"{root}/proc/{pid}/stat" for pid in numbers}, unreadable, name="proc/{}/stat"
        ),
        cgroup=None if cgroup is None else _of_cgroup(cgroup, unreadable),
        files={**frequencies, **_of_host(root, cpus, unreadable)},
        unreadable=unreadable,
    )


def frequency_file(cpu: int) -> str:
    """Where the frequency of a CPU stands, in kHz."""
    return f"sys/devices/system/cpu/cpu{cpu}/cpufreq/scaling_cur_freq"


def throttle_file(cpu: int, name: str) -> str:
    """Where Intel CPUs count how often heat slowed them down."""
    return f"sys/devices/system/cpu/cpu{cpu}/thermal_throttle/{name}"


def node_file(node: int, name: str) -> str:
    """A file of one node."""
    return f"sys/devices/system/node/node{node}/{name}"


def nodes(root: Path) -> list[int]:
    """The nodes' numbers; none where the kernel knows of no NUMA."""
    try:
        names = os.listdir(f"{root}/sys/devices/system/node")  # noqa: PTH208 - as fast as can be
    except OSError:
        return []
    return sorted(int(name[4:]) for name in names if name[:4] == "node" and name[4:].isdecimal())


def _of_host(root: Path, cpus: frozenset[int], unreadable: dict[str, str]) -> dict[str, str]:
    names = [
        "proc/stat",
        "proc/vmstat",
        *(f"proc/pressure/{name}" for name in RESOURCES),
        *(node_file(node, name) for node in nodes(root) for name in ("numastat", "cpulist")),
        *(throttle_file(cpu, name) for cpu in sorted(cpus) for name in THROTTLE_FILES),
    ]
    return _texts({name: f"{root}/{name}" for name in names}, unreadable)


def _of_cgroup(cgroup: Path, unreadable: dict[str, str]) -> dict[str, str]:
    return _texts({name: f"{cgroup}/{name}" for name in CGROUP_FILES}, unreadable)


def _frequencies(
    root: Path, cpus: frozenset[int], unreadable: dict[str, str]
) -> Iterator[tuple[str, str]]:
    """The frequency of a few CPUs, spread over all; as many as can be had in a moment."""
    until_s = time.monotonic() + _FREQUENCIES_S
    ordered = sorted(cpus)
    for cpu in ordered[:: max(1, len(ordered) // _MOST_FREQUENCIES)][:_MOST_FREQUENCIES]:
        name = frequency_file(cpu)
        yield from _texts({name: f"{root}/{name}"}, unreadable).items()
        if time.monotonic() > until_s:
            return


def _threads(root: Path, pid: int) -> Iterator[tuple[int, ThreadTexts]]:
    try:
        tasks = os.open(f"{root}/proc/{pid}/task", os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        # It has ended; nothing can be said of it, as of any thread that has.
        return
    try:
        for name in os.listdir(tasks):  # noqa: PTH208 - a descriptor
            stat = _bytes(f"{name}/stat", tasks)
            if stat and name.isdecimal():
                yield int(name), _thread(name, stat, tasks)
    finally:
        os.close(tasks)


def _thread(name: str, stat: bytes, tasks: int) -> ThreadTexts:
    schedstat = _bytes(f"{name}/schedstat", tasks)
    sched = _bytes(f"{name}/sched", tasks, _LONG)
    status = b"" if sched else _bytes(f"{name}/status", tasks)
    return ThreadTexts(stat, schedstat, sched, status)


def _bytes(path: str, folder: int, most: int = _PAGE) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY, dir_fd=folder)
        try:
            # One read: the kernel gives files such as these whole.
            return os.read(descriptor, most)
        finally:
            os.close(descriptor)
    except OSError:
        return b""


def _texts(
    paths: Mapping[Key, str], unreadable: dict[str, str], *, name: str = "{}"
) -> dict[Key, str]:
    texts: dict[Key, str] = {}
    for key, path in paths.items():
        try:
            with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - ten times as fast
                texts[key] = file.readall().decode(errors="surrogateescape")
        except OSError as error:
            unreadable[name.format(key)] = f"{path}: {error.strerror}"
    return texts
