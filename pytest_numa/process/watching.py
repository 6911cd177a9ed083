"""A service watched while it works: where each thread may run, where it ran, where memory grows.

One look costs microseconds a thread and holds nothing up: sched_getaffinity(2) of every thread,
the last CPU of those whose process has used CPU time, and the cgroup's memory.numa_stat.
"""

import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from pytest_numa.errors import HostError, ParseError
from pytest_numa.kernel import stat
from pytest_numa.process.groups import Cgroups
from pytest_numa.process.moments import Moment, Moments

# Reading a stat file costs ten times what a mask does: these many a look, taking turns.
_LAST_CPUS_PER_LOOK = 200
_SLOWER_EVERY = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedThread:
    """What one thread was seen to be allowed and to do, over all looks."""

    pid: int
    tid: int
    name: str
    masks: Mapping[frozenset[int], tuple[float, float]]
    """Each allowed mask, with the first and the last time, in seconds since the watch began."""
    ran_on: frozenset[int]
    """CPUs on which it was found after it had used CPU time since the look before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """The result of a watch."""

    looks: int
    duration_s: float
    longest_look_ms: float
    threads: tuple[WatchedThread, ...]
    comms: Mapping[int, str]
    """The name of each process that was seen."""
    most_by_node: Mapping[int, int] | None
    """The most anonymous and shared memory seen on each node, of the cgroup; None if unknown."""
    unreadable: tuple[str, ...]
    moments: tuple[Moment, ...] = ()
    """The looks in their order."""
    began_at_s: float | None = None
    """By CLOCK_MONOTONIC."""


@dataclass(slots=True)
class _Seen:
    pid: int
    name: str
    masks: dict[frozenset[int], tuple[float, float]] = field(default_factory=dict)
    mask: set[int] = field(default_factory=set)
    key: frozenset[int] = frozenset()
    ticks: int = -1
    ran_on: set[int] = field(default_factory=set)


class Watch:
    """Looks every ``interval_s`` from a thread of its own, from ``start`` to ``stop``.

    ``pids`` names the service's processes; it is asked in each look and must be quick.
    ``all_pids`` may be slow, and is asked in every fifth. ``cpus`` is where the looking is done.
    """

    def __init__(
        self,
        pids: Callable[[], Iterable[int]],
        *,
        all_pids: Callable[[], Iterable[int]] | None = None,
        cgroups: Callable[[], Cgroups] | None = None,
        interval_s: float = 1.0,
        cpus: frozenset[int] | None = None,
    ) -> None:
        self._pids, self._all_pids, self._cgroups = pids, all_pids, cgroups
        self._interval_s, self._cpus = interval_s, cpus
        self._began_s = time.monotonic()
        self._seen: dict[tuple[int, int], _Seen] = {}
        self._ended: list[tuple[int, _Seen]] = []
        self._comms: dict[int, str] = {}
        self._images: dict[int, tuple[int, int]] = {}
        self._cpu_time_ns: dict[int, int] = {}
        self._turn = 0
        self._looks = 0
        self._longest_s = 0.0
        self._most: dict[int, int] | None = None
        self._others: frozenset[int] = frozenset()
        self._unreadable: dict[str, None] = {}
        self._moments = Moments()
        self._one_look = threading.Lock()
        self._is_over = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> "Watch":  # noqa: PYI034 - typing.Self came with Python 3.11
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def start(self) -> None:
        """Look once, and go on looking in the background."""
        self._began_s = time.monotonic()
        self.look()
        self._thread = threading.Thread(target=self._go_on, name="numa-watch", daemon=True)
        self._thread.start()

    def stop(self) -> Watched:
        """Look a last time and return what was seen; harmless when called again."""
        is_running = self._thread is not None
        self.__exit__()
        if is_running:
            self.look()
        return self.so_far()

    def so_far(self) -> Watched:
        """What was seen up to now."""
        everyone = [*self._ended, *((tid, seen) for (_, tid), seen in list(self._seen.items()))]
        return Watched(
            looks=self._looks,
            duration_s=time.monotonic() - self._began_s,
            longest_look_ms=self._longest_s * 1000,
            threads=tuple(
                WatchedThread(
                    pid=one.pid,
                    tid=tid,
                    name=one.name,
                    masks=dict(one.masks),
                    ran_on=frozenset(one.ran_on),
                )
                for tid, one in everyone
                if one.masks
            ),
            comms=dict(self._comms),
            most_by_node=None if self._most is None else dict(self._most),
            unreadable=tuple(self._unreadable),
            moments=self._moments.all,
            began_at_s=self._began_s,
        )

    def _go_on(self) -> None:
        if self._cpus:
            # Of this thread alone.
            os.sched_setaffinity(0, self._cpus)
        while not self._is_over.wait(self._interval_s):
            self.look()

    def look(self) -> None:
        """Look once: all masks, some last CPUs, the cgroup's memory."""
        with self._one_look:
            self._look()

    def _look(self) -> None:
        began_s = time.monotonic()
        try:
            if self._all_pids and self._looks % _SLOWER_EVERY == 0:
                self._others = frozenset(self._all_pids())
            pids = frozenset(self._pids()) | self._others
            busy = self._masks(pids, began_s - self._began_s)
            self._moments.add(
                Moment(
                    at_s=began_s - self._began_s,
                    threads=len(self._seen),
                    ran_on=self._last_cpus(busy),
                    bytes_by_node=self._memory(),
                )
            )
        except (HostError, ParseError, OSError) as error:
            # A look that failed must not end the watch unseen.
            self._unreadable[str(error)] = None
        self._looks += 1
        self._longest_s = max(self._longest_s, time.monotonic() - began_s)

    def _masks(self, pids: frozenset[int], now_s: float) -> list[tuple[int, int]]:
        """Take the mask of every thread; return the threads of processes that worked."""
        alive: set[tuple[int, int]] = set()
        busy: list[tuple[int, int]] = []
        for pid in pids:
            try:
                tids = [int(name) for name in os.listdir(f"/proc/{pid}/task")]  # noqa: PTH208
            except (FileNotFoundError, ProcessLookupError):
                continue
            except OSError as error:
                self._unreadable[f"/proc/{pid}/task: {error.strerror}"] = None
                continue
            if not self._is_known(pid):
                continue
            keys = [(pid, tid) for tid in tids if self._mask(pid, tid, now_s)]
            alive.update(keys)
            if self._has_worked(pid):
                busy += keys
        for key in self._seen.keys() - alive:
            self._ended.append((key[1], self._seen.pop(key)))
        return busy

    def _is_known(self, pid: int) -> bool:
        """Note the process's name; forget what it was before it became another by execve(2).

        Until numactl and taskset, and the child that a manager has forked, become the service,
        their masks say nothing of it. The stack of a new program begins elsewhere.
        """
        text = _read(f"/proc/{pid}/stat")
        if not text:
            return False
        facts = stat.parse_image(text, source=f"/proc/{pid}/stat")
        if self._images.setdefault(pid, facts) != facts:
            self._images[pid] = facts
            self._ended = [(tid, seen) for tid, seen in self._ended if seen.pid != pid]
            for key in [key for key in self._seen if key[0] == pid]:
                del self._seen[key]
        self._comms[pid] = text[text.find("(") + 1 : text.rfind(")")]
        return True

    def _mask(self, pid: int, tid: int, now_s: float) -> bool:
        try:
            mask = os.sched_getaffinity(tid)
        except ProcessLookupError:
            return False
        seen = self._seen.get((pid, tid))
        if seen is None:
            name = _read(f"/proc/{pid}/task/{tid}/comm")
            if name is None:
                return False
            seen = self._seen[pid, tid] = _Seen(pid=pid, name=name.rstrip("\n"))
        if mask != seen.mask:
            seen.mask, seen.key = mask, frozenset(mask)
        first_s, _ = seen.masks.get(seen.key, (now_s, now_s))
        seen.masks[seen.key] = (first_s, now_s)
        return True

    def _has_worked(self, pid: int) -> bool:
        """Whether the process has used CPU time since the look before."""
        try:
            # The clock of another process: clock_getcpuclockid(3), CPUCLOCK_SCHED of the kernel.
            used_ns = time.clock_gettime_ns(~pid << 3 | 2)
        except OSError:
            return True
        before_ns = self._cpu_time_ns.get(pid)
        self._cpu_time_ns[pid] = used_ns
        return used_ns != before_ns

    def _last_cpus(self, busy: list[tuple[int, int]]) -> frozenset[int]:
        """Read on which CPU threads ran that used CPU time; sleepers show where they ran once."""
        ran_on: set[int] = set()
        self._turn = self._turn % len(busy) if busy else 0
        turn = (busy[self._turn :] + busy[: self._turn])[:_LAST_CPUS_PER_LOOK]
        self._turn += len(turn)
        for pid, tid in turn:
            seen = self._seen[pid, tid]
            text = _read(f"/proc/{pid}/task/{tid}/stat")
            if text:
                ticks, last_cpu = stat.parse_work(text, source=f"/proc/{pid}/task/{tid}/stat")
                if 0 <= seen.ticks < ticks:
                    seen.ran_on.add(last_cpu)
                    ran_on.add(last_cpu)
                seen.ticks = ticks
        return frozenset(ran_on)

    def _memory(self) -> dict[int, int] | None:
        found = self._cgroups() if self._cgroups else None
        placed = found.all[0].placed_by_node if found and found.all else None
        if placed is not None:
            before = self._most or {}
            self._most = {node: max(size, before.get(node, 0)) for node, size in placed.items()}
        return placed


def _read(path: str) -> str | None:
    """Read a small file of /proc, with the least that it takes; None where its thread has ended."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return os.read(descriptor, 4096).decode(errors="surrogateescape")
    except OSError:
        return None
    finally:
        os.close(descriptor)
