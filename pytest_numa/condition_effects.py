"""What a condition does to each mode, against the same mode as the host is; for people.

Nothing is decided by it. The blocks of one round are compared with each other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pytest_numa import gate, judgement
from pytest_numa.conditions.rounds import AS_IT_IS
from pytest_numa.experiment import MODES
from pytest_numa.measurement import Measurement, Run
from pytest_numa.metrics import METRICS, Metric

FIGURES = (METRICS["tokens_per_s"], METRICS["mean"])

Rounds = Sequence[Mapping[str, Mapping[str, Sequence[Run]]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionEffect:
    """One figure of one mode under a condition. Means are of the runs, in the figure's unit."""

    condition: str
    mode: str
    metric: Metric
    mean_as_it_is: float
    mean_under: float
    effect: gate.Effect


def effects(measurement: Measurement, condition: str) -> tuple[ConditionEffect, ...]:
    """Of every mode and figure; none where no round can be counted."""
    rounds = counted(measurement, condition)
    modes = [mode for mode in MODES if rounds and mode in rounds[0][condition]]
    return tuple(_effect(rounds, condition, mode, metric) for mode in modes for metric in FIGURES)


def between_modes(
    measurement: Measurement, condition: str, *, control: str, candidate: str
) -> gate.Effect | None:
    """Throughput of one mode against another under a condition; None where one is lacking."""
    rounds = counted(measurement, condition)
    if not rounds or not {control, candidate} <= set(rounds[0][condition]):
        return None
    blocks = [one[condition] for one in rounds]
    metric = FIGURES[0]
    return gate.effect(
        judgement.values(blocks, control, metric),
        judgement.values(blocks, candidate, metric),
        better=metric.better,
    )


def protection(measurement: Measurement, condition: str) -> gate.Effect | None:
    """How much more `unpinned` loses by a condition than `pinned` does; None where one is lacking.

    A ratio of ratios: of each round, throughput with and without, unpinned against pinned.
    """
    rounds = counted(measurement, condition)
    if not rounds or not {"unpinned", "pinned"} <= set(rounds[0][condition]):
        return None
    left = {mode: _left_over(rounds, condition, mode) for mode in ("unpinned", "pinned")}
    return gate.effect(left["pinned"], left["unpinned"], better="higher")


def counted(measurement: Measurement, condition: str) -> Rounds:
    """The rounds that say something: no request failed, and the client was not the limit."""
    found = measurement.conditions
    return [
        one
        for one in (found.rounds if found else ())
        if not any(
            run.result.failed or run.result.client.bound
            for name in (AS_IT_IS, condition)
            for runs in one[name].values()
            for run in runs
        )
    ]


def _effect(rounds: Rounds, condition: str, mode: str, metric: Metric) -> ConditionEffect:
    before = judgement.values([one[AS_IT_IS] for one in rounds], mode, metric)
    under = judgement.values([one[condition] for one in rounds], mode, metric)
    return ConditionEffect(
        condition=condition,
        mode=mode,
        metric=metric,
        mean_as_it_is=_mean(before),
        mean_under=_mean(under),
        effect=gate.effect(before, under, better=metric.better),
    )


def _left_over(rounds: Rounds, condition: str, mode: str) -> list[list[float]]:
    """Of each round, which part of its throughput a mode keeps."""
    metric = FIGURES[0]
    before = judgement.values([one[AS_IT_IS] for one in rounds], mode, metric)
    under = judgement.values([one[condition] for one in rounds], mode, metric)
    return [[_mean([now]) / _mean([then])] for then, now in zip(before, under, strict=True)]


def _mean(blocks: Sequence[Sequence[float]]) -> float:
    values = [value for block in blocks for value in block]
    return sum(values) / len(values)
