"""What the client saw: one value per request, one per run.

TTFT is from just before the request is handed to the socket to the first chunk with text; ITL is
every gap between two such chunks, none averaged first; TPOT is per request, (last text - first
text) / (tokens - 1); latency is from sending to the end of the answer. On an open loop sending is
when the request was due, whether or not it could be sent then. Failed requests count in none of
them. Percentiles are by nearest rank: of 30 values p95 is the second largest.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from pytest_numa import documents

PERCENTILE_METHOD = "nearest rank"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestResult:
    """One request, on the monotonic clock. ``failure`` is None or its kind.

    ``sent_at_s`` is where its times are counted from: when it was due on an open loop, else when it
    was handed to the socket, which is ``handed_at_s``.
    """

    sent_at_s: float
    ended_at_s: float
    text_at_s: Sequence[float]
    output_tokens: int
    is_counted_by_usage: bool
    failure: str | None
    number: int = 0
    handed_at_s: float | None = None

    @property
    def latency_s(self) -> float:
        """From sending to the end of the answer."""
        return self.ended_at_s - self.sent_at_s

    @property
    def time_to_first_token_s(self) -> float | None:
        """From sending to the first text; None for an answer that was not streamed."""
        return self.text_at_s[0] - self.sent_at_s if self.text_at_s else None

    @property
    def gaps_s(self) -> list[float]:
        """Between the arrivals of successive chunks with text."""
        pairs = zip(self.text_at_s, self.text_at_s[1:], strict=False)
        return [later - earlier for earlier, later in pairs]

    @property
    def time_per_output_token_s(self) -> float | None:
        """Mean time of the tokens after the first; None for an answer of one, or not streamed."""
        if self.output_tokens < 2 or not self.text_at_s:  # noqa: PLR2004
            return None
        return (self.text_at_s[-1] - self.text_at_s[0]) / (self.output_tokens - 1)

    def as_document(self, *, begun_at_s: float) -> dict[str, Any]:
        """For JSON: times in ms, those of arrivals and of sending since the run began."""

        def since(at_s: float) -> float:
            return round(1000 * (at_s - begun_at_s), 4)

        first_s, token_s = self.time_to_first_token_s, self.time_per_output_token_s
        return {
            "number": self.number,
            "failure": self.failure,
            "output_tokens": self.output_tokens,
            "counted_by": "usage" if self.is_counted_by_usage else "chunks",
            "sent_at_ms": since(self.sent_at_s),
            "handed_at_ms": None if self.handed_at_s is None else since(self.handed_at_s),
            "ended_at_ms": since(self.ended_at_s),
            "text_at_ms": [since(at_s) for at_s in self.text_at_s],
            "latency_ms": round(1000 * self.latency_s, 4),
            "ttft_ms": None if first_s is None else round(1000 * first_s, 4),
            "tpot_ms": None if token_s is None else round(1000 * token_s, 4),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """One figure over ``n`` values, in ms; all None where there is no value."""

    mean: float | None
    p50: float | None
    p95: float | None
    p99: float | None
    max: float | None
    n: int

    def check(self, name: str) -> None:
        """ValueError where one figure belies another."""
        ordered = [self.p50, self.p95, self.p99, self.max]
        known = [value for value in (self.mean, *ordered) if value is not None]
        if self.n < 0 or len(known) != (5 if self.n else 0):
            raise ValueError(f"{name}: {len(known)} of 5 figures of {self.n} values")
        if known and (sorted(known[1:]) != known[1:] or known[0] > known[-1] * (1 + 1e-9)):
            raise ValueError(f"{name}: {ordered} with a mean of {self.mean}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """How the client itself fared. ``bound``: it, and not the server, was the limit.

    ``lag_p99_ms`` is how long what had arrived waited for us; by kernel stamps that is in none of
    the figures. ``send_lag_p99_ms`` is how late requests of an open loop were sent, which is in
    their figures. ``reconnected`` counts requests that found their kept connection closed by the
    server, and were sent once more; the time that took is in their latency. ``cpus`` is where it
    ran, as a kernel's list, and ``cpu_share`` its CPU time by the run's.
    """

    cpu_s: float
    lag_p99_ms: float
    bound: bool
    reconnected: int = 0
    cpu_share: float | None = None
    send_lag_p99_ms: float | None = None
    cpus: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a request must not exceed to be counted as good."""

    ttft_ms: float | None = None
    tpot_ms: float | None = None
    latency_ms: float | None = None

    @property
    def given(self) -> dict[str, float]:
        """Those that were asked for."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    def are_met(self, request: "RequestResult") -> bool:
        """Whether a request kept within them; one that has no such time keeps within any."""
        pairs = (
            (request.time_to_first_token_s, self.ttft_ms),
            (request.time_per_output_token_s, self.tpot_ms),
            (request.latency_s, self.latency_ms),
        )
        return all(
            limit_ms is None or found_s is None or 1000 * found_s <= limit_ms
            for found_s, limit_ms in pairs
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """One run. ``clock`` says who took the stamps of arrivals: ``client`` or ``kernel``.

    ``goodput_per_s`` is the rate of requests within ``limits``, None where there are none. Where
    ``tokens_per_chunk`` is more than 1, ITL is between chunks and not between tokens.
    ``begun_at_s`` is when the first request was sent, by CLOCK_MONOTONIC.
    """

    latency_ms: Spread
    ttft_ms: Spread
    itl_ms: Spread
    tpot_ms: Spread
    output_tokens_per_s: float
    requests_per_s: float
    completed: int
    failed: int
    failures: Mapping[str, int]
    duration_s: float
    clock: str
    client: Client
    percentile_method: str
    tokens_counted_by: str
    incomplete: bool
    workload: Mapping[str, Any]
    goodput_per_s: float | None = None
    limits: Mapping[str, float] = field(default_factory=dict)
    tokens_per_chunk: float | None = None
    begun_at_s: float | None = None

    def as_document(self) -> dict[str, Any]:
        """For JSON; the keys are stable."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "RunResult":
        """From JSON; KeyError, TypeError or ValueError where it is none of ours."""
        parts: dict[str, Any] = dict(document)
        nested = {"client": Client, **dict.fromkeys(_SPREADS, Spread)}
        for name, kind in nested.items():
            parts[name] = documents.checked(kind, parts[name])
        result = documents.checked(cls, parts)
        result.check()
        return result

    def check(self) -> None:
        """ValueError where one figure belies another."""
        counts = (self.completed, self.failed, *self.failures.values())
        rates = (self.output_tokens_per_s, self.requests_per_s, self.duration_s)
        if min(*counts, *rates) < 0:
            raise ValueError("a rate, a count or a time below 0")
        if sum(self.failures.values()) != self.failed:
            raise ValueError(f"{self.failed} failures, of which {dict(self.failures)} are named")
        for name in _SPREADS:
            getattr(self, name).check(name)


