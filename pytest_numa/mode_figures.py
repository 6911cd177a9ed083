"""The figures of each mode: means with their intervals, and how they differ from the control's."""

import math
from dataclasses import dataclass
from statistics import fmean

from pytest_numa import gate, judgement, stats
from pytest_numa.errors import LoadError
from pytest_numa.measurement import Blocks, Measurement
from pytest_numa.metrics import Metric

_LEVEL = 0.005
# Of two blocks an interval would be so wide that it says nothing.
_FEWEST = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure of one mode, in the metric's unit; None where it is not known.

    ``mean`` is that of all runs, and ``interval`` holds the mean of endless blocks with 99 %.
    ``change`` is against `pinned`, on the blocks that verdicts rest on.
    """

    mean: float | None
    interval: tuple[float, float] | None = None
    change: gate.Effect | None = None


def of(measurement: Measurement, mode: str, metric: Metric) -> Figure:
    """One figure of one mode."""
    values = [metric.value(run.result) for run in measurement.runs(mode)]
    known = [value for value in values if value is not None]
    if not known or len(known) < len(values):
        return Figure(mean=fmean(known) if known else None)
    return Figure(
        mean=fmean(known),
        interval=_interval(measurement.blocks, mode, metric),
        change=_change(measurement.blocks, mode, metric),
    )


def _interval(blocks: Blocks, mode: str, metric: Metric) -> tuple[float, float] | None:
    means = [fmean(runs) for runs in _values(blocks, mode, metric)]
    if len(means) < _FEWEST:
        return None
    logs = [math.log(mean) for mean in means]
    error = max(stats.sd(logs), stats.LEAST_SD) / math.sqrt(len(logs))
    # As they are, with every outlier: it is the interval of the mean beside it.
    plain = stats.Estimate(log_ratio=fmean(logs), error=error, freedom=len(logs) - 1)
    low, high = plain.bounds(_LEVEL)
    return math.exp(low), math.exp(high)


def _change(blocks: Blocks, mode: str, metric: Metric) -> gate.Effect | None:
    counted = judgement.counted(blocks)
    if mode == "pinned" or not counted or "pinned" not in counted[0]:
        return None
    before, now = (_values(counted, one, metric) for one in ("pinned", mode))
    return gate.effect(before, now, better=metric.better) if before and now else None


def _values(blocks: Blocks, mode: str, metric: Metric) -> list[list[float]]:
    try:
        return judgement.values(blocks, mode, metric)
    except LoadError:
        # A figure that not all runs have: of what is there no interval can be told.
        return []
