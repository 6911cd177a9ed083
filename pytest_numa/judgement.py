"""What the marks demand, held against what was measured: every comparison with its verdict."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, Protocol, TypeVar

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
AnyBlock = TypeVar("AnyBlock", bound=Mapping[str, Sequence[Run]])
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
    """One comparison of one demand. ``advice`` says why it is no more than advice, if it is not."""

    demand: Demand
    against: Against
    verdict: gate.Verdict
    advice: str = ""

    @property
    def outcome(self) -> str:
        """What came out, as a word; nothing that fails a test where it is advice."""
        return "advisory" if self.advice else self.verdict.outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class _Comparison:
    demand: Demand
    against: Against
    at: gate.Comparison
    advice: str


def judge(demands: Sequence[Demand], blocks: Blocks, recorded: Recorded) -> tuple[Judgement, ...]:
    """All comparisons of all demands: with the same session's `pinned`, and with the record.

    The error rate of a failure holds for all of them together.
    """
    blocks = counted(blocks)
    comparisons = [one for demand in demands for one in _comparisons(demand, blocks, recorded)]
    gated = [one for one in comparisons if not one.advice]
    together = iter(gate.judge_together([one.at for one in gated]))
    return tuple(
        Judgement(
            demand=one.demand,
            against=one.against,
            verdict=one.at(1.0) if one.advice else next(together),
            advice=one.advice,
        )
        for one in comparisons
    )


def _comparisons(demand: Demand, blocks: Blocks, recorded: Recorded) -> list[_Comparison]:
    metric = demand.metric
    advice = metric.advice(
        run.result for block in blocks for runs in block.values() for run in runs
    )
    candidate = values(blocks, "systemd", metric)
    if demand.limit is not None:
        limit = partial(gate.judge_limit, candidate, limit=demand.limit, better=metric.better)
        return [_Comparison(demand=demand, against="limit", at=_by_share(limit), advice=advice)]
    how: dict[str, Any] = {"margin": demand.margin or 0.0, "better": metric.better}
    pinned = partial(gate.judge, values(blocks, "pinned", metric), candidate, **how)
    found = [_Comparison(demand=demand, against="pinned", at=_by_share(pinned), advice=advice)]
    if recorded:
        then = recorded_values(recorded, metric)
        record = partial(gate.judge_against_record, then, candidate, **how)
        found.append(
            _Comparison(demand=demand, against="record", at=_by_share(record), advice=advice)
        )
    return found


def _by_share(judged: Callable[..., gate.Verdict]) -> gate.Comparison:
    return lambda share: judged(share=share)


def counted(blocks: Sequence[AnyBlock]) -> list[AnyBlock]:
    """Without those that tell of the load generator rather than of the service."""
    return [
        block
        for block in blocks
        if not any(run.result.client.bound for runs in block.values() for run in runs)
    ]


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
