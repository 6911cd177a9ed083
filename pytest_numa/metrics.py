"""The figures of a run that can be gated: name, unit, direction, and where to find them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from pytest_numa.load.results import RunResult

Better = Literal["lower", "higher"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One figure; ``value`` is None where a run has none (no gap in answers of one token)."""

    name: str
    label: str
    unit: str
    better: Better
    value: Callable[[RunResult], float | None]


THROUGHPUT = Metric(
    name="tokens_per_s",
    label="throughput",
    unit="tokens/s",
    better="higher",
    value=lambda result: result.output_tokens_per_s,
)
REQUEST_RATE = Metric(
    name="requests_per_s",
    label="request rate",
    unit="requests/s",
    better="higher",
    value=lambda result: result.requests_per_s,
)
_LATENCIES: dict[str, tuple[str, Callable[[RunResult], float | None]]] = {
    "mean": ("mean latency", lambda result: result.latency_ms.mean),
    "p50": ("median latency", lambda result: result.latency_ms.p50),
    "p95": ("p95 latency", lambda result: result.latency_ms.p95),
    "p99": ("p99 latency", lambda result: result.latency_ms.p99),
    "ttft_p50": ("median time to first token", lambda result: result.ttft_ms.p50),
    "ttft_p95": ("p95 time to first token", lambda result: result.ttft_ms.p95),
    "itl_p50": ("median inter-token latency", lambda result: result.itl_ms.p50),
    "itl_p99": ("p99 inter-token latency", lambda result: result.itl_ms.p99),
    "tpot_mean": ("mean time per output token", lambda result: result.tpot_ms.mean),
}
LATENCIES = {
    name: Metric(name=name, label=label, unit="ms", better="lower", value=value)
    for name, (label, value) in _LATENCIES.items()
}
METRICS = {metric.name: metric for metric in (THROUGHPUT, REQUEST_RATE, *LATENCIES.values())}
