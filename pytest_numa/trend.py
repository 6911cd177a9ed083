"""Series of sessions, where they change, and what else changed there.

Change points are those of Apache Otava: E-divisive with a t-test on both sides (Matteson and James
2014; Fleming et al., "Hunter", 2023). ``benchmarks/change_points.py`` measures how often it errs.
"""

import json
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from pytest_numa.errors import HistoryError
from pytest_numa.history import Entry
from pytest_numa.metrics import Metric

# Otava's own default. Of 30 sessions without a change, some two in a hundred series show one.
MAX_P_VALUE = 0.001
FEWEST = 6
_WINDOW = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change between two sessions of a series; ``index`` is that of the first after it."""

    index: int
    change: float
    """Of the figure, as a fraction: -0.06 is 6 % less than before."""
    p_value: float
    versions: tuple[str, ...]
    """What became what between the two sessions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """One figure of one mode, over the sessions of one subject, oldest first."""

    metric: Metric
    mode: str
    entries: tuple[Entry, ...]
    values: tuple[float, ...]
    """The median of each session's blocks."""
    changes: tuple[Change, ...] = ()


def series(entries: Sequence[Entry]) -> list[list[Entry]]:
    """Sessions by what they have in common, host included; by time within each."""
    found: dict[str, list[Entry]] = {}
    for entry in sorted(entries, key=lambda one: one.when):
        key = json.dumps({**entry.subject, "host": entry.host}, sort_keys=True)
        found.setdefault(key, []).append(entry)
    return list(found.values())


def of(entries: Sequence[Entry], metric: Metric, mode: str, *, has_changes: bool = True) -> Trend:
    """The trend of those entries that have the figure; changes from ``FEWEST`` sessions on.

    HistoryError where changes are to be found and Otava is not there.
    """
    known = tuple(one for one in entries if metric.name in one.figures.get(mode, {}))
    values = tuple(statistics.median(one.figures[mode][metric.name]) for one in known)
    return Trend(
        metric=metric,
        mode=mode,
        entries=known,
        values=values,
        changes=_changes(known, values) if has_changes and len(known) >= FEWEST else (),
    )


def _changes(entries: Sequence[Entry], values: Sequence[float]) -> tuple[Change, ...]:
    try:
        from otava.analysis import compute_change_points  # noqa: PLC0415 - an extra
    except ImportError:
        raise HistoryError(
            "change points need Apache Otava: pip install 'pytest-numa[history]', "
            "or --no-changes for the table alone"
        ) from None
    points, _ = compute_change_points(
        [math.log(value) for value in values], window_len=_WINDOW, max_pvalue=MAX_P_VALUE
    )
    return tuple(
        Change(
            index=int(point.index),
            change=math.expm1(point.stats.mean_2 - point.stats.mean_1),
            p_value=float(point.stats.pvalue),
            versions=became(entries[int(point.index) - 1], entries[int(point.index)]),
        )
        for point in points
    )


def became(before: Entry, after: Entry) -> tuple[str, ...]:
    """``kernel 6.12.9 became 6.12.11``, for everything that differs."""
    names = sorted({*before.versions, *after.versions})
    pairs = ((name, before.versions.get(name), after.versions.get(name)) for name in names)
    return tuple(
        f"{name} {then or '(unknown)'} became {now or '(unknown)'}"
        for name, then, now in pairs
        if then != now
    )
