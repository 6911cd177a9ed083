"""What was counted around the runs of each mode, as a table: it explains, and decides nothing."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tabulate import tabulate

from pytest_numa import formatting
from pytest_numa.evidence import Change
from pytest_numa.experiment import MODES
from pytest_numa.measurement import Measurement

_NOTE = (
    "Median of the runs of each mode, from just before the first measured request to the last "
    "answer. What was zero in all modes, or is not known on this host, is left out."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line; hidden where no mode reaches ``least``."""

    label: str
    value: Callable[[Change], float | None]
    shown: Callable[[float], str]
    least: float


def document(measurement: Measurement) -> dict[str, Any]:
    """The table as plain values; the figures are shown as in all reports."""
    modes = _modes(measurement)
    rows = [
        {"label": label, "modes": dict(zip(modes, shown, strict=True))}
        for label, *shown in _rows(measurement, modes)
    ]
    return {"note": _NOTE, "rows": rows}


def table(measurement: Measurement) -> str:
    """The table as markdown; empty where nothing is known."""
    modes = _modes(measurement)
    rows = _rows(measurement, modes)
    if not rows:
        return ""
    aligned = ("left", *("right" for _ in modes))
    text = tabulate(
        rows, headers=("Per run", *modes), tablefmt="pipe", disable_numparse=True, colalign=aligned
    )
    return f"{_NOTE}\n\n{text}"


def _modes(measurement: Measurement) -> list[str]:
    return [mode for mode in MODES if measurement.runs(mode)]


def _rows(measurement: Measurement, modes: Sequence[str]) -> list[list[str]]:
    changes = {
        mode: [run.evidence for run in measurement.runs(mode) if run.evidence is not None]
        for mode in modes
    }
    return [
        [row.label, *("unknown" if one is None else row.shown(one) for one in medians)]
        for row in (*ROWS, *_node_rows(changes), *_pressure_rows())
        if _matters(medians := [_median(changes[mode], row.value) for mode in modes], row.least)
    ]


def _matters(medians: Sequence[float | None], least: float) -> bool:
    return any(one is not None and one >= least for one in medians)


def _median(changes: Sequence[Change], value: Callable[[Change], float | None]) -> float | None:
    known = [found for one in changes if (found := value(one)) is not None]
    return statistics.median(known) if known else None


def _count(value: float) -> str:
    return f"{value:.0f}"


def _mhz(value: float) -> str:
    return f"{value:.0f} MHz"


def _sum(parts: Mapping[int, int] | None) -> int | None:
    return None if parts is None else sum(parts.values())


def _counts(label: str, value: Callable[[Change], float | None]) -> Row:
    return Row(label=label, value=value, shown=_count, least=1)


def _time(label: str, value: Callable[[Change], float | None]) -> Row:
    return Row(label=label, value=value, shown=formatting.duration, least=0.001)


def _ratio(change: Change, above: str, below: str) -> float | None:
    counts = change.hardware or {}
    if above not in counts or not counts.get(below):
        return None
    return counts[above] / counts[below]


def _clock_mhz(change: Change) -> float | None:
    """Cycles per time on a CPU: perf gives the time in ms."""
    per_ms = _ratio(change, "cycles", "task-clock")
    return None if per_ms is None else per_ms / 1000


def _event(name: str) -> Callable[[Change], float | None]:
    return lambda one: None if one.memory_events is None else one.memory_events.get(name)


ROWS = (
    _time("waiting for a CPU, all threads", lambda one: one.run_queue_delay_s),
    _counts("voluntary context switches", lambda one: one.voluntary_switches),
    _counts("involuntary context switches", lambda one: one.involuntary_switches),
    _counts("moves between CPUs", lambda one: one.migrations),
    _counts("threads born", lambda one: one.threads_born),
    _counts("threads ended", lambda one: one.threads_ended),
    _counts("minor page faults", lambda one: one.minor_faults),
    _counts("major page faults", lambda one: one.major_faults),
    _counts("pages off their preferred node (host)", lambda one: _sum(one.numa_miss_by_node)),
    _counts("pages for processes on another node (host)", lambda one: _sum(one.other_node_by_node)),
    _counts("pages moved by NUMA balancing (host)", lambda one: one.numa_pages_migrated),
    _counts("hint faults of NUMA balancing (host)", lambda one: one.numa_hint_faults),
    _time("stolen by the hypervisor", lambda one: one.steal_s),
    _time("held back by the CPU quota", lambda one: one.quota_throttled_s),
    _counts("memory.high exceeded", _event("high")),
    _counts("memory.max reached", _event("max")),
    _counts("killed for want of memory", _event("oom_kill")),
    _counts("cores slowed down by heat", lambda one: one.core_throttles),
    _counts("packages slowed down by heat", lambda one: one.package_throttles),
    Row(label="CPU clock while it ran (perf)", value=_clock_mhz, shown=_mhz, least=1),
    Row(
        label="CPU clock just after the run",
        value=lambda one: one.frequency_mhz,
        shown=_mhz,
        least=1,
    ),
    Row(
        label="instructions per cycle (perf)",
        value=lambda one: _ratio(one, "instructions", "cycles"),
        shown=formatting.number,
        least=0,
    ),
    Row(
        label="cache misses per 1000 instructions (perf)",
        value=lambda one: _scaled(_ratio(one, "cache-misses", "instructions")),
        shown=formatting.number,
        least=0,
    ),
)


def _scaled(share: float | None) -> float | None:
    return None if share is None else 1000 * share


def _node_rows(changes: Mapping[str, Sequence[Change]]) -> list[Row]:
    nodes = sorted(
        {node for some in changes.values() for one in some for node in one.cpu_time_by_node_s or ()}
    )
    return [_time(f"CPU time on node {node}", _on_node(node)) for node in nodes]


def _on_node(node: int) -> Callable[[Change], float | None]:
    return lambda one: (
        None if one.cpu_time_by_node_s is None else one.cpu_time_by_node_s.get(node, 0.0)
    )


def _pressure_rows() -> list[Row]:
    """`some` only: a time in which all stood still is a part of it."""
    return [
        _time(f"work waited for {what} (host)", _waited(f"{name} some"))
        for name, what in (("cpu", "a CPU"), ("memory", "memory"), ("io", "I/O"))
    ]


def _waited(name: str) -> Callable[[Change], float | None]:
    return lambda one: None if one.host_pressure_s is None else one.host_pressure_s.get(name)
