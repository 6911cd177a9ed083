"""What stands on the terminal: the header, the progress, and the table at the end."""

import textwrap
from collections.abc import Mapping, Sequence

from tabulate import tabulate

from pytest_numa import formatting, outcome, settings
from pytest_numa.experiment import MODES, Position
from pytest_numa.judgement import Judgement
from pytest_numa.measurement import Measurement, Run
from pytest_numa.report import conditions, figures

_WIDTH = 80
_ALIGNED = ("left", *("right",) * 7)
_COLUMNS = ("Mode", "Runs", "Avg ms", "p95 ms", "TTFT ms", "tokens/s", "req/s", "Failed")


def header(wanted: settings.Settings) -> list[str]:
    """Host, policy, manager, control and budget: what the session is about."""
    policy, workload, plan = wanted.policy, wanted.workload, wanted.plan
    recorded = len(wanted.baseline.sessions) if wanted.baseline else 0
    texts = [
        f"CPUs {policy.cpu_list}, memory of node {policy.node_list}; unit {wanted.unit.name}",
        f"manager {wanted.manager.name}: {wanted.manager.reason}",
        workload.offered,
        f"modes {', '.join(plan.modes)}",
        f"at most {figures.count(plan.budget.max_blocks, 'block')}; margin {wanted.margin:.0%}; "
        f"baseline: {f'{recorded} recorded' if recorded else _without_baseline(wanted)}",
        *(["null control: pinned against itself"] if wanted.is_null_control else []),
        figures.client_place(wanted),
        *figures.limits(wanted),
    ]
    return [line for text in texts for line in _wrapped(text, first="numa: ")]


def _without_baseline(wanted: settings.Settings) -> str:
    if not wanted.lacks_baseline:
        return "none recorded, and this session is" if wanted.is_recording else "none"
    if wanted.missing_baseline == "skip":
        return "none recorded; tests with a ratio will be skipped"
    return "none recorded, so tests with a ratio will fail: --numa-record makes one"


def progress(position: Position, done: int, failed: int, n_requests: int | None) -> str:
    """One line that is redrawn: mode, block, requests, time left."""
    left_s = position.left_s
    left = "" if left_s is None else f", at most {formatting.duration(left_s)} left"
    bad = f", {failed} failed" if failed else ""
    all_of = "" if n_requests is None else f" of {n_requests}"
    return (
        f"numa: block {position.block + 1} of at most {position.plan.budget.max_blocks}, "
        f"{position.mode}: {done}{all_of} requests{bad}{left}"
    )


def block(number: int, runs: Mapping[str, Sequence[Run]], *, under: str | None = None) -> str:
    """One line that stays, for a block that is complete, ``under`` a condition or not."""
    rates = {
        mode: figures.mean([run.result.output_tokens_per_s for run in runs[mode]])
        for mode in MODES
        if mode in runs
    }
    parts = [f"{mode} {rate:.1f} tokens/s" for mode, rate in rates.items()]
    name = f"{under}, block" if under else "block"
    return f"numa: {name} {number}: {', '.join(parts)}"


def unfinished(wanted: settings.Settings) -> str | None:
    """What becomes of the blocks of a session that was interrupted."""
    path = wanted.unfinished_path
    if not path.exists():
        return None
    return f"numa: finished blocks are kept in {path}: the same command with --numa-resume goes on"


def summary(
    wanted: settings.Settings, measurement: Measurement, judgements: Sequence[Judgement]
) -> list[str]:
    """The table of modes, then each verdict, those that are not good first."""
    rows = [_row(mode, measurement.runs(mode)) for mode in MODES if measurement.runs(mode)]
    lines = tabulate(rows, headers=_COLUMNS, disable_numparse=True, colalign=_ALIGNED).splitlines()
    order = ("fail", "inconclusive", "pass", "advisory")
    ranked = sorted(judgements, key=lambda one: order.index(one.outcome))
    lines.append("")
    for one in ranked:
        lines += _wrapped(outcome.sentence(one), first=f"{one.outcome:12}  ")
    if wanted.is_null_control:
        return lines
    notes = [
        *conditions.sentences(measurement),
        *figures.notices(wanted, measurement, judgements),
        f"report: {wanted.report_path}",
    ]
    return [*lines, "", *(line for note in notes for line in _wrapped(note, first="- "))]


def _wrapped(text: str, *, first: str) -> list[str]:
    return textwrap.wrap(
        text,
        width=_WIDTH,
        initial_indent=first,
        subsequent_indent=" " * len(first),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _row(mode: str, runs: Sequence[Run]) -> list[str]:
    results = [run.result for run in runs]
    return [
        mode,
        str(len(runs)),
        formatting.number(figures.mean([result.latency_ms.mean for result in results])),
        formatting.number(figures.mean([result.latency_ms.p95 for result in results])),
        formatting.number(figures.mean([result.ttft_ms.p50 for result in results])),
        formatting.number(figures.mean([result.output_tokens_per_s for result in results])),
        formatting.number(figures.mean([result.requests_per_s for result in results])),
        str(sum(result.failed for result in results)),
    ]
