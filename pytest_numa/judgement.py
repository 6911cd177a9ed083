"""What the marks demand, held against what was measured: every comparison with its verdict."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from pytest_numa import gate
from pytest_numa.errors import LoadError
from pytest_numa.load.results import RunResult
from pytest_numa.metrics import Metric

Against = Literal["pinned", "record", "limit"]


class Run(Protocol):
    """One run of one mode; all that is needed of it here."""

    @property
    def result(self) -> RunResult: ...


Blocks = Sequence[Mapping[str, Sequence[Run]]]
Recorded = Sequence[Sequence[Sequence[RunResult]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """One thing that a test asks of a figure: a ratio to the controls, or an absolute limit.

    ``margin`` is the accepted slowdown as a fraction; ``limit`` is in the metric's unit. One of
    the two is given.
    """

    metric: Metric
    margin: float | None = None
    limit: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """One comparison of one demand."""

    demand: Demand
    against: Against
    verdict: gate.Verdict


def judge(demand: Demand, blocks: Blocks, recorded: Recorded) -> tuple[Judgement, ...]:
    """All comparisons of one demand: with the same session's `pinned`, and with the record."""
    metric = demand.metric
    blocks = [block for block in blocks if not _is_client_bound(block)]
    candidate = values(blocks, "systemd", metric)
    if demand.limit is not None:
        verdict = gate.judge_limit(candidate, limit=demand.limit, better=metric.better)
        return (Judgement(demand=demand, against="limit", verdict=verdict),)
    margin = demand.margin or 0.0
    verdict = gate.judge(
        values(blocks, "pinned", metric),
        candidate,
        margin=margin,
        better=metric.better,
    )
    found = [Judgement(demand=demand, against="pinned", verdict=verdict)]
    if recorded:
        verdict = gate.judge_against_record(
            recorded_values(recorded, metric), candidate, margin=margin, better=metric.better
        )
        found.append(Judgement(demand=demand, against="record", verdict=verdict))
    return tuple(found)


def _is_client_bound(block: Mapping[str, Sequence[Run]]) -> bool:
    """Whether a block tells of the load generator rather than of the service; it does not count."""
    return any(run.result.client.bound for runs in block.values() for run in runs)


def values(blocks: Blocks, mode: str, metric: Metric) -> list[list[float]]:
    """The metric by block and run."""
    return [[_value(metric, run.result) for run in block[mode]] for block in blocks]


def recorded_values(recorded: Recorded, metric: Metric) -> list[list[list[float]]]:
    """The metric by recorded session, block and run."""
    return [[[_value(metric, run) for run in block] for block in session] for session in recorded]


def _value(metric: Metric, result: RunResult) -> float:
    value = metric.value(result)
    if value is None or not value > 0:
        raise LoadError(
            f"{metric.label}: expected a figure in each run, found none; give the runs more "
            "requests or longer answers"
        )
    return value