_SPREADS = ("latency_ms", "ttft_ms", "itl_ms", "tpot_ms")


def percentile(values: Sequence[float], fraction: float) -> float:
    """The smallest value that at least ``fraction`` of all do not exceed (nearest rank)."""
    ordered = sorted(values)
    # Rounded first: 0.95 * 20 is a little more than 19 in binary.
    return ordered[max(1, math.ceil(round(fraction * len(ordered), 9))) - 1]


def spread(values_s: Sequence[float]) -> Spread:
    """Seconds in, milliseconds out."""
    if not values_s:
        return Spread(mean=None, p50=None, p95=None, p99=None, max=None, n=0)
    return Spread(
        mean=1000 * math.fsum(values_s) / len(values_s),
        p50=1000 * percentile(values_s, 0.5),
        p95=1000 * percentile(values_s, 0.95),
        p99=1000 * percentile(values_s, 0.99),
        max=1000 * max(values_s),
        n=len(values_s),
    )


def summarise(
    requests: Sequence[RequestResult],
    *,
    client: Client,
    workload: Mapping[str, Any],
    clock: str = "client",
    limits: Limits | None = None,
    incomplete: bool = False,
) -> RunResult:
    """All figures of a run, from first send to last byte."""
    good = [request for request in requests if request.failure is None]
    failures = Counter(request.failure for request in requests if request.failure is not None)
    begun_s = min((request.sent_at_s for request in requests), default=0.0)
    duration_s = max((request.ended_at_s for request in requests), default=0.0) - begun_s
    tokens = sum(request.output_tokens for request in good)
    chunks = sum(len(request.text_at_s) for request in good)
    kept = None if limits is None or not limits.given else sum(map(limits.are_met, good))
    return RunResult(
        latency_ms=spread([request.latency_s for request in good]),
        ttft_ms=_known([request.time_to_first_token_s for request in good]),
        itl_ms=spread([gap for request in good for gap in request.gaps_s]),
        tpot_ms=_known([request.time_per_output_token_s for request in good]),
        output_tokens_per_s=tokens / duration_s if duration_s > 0 else 0.0,
        requests_per_s=len(good) / duration_s if duration_s > 0 else 0.0,
        completed=len(good),
        failed=len(requests) - len(good),
        failures=dict(sorted(failures.items())),
        duration_s=duration_s,
        clock=clock,
        client=client,
        percentile_method=PERCENTILE_METHOD,
        tokens_counted_by="usage" if all(one.is_counted_by_usage for one in good) else "chunks",
        incomplete=incomplete,
        workload=workload,
        goodput_per_s=None if kept is None else kept / duration_s if duration_s > 0 else 0.0,
        limits={} if limits is None else limits.given,
        tokens_per_chunk=tokens / chunks if chunks else None,
        begun_at_s=begun_s if requests else None,
    )


def _known(values_s: Sequence[float | None]) -> Spread:
    return spread([value_s for value_s in values_s if value_s is not None])
