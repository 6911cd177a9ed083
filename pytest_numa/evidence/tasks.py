"""What the threads of a service did between two readings."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from pytest_numa.errors import HostError
from pytest_numa.evidence.snapshot import Evidence, ThreadTexts
from pytest_numa.kernel import sched, schedstat, stat, status
from pytest_numa.kernel.stat import Stat

_NONE = sched.Sched(migrations=None, voluntary_switches=None, involuntary_switches=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """One thread since its start; None where the kernel does not say."""

    start_time_ticks: int
    last_cpu: int
    run_ns: int | None
    wait_ns: int | None
    switches: sched.Sched


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """All threads of the second reading, each with its counters of the first.

    A thread that was born meanwhile has none, and counts from zero; one that has ended is not
    here, since its last known counters are those of the first reading.
    """

    pairs: tuple[tuple[Counters | None, Counters], ...]
    ended: int

    @property
    def born(self) -> int:
        """How many threads are new."""
        return sum(1 for then, _ in self.pairs if then is None)

    def of(self, count: Callable[[Counters], int | None], *, what: str) -> int:
        """How much a count has grown; HostError where the kernel tells ``what`` of no thread."""
        return sum(by for _, by in self._each(count, what=what))

    def run_s_by_node(self, node_of: Mapping[int, int]) -> Mapping[int, float]:
        """CPU time by the node on which each thread ran last, in seconds."""
        total: Counter[int] = Counter()
        for now, run_ns in self._each(lambda one: one.run_ns, what="run time"):
            total[node_of.get(now.last_cpu, 0)] += run_ns
        return {node: run_ns / 1e9 for node, run_ns in sorted(total.items())}

    def _each(
        self, count: Callable[[Counters], int | None], *, what: str
    ) -> Iterator[tuple[Counters, int]]:
        told = 0
        for then, now in self.pairs:
            value = count(now)
            if value is not None:
                told += 1
                yield now, value - ((count(then) if then else None) or 0)
        if not told:
            raise HostError(f"the kernel tells no {what}, or there was no thread to look at")


def growth(before: Evidence, after: Evidence) -> Growth:
    """Understand the threads of both readings; ParseError where a text is alien."""
    old = {tid: _counters(texts, tid) for tid, texts in before.threads.items()}
    new = {tid: _counters(texts, tid) for tid, texts in after.threads.items()}
    pairs = tuple((_same(old.get(tid), now), now) for tid, now in new.items())
    return Growth(pairs=pairs, ended=len(old) - sum(1 for then, _ in pairs if then is not None))


def minor_faults(before: Evidence, after: Evidence) -> int:
    """Page faults without a read from disk, those of ended threads included."""
    return sum(now - then for then, now in _processes(before, after, lambda one: one.minor_faults))


def major_faults(before: Evidence, after: Evidence) -> int:
    """Page faults that read from disk, those of ended threads included."""
    return sum(now - then for then, now in _processes(before, after, lambda one: one.major_faults))


def _counters(texts: ThreadTexts, tid: int) -> Counters:
    facts = stat.parse(_text(texts.stat), source=f"task/{tid}/stat")
    times = (
        schedstat.parse(_text(texts.schedstat), source=f"task/{tid}/schedstat")
        if texts.schedstat
        else None
    )
    # Where the account is switched off all three are 0.
    is_kept = times is not None and bool(times.run_ns or times.timeslices)
    return Counters(
        start_time_ticks=facts.start_time_ticks,
        last_cpu=facts.last_cpu,
        run_ns=times.run_ns if times and is_kept else None,
        wait_ns=times.wait_ns if times and is_kept else None,
        switches=_switches(texts, tid),
    )


def _switches(texts: ThreadTexts, tid: int) -> sched.Sched:
    if texts.sched:
        return sched.parse(_text(texts.sched), source=f"task/{tid}/sched")
    if not texts.status:
        return _NONE
    found = status.parse(_text(texts.status), source=f"task/{tid}/status")
    return sched.Sched(
        migrations=None,
        voluntary_switches=found.voluntary_switches,
        involuntary_switches=found.involuntary_switches,
    )


def _text(content: bytes) -> str:
    return content.decode(errors="surrogateescape")


def _same(then: Counters | None, now: Counters) -> Counters | None:
    """None where another thread had the id."""
    is_same = then is not None and then.start_time_ticks == now.start_time_ticks
    return then if is_same else None


def _processes(
    before: Evidence, after: Evidence, count: Callable[[Stat], int]
) -> Iterator[tuple[int, int]]:
    """A count of each process then and now; 0 then for one that was born meanwhile."""
    if not after.processes:
        raise HostError("there was no process to look at")
    for pid, text in after.processes.items():
        now = stat.parse(text, source=f"{pid}/stat")
        old = before.processes.get(pid)
        then = None if old is None else stat.parse(old, source=f"{pid}/stat")
        is_same = then is not None and then.start_time_ticks == now.start_time_ticks
        yield count(then) if then and is_same else 0, count(now)
