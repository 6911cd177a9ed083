"""The figures of a run that can be gated: name, unit, direction, and where to find them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from pytest_numa.load.results import RunResult, Spread

Better = Literal["lower", "higher"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One figure; ``value`` is None where a run has none (no gap in answers of one token).

    A tail needs values beyond it to be seen at all: with fewer than ``least`` it is one of the
    largest few, whatever the server does. ``count`` is how many a run has.
    """

    name: str
    label: str
    unit: str
    better: Better
    value: Callable[[RunResult], float | None]
    definition: str
    least: int = 1
    count: Callable[[RunResult], int] = lambda _: 1

    def advice(self, results: Iterable[RunResult]) -> str:
        """Why it cannot be gated with these runs; empty where it can."""
        fewest = min(map(self.count, results), default=self.least)
        if fewest >= self.least:
            return ""
        return (
            f"advisory: a run has {fewest} values, and {self.least} would show {self.name} "
            "(more --numa-n-requests)"
        )


THROUGHPUT = Metric(
    name="tokens_per_s",
    label="throughput",
    unit="tokens/s",
    better="higher",
    value=lambda result: result.output_tokens_per_s,
    definition="completion tokens of the requests that succeeded, by the time from the first send "
    "to the last byte",
)
REQUEST_RATE = Metric(
    name="requests_per_s",
    label="request rate",
    unit="requests/s",
    better="higher",
    value=lambda result: result.requests_per_s,
    definition="requests that succeeded, by the time from the first send to the last byte",
)
# So many values lie beyond a percentile that is to be gated.
_BEYOND = 5
_MEDIAN = 50


def _latency(
    name: str,
    label: str,
    spread: Callable[[RunResult], Spread],
    percent: int | None = None,
    *,
    of: str,
) -> Metric:
    figure = "mean" if percent is None else f"p{percent}"
    return Metric(
        name=name,
        label=label,
        unit="ms",
        better="lower",
        value=lambda result: getattr(spread(result), figure),
        definition=f"{_FIGURES[percent]} of {of}",
        least=100 * _BEYOND // (100 - percent) if percent is not None and percent > _MEDIAN else 1,
        count=lambda result: spread(result).n,
    )


_FIGURES = {None: "mean", 50: "median"} | {
    percent: f"{percent}th percentile, by nearest rank," for percent in (95, 99)
}
_ANSWER = (
    "the time from sending a request to the end of its answer; with a rate, from when it was due"
)
_FIRST = "the time from sending a request to the first chunk with text"
_GAP = "the time between two successive chunks with text, every gap of all requests"
_PACE = "each request's (last text - first text) / (completion tokens - 1)"


def _whole(result: RunResult) -> Spread:
    return result.latency_ms


def _first(result: RunResult) -> Spread:
    return result.ttft_ms


def _gaps(result: RunResult) -> Spread:
    return result.itl_ms


LATENCIES = {
    metric.name: metric
    for metric in (
        _latency("mean", "mean latency", _whole, of=_ANSWER),
        _latency("p50", "median latency", _whole, 50, of=_ANSWER),
        _latency("p95", "p95 latency", _whole, 95, of=_ANSWER),
        _latency("p99", "p99 latency", _whole, 99, of=_ANSWER),
        _latency("ttft_p50", "median time to first token", _first, 50, of=_FIRST),
        _latency("ttft_p95", "p95 time to first token", _first, 95, of=_FIRST),
        _latency("itl_p50", "median inter-token latency", _gaps, 50, of=_GAP),
        _latency("itl_p99", "p99 inter-token latency", _gaps, 99, of=_GAP),
        _latency(
            "tpot_mean", "mean time per output token", lambda result: result.tpot_ms, of=_PACE
        ),
    )
}
METRICS = {metric.name: metric for metric in (THROUGHPUT, REQUEST_RATE, *LATENCIES.values())}
