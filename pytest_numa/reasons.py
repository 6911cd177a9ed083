"""Why one mode was slower than another, as far as the kernel's counters tell. Pure.

A counter explains a slowdown where the slower side has clearly more of it, and enough to matter.
Shares are of the run's time, all threads together, so they may exceed 1.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from pytest_numa.evidence import Change

_CLEARLY = 1.5
_SLOWER_CLOCK = 0.97


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """A probable cause with its figures, and what to do about it."""

    text: str
    fix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    """``least`` is how much more there must be; ``shown`` says both figures."""

    value: Callable[[Change], float | None]
    least: float
    text: str
    fix: str
    shown: Callable[[float], str]


def probable(control: Sequence[Change], candidate: Sequence[Change]) -> list[Reason]:
    """What the candidate had more of than its control, the most telling first."""
    found = [
        Reason(text=f"{rule.text}: {rule.shown(late)}, and {rule.shown(then)} there", fix=rule.fix)
        for rule in _RULES
        if (then := _middle(control, rule.value)) is not None
        and (late := _middle(candidate, rule.value)) is not None
        and late - then >= rule.least
        and late >= _CLEARLY * then
    ]
    return found + _slower_clock(control, candidate)


def _slower_clock(control: Sequence[Change], candidate: Sequence[Change]) -> list[Reason]:
    then = _middle(control, lambda one: one.frequency_mhz)
    late = _middle(candidate, lambda one: one.frequency_mhz)
    if then is None or late is None or late > _SLOWER_CLOCK * then:
        return []
    return [
        Reason(
            text=f"its CPUs ran at a lower clock: {late:.0f} MHz, and {then:.0f} MHz there",
            fix="check the governor and the temperature: pytest-numa audit",
        )
    ]


def _middle(changes: Sequence[Change], value: Callable[[Change], float | None]) -> float | None:
    known = [found for one in changes if (found := value(one)) is not None]
    return median(known) if known else None


def _by_time(value: Callable[[Change], float | None]) -> Callable[[Change], float | None]:
    """A share of the run's time, or a rate per second."""

    def by_time(change: Change) -> float | None:
        found = value(change)
        return None if found is None or change.elapsed_s <= 0 else found / change.elapsed_s

    return by_time


def _pressure(name: str) -> Callable[[Change], float | None]:
    return lambda one: (one.cgroup_pressure_s or {}).get(name)


def _sum(parts: Mapping[int, int] | None) -> int | None:
    return None if parts is None else sum(parts.values())


def _event(name: str) -> Callable[[Change], float | None]:
    return lambda one: None if one.memory_events is None else one.memory_events.get(name, 0)


def _percent(value: float) -> str:
    return f"{value:.1%} of the time"


def _per_s(value: float) -> str:
    return f"{value:.0f} a second"


def _count(value: float) -> str:
    return f"{value:.0f} a run"


_RULES = (
    _Rule(
        value=_by_time(lambda one: one.quota_throttled_s),
        least=0.01,
        text="a CPU quota held it back",
        fix="take CPUQuota= out of the unit and of its slice: systemctl show -p CPUQuotaPerSecUSec",
        shown=_percent,
    ),
    _Rule(
        value=_by_time(lambda one: one.run_queue_delay_s),
        least=0.02,
        text="its threads waited for a CPU, all together",
        fix="keep others off the policy's CPUs (pytest-numa audit), or give the server fewer "
        "threads than it has CPUs",
        shown=_percent,
    ),
    _Rule(
        value=_by_time(lambda one: one.steal_s),
        least=0.01,
        text="the hypervisor took its CPUs away",
        fix="give the virtual machine CPUs of its own",
        shown=_percent,
    ),
    _Rule(
        value=_by_time(_pressure("memory full")),
        least=0.01,
        text="it stood still for want of memory",
        fix="raise MemoryHigh= and MemoryMax=, or give it a node with more free memory",
        shown=_percent,
    ),
    _Rule(
        value=_event("high"),
        least=1,
        text="it was held back at memory.high",
        fix="raise MemoryHigh= of the unit",
        shown=_count,
    ),
    _Rule(
        value=lambda one: one.major_faults,
        least=10,
        text="pages had to be read from disk",
        fix="load the model with --no-mmap or --mlock, and see that its memory is not reclaimed",
        shown=_count,
    ),
    _Rule(
        value=lambda one: _sum(one.other_node_by_node),
        least=1000,
        text="pages came from another node (whole host)",
        fix="look at the placement: pytest-numa placement UNIT --watch 10",
        shown=_count,
    ),
    _Rule(
        value=lambda one: one.numa_pages_migrated,
        least=1000,
        text="NUMA balancing moved pages (whole host)",
        fix="sysctl kernel.numa_balancing=0",
        shown=_count,
    ),
    _Rule(
        value=_by_time(lambda one: one.migrations),
        least=20,
        text="its threads moved between CPUs",
        fix="pin the threads to single cores, by the engine's own option",
        shown=_per_s,
    ),
    _Rule(
        value=_by_time(lambda one: one.involuntary_switches),
        least=50,
        text="its threads were put off their CPU",
        fix="keep others off the policy's CPUs: pytest-numa audit",
        shown=_per_s,
    ),
    _Rule(
        value=lambda one: one.core_throttles,
        least=1,
        text="its cores were slowed down by heat",
        fix="look after the cooling, or lower the load",
        shown=_count,
    ),
)
