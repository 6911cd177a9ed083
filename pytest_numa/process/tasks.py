"""Where processes and their threads may run, did run, and have their memory.

Formats: proc_pid_status(5), proc_pid_stat(5), numa(7).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pytest_numa.kernel import numa_maps, status
from pytest_numa.kernel.stat import Stat
from pytest_numa.process import files
from pytest_numa.process.memory import Memory, summarise
from pytest_numa.process.mounts import Mounts

Depth = Literal["threads", "sample", "full"]
"""How a process's memory is looked at: not at all, a sample of its pages, or all of them."""

SAMPLED_PAGES = 4096
"""With none of these elsewhere, less than 0.08 % of all are, at 95 %."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """One thread. Masks are None where the kernel tells none (a thread that has ended)."""

    tid: int
    name: str
    cpus_allowed: frozenset[int] | None
    mems_allowed: frozenset[int] | None
    last_cpu: int
    """Where it ran last; says nothing unless ``cpu_time_ticks`` grows between two readings."""
    cpu_time_ticks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One process at the time of reading."""

    pid: int
    ppid: int
    comm: str
    argv: tuple[str, ...]
    """Empty for kernel threads and zombies."""
    state: str
    start_time_ticks: int
    """Since boot; with the pid it names the process for good."""
    threads: tuple[Thread, ...]
    memory: Memory | None
    """None where it could not be read: see ``unreadable``."""
    unreadable: tuple[str, ...]
    """What could not be read, and why."""

    @property
    def bytes_by_node(self) -> dict[int, int] | None:
        """All bytes on each node; None where they could not be read."""
        return None if self.memory is None else self.memory.bytes_by_node


def read_processes(
    pids: Iterable[int],
    root: Path = Path("/"),
    *,
    depth: Depth = "full",
    sampled_pages: int = SAMPLED_PAGES,
) -> tuple[Process, ...]:
    """Read the processes in the order of their ids; those that have ended are left out.

    ``full`` (numa_maps) holds up a process that maps or unmaps memory meanwhile, about 33 ms a GiB
    of small pages: never while latencies are measured. ``sample`` needs a live host.
    """
    found = (_read_process(pid, root, depth, sampled_pages) for pid in sorted(set(pids)))
    return tuple(process for process in found if process is not None)


def _read_process(pid: int, root: Path, depth: Depth, sampled_pages: int) -> Process | None:
    directory = root / "proc" / str(pid)
    unreadable: list[str] = []
    facts = _facts(directory)
    if facts is None:
        return None
    argv = _read(directory / "cmdline", unreadable)
    threads = tuple(_read_threads(directory, unreadable))
    memory = None
    if depth != "threads":
        source = _alive(directory, facts, threads)
        count = sampled_pages if depth == "sample" else 0
        memory = _read_memory(source, count, facts, unreadable)
    again = _facts(directory)
    # The id may have passed to another process while we read.
    if again is None or again.start_time_ticks != facts.start_time_ticks:
        return None
    return Process(
        pid=pid,
        ppid=facts.ppid,
        comm=facts.comm,
        argv=tuple(argv.rstrip("\0").split("\0")) if argv.strip("\0") else (),
        state=facts.state,
        start_time_ticks=facts.start_time_ticks,
        threads=threads,
        memory=memory,
        unreadable=tuple(unreadable),
    )


def _facts(directory: Path) -> Stat | None:
    """Read the process's stat file; in a capture without one, what its status file has of it."""
    facts = files.read_stat(directory / "stat")
    if facts is not None:
        return facts
    text = _read(directory / "status", [])
    if not text:
        return None
    told = status.parse(text, source=str(directory / "status"))
    return Stat(
        pid=told.pid,
        comm=told.name,
        state=told.state,
        ppid=told.ppid,
        flags=0,
        minor_faults=0,
        major_faults=0,
        utime_ticks=0,
        stime_ticks=0,
        start_time_ticks=0,
        last_cpu=-1,
    )


def _read_threads(directory: Path, unreadable: list[str]) -> Iterator[Thread]:
    tasks = files.numbered(directory / "task")
    if not tasks and directory.exists():
        # What a capture has of the main thread says nothing of the others, and is better than that.
        unreadable.append(f"{directory}/task: no thread in it; the capture is incomplete")
        yield from _read_thread(directory, _facts(directory), unreadable)
    for task in tasks:
        yield from _read_thread(task, files.read_stat(task / "stat"), unreadable)


def _read_thread(task: Path, facts: Stat | None, unreadable: list[str]) -> Iterator[Thread]:
    text = _read(task / "status", unreadable)
    # A thread may end at any moment.
    if facts is not None and text:
        masks = status.parse(text, source=str(task / "status"))
        yield Thread(
            tid=facts.pid,
            name=facts.comm,
            cpus_allowed=masks.cpus_allowed,
            mems_allowed=masks.mems_allowed,
            last_cpu=facts.last_cpu,
            cpu_time_ticks=facts.utime_ticks + facts.stime_ticks,
        )


def _alive(directory: Path, facts: Stat, threads: tuple[Thread, ...]) -> Path:
    """Choose a thread that still has the memory: the main one may have ended before the others."""
    others = [thread.tid for thread in threads if thread.tid != facts.pid]
    return directory / "task" / str(others[0]) if facts.state == "Z" and others else directory


def _read_memory(
    directory: Path, sampled_pages: int, facts: Stat, unreadable: list[str]
) -> Memory | None:
    if sampled_pages:
        # Imported where it is used: ctypes costs every start of the command line.
        from pytest_numa.process import pages  # noqa: PLC0415

        try:
            return pages.sample(directory, count=sampled_pages, seed=facts.start_time_ticks)
        except pages.Refused as error:
            unreadable.append(str(error))
            return None
    reasons = len(unreadable)
    path = directory / "numa_maps"
    text = _read(path, unreadable)
    if not text and directory.exists() and not path.exists():
        unreadable.append(
            f"{path}: not there; the kernel was built without CONFIG_NUMA, or the capture is "
            "incomplete"
        )
    if len(unreadable) > reasons:
        return None
    # Kernel threads and zombies have no memory, and so no text.
    ranges = numa_maps.parse_alike(text, source=str(path))
    return summarise(ranges, Mounts(directory))


def _read(path: Path, unreadable: list[str]) -> str:
    """Read a file; no text where its process has ended, or where ``unreadable`` now says why."""
    try:
        return files.read(path) or ""
    except OSError as error:
        unreadable.append(f"{path}: {error.strerror}")
        return ""
