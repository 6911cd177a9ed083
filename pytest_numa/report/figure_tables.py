"""Latency, first token, gaps and throughput of each mode as tables, with their intervals."""

from collections.abc import Sequence
from dataclasses import dataclass

from tabulate import tabulate

from pytest_numa import formatting, mode_figures
from pytest_numa.experiment import MODES
from pytest_numa.measurement import Measurement
from pytest_numa.metrics import METRICS
from pytest_numa.report import figures

_NOTE = (
    "Means of the runs; in brackets, where there are three blocks or more, the 99 % interval of "
    "the mean over the blocks. The last column compares the first figure with that of `pinned`, "
    "block by block, on those blocks that verdicts rest on: in which the load generator was not "
    "the limit."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    """One table: its heading, and its figures by the head of their column; the first leads."""

    heading: str
    columns: tuple[tuple[str, str], ...]


_GROUPS = (
    _Group(
        heading="Throughput",
        columns=(("Output tokens/s", "tokens_per_s"), ("Requests/s", "requests_per_s")),
    ),
    _Group(
        heading="Latency of a request (ms)",
        columns=(("Mean", "mean"), ("Median", "p50"), ("p95", "p95"), ("p99", "p99")),
    ),
    _Group(
        heading="Time to first token, TTFT (ms)",
        columns=(("Median", "ttft_p50"), ("p95", "ttft_p95")),
    ),
    _Group(
        heading="Inter-token latency, ITL (ms)",
        columns=(("Median", "itl_p50"), ("p99", "itl_p99"), ("Mean per token", "tpot_mean")),
    ),
)


def tables(measurement: Measurement) -> str:
    """The note and the tables; empty where nothing was measured."""
    modes = [mode for mode in MODES if measurement.runs(mode)]
    if not modes:
        return ""
    return "\n\n".join([_NOTE, *(_table(measurement, group, modes) for group in _GROUPS)])


def _table(measurement: Measurement, group: _Group, modes: Sequence[str]) -> str:
    headers = ("Mode", *(head for head, _ in group.columns), "Against pinned")
    text = tabulate(
        [_row(measurement, group, mode) for mode in modes],
        headers=headers,
        tablefmt="pipe",
        disable_numparse=True,
        colalign=("left", *("right" for _ in group.columns), "left"),
    )
    return f"#### {group.heading}\n\n{text}"


def _row(measurement: Measurement, group: _Group, mode: str) -> list[str]:
    found = [mode_figures.of(measurement, mode, METRICS[name]) for _, name in group.columns]
    return [mode, *map(_value, found), _against_pinned(found[0], mode)]


def _value(figure: mode_figures.Figure) -> str:
    if figure.mean is None:
        return "unknown"
    shown = formatting.number(figure.mean)
    if figure.interval is None:
        return shown
    low, high = map(formatting.number, figure.interval)
    return f"{shown} ({low} to {high})"


def _against_pinned(figure: mode_figures.Figure, mode: str) -> str:
    if mode == "pinned":
        return ""
    return "unknown" if figure.change is None else figures.compared(figure.change)
