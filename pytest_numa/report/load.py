"""A run's figures as a table for people."""

from tabulate import tabulate

from pytest_numa import formatting
from pytest_numa.load.results import RunResult, Spread

_COLUMNS = ("(ms)", "mean", "p50", "p95", "p99", "max", "n")


def bench_text(result: RunResult) -> str:
    """Latencies, rates, failures by name, and how the client fared."""
    rows = [
        _row("latency", result.latency_ms),
        _row("time to first token", result.ttft_ms),
        _row("inter-token latency", result.itl_ms),
        _row("time per output token", result.tpot_ms),
    ]
    lines = [tabulate(rows, headers=_COLUMNS, disable_numparse=True), ""]
    lines += [
        f"{result.completed} requests completed, {result.failed} failed"
        f"{_kinds(result)}, in {formatting.duration(result.duration_s)}"
        f"{'; stopped early, incomplete' if result.incomplete else ''}",
        f"{formatting.number(result.output_tokens_per_s)} tokens/s (counted by "
        f"{result.tokens_counted_by}), {formatting.number(result.requests_per_s)} requests/s",
        f"percentiles by {result.percentile_method}; stamps by the {result.clock}'s clock; the "
        f"client used {formatting.number(result.client.cpu_s)} s of CPU and woke up to "
        f"{formatting.number(result.client.lag_p99_ms)} ms late (p99)",
    ]
    if result.client.bound:
        lines.append(
            "client-bound: the load generator was the limit, so this says little of the server; "
            "lower the concurrency, or give the client other CPUs"
        )
    return "\n".join(lines)


def _row(name: str, values: Spread) -> list[str]:
    figures = (values.mean, values.p50, values.p95, values.p99, values.max)
    shown = ["-" if value is None else formatting.number(value) for value in figures]
    return [name, *shown, str(values.n)]


def _kinds(result: RunResult) -> str:
    kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(result.failures.items()))
    return f" ({kinds})" if kinds else ""
