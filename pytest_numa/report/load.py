"""A run's figures as a table for people."""

from collections.abc import Mapping
from typing import Any

from tabulate import tabulate

from pytest_numa import formatting
from pytest_numa.load import answer
from pytest_numa.load.results import RunResult, Spread

# Servers send a last token or a special one in a chunk with another.
_ONE_TOKEN = 1.05
_COLUMNS = ("(ms)", "mean", "p50", "p95", "p99", "max", "n")


def bench_text(result: RunResult) -> str:
    """Latencies, rates, failures by name, and how the client fared."""
    per_chunk = result.tokens_per_chunk or 1.0
    is_by_chunk = per_chunk > _ONE_TOKEN
    rows = [
        _row("latency", result.latency_ms),
        _row("time to first token", result.ttft_ms),
        _row("inter-chunk latency" if is_by_chunk else "inter-token latency", result.itl_ms),
        _row("time per output token", result.tpot_ms),
    ]
    lines = [tabulate(rows, headers=_COLUMNS, disable_numparse=True), ""]
    lines += [
        f"{result.completed} requests completed, {result.failed} failed"
        f", in {formatting.duration(result.duration_s)}"
        f"{'; stopped early, incomplete' if result.incomplete else ''}",
    ]
    lines += [
        f"failed: {count} {kind}: {answer.described(kind)}"
        for kind, count in sorted(result.failures.items())
    ]
    if result.completed:
        lines.append(
            f"{formatting.number(result.output_tokens_per_s)} tokens/s (counted by "
            f"{result.tokens_counted_by}), {formatting.number(result.requests_per_s)} requests/s"
        )
    left_out = [name for name, value in _extra_body(result).items() if value is None]
    if left_out:
        lines.append(f"left out of each request: {', '.join(left_out)}")
    if is_by_chunk:
        lines.append(f"a chunk had {formatting.number(per_chunk)} tokens on average")
    if result.goodput_per_s is not None and result.completed:
        limits = ", ".join(f"{name} {limit:g}" for name, limit in result.limits.items())
        lines.append(
            f"goodput {formatting.number(result.goodput_per_s)} requests/s (limits: {limits})"
        )
    return "\n".join([*lines, *_client(result)])


def _extra_body(result: RunResult) -> Mapping[str, Any]:
    found = result.workload.get("extra_body")
    return found if isinstance(found, Mapping) else {}


def _client(result: RunResult) -> list[str]:
    """Whose clock it was, where the client ran, how it fared, and whether that spoils the rest."""
    client = result.client
    late = (
        ""
        if client.send_lag_p99_ms is None
        else f"; requests were sent up to {formatting.number(client.send_lag_p99_ms)} ms after "
        "they were due (p99), which is in their latency"
    )
    clock = "the kernel" if result.clock == "kernel" else "the client"
    lines = [
        f"percentiles by {result.percentile_method}; arrivals stamped by {clock}",
        f"the client ran on CPUs {client.cpus or 'unknown'}, used "
        f"{formatting.number(client.cpu_s)} s of CPU, and had what arrived up to "
        f"{formatting.number(client.lag_p99_ms)} ms later "
        f"(p99){late}",
    ]
    if client.bound:
        lines.append(
            "client-bound: the load generator was the limit, so this says little of the server; "
            "lower the concurrency, or give the client other CPUs"
        )
    return lines


def _row(name: str, values: Spread) -> list[str]:
    figures = (values.mean, values.p50, values.p95, values.p99, values.max)
    shown = ["-" if value is None else formatting.number(value) for value in figures]
    return [name, *shown, str(values.n)]
