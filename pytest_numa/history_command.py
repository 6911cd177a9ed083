"""``pytest-numa history``: recorded sessions over time, and where they changed."""

import argparse
import sys
from pathlib import Path

from pytest_numa import history, history_sql, trend
from pytest_numa.experiment import MODES
from pytest_numa.metrics import METRICS
from pytest_numa.report import history as report

_FIGURES = ("tokens_per_s", "mean", "ttft_p50")
_MOST_NOTES = 5  # of a file of another kind each line is one, and hides what matters


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the subcommand."""
    add = parser.add_argument
    add(
        "path",
        nargs="?",
        type=Path,
        default=Path("benchmarks/history.jsonl"),
        help="what --numa-history wrote [benchmarks/history.jsonl]",
    )
    add("--url", help="read this SQL database instead, as in sqlite:///history.db")
    add(
        "--metric",
        action="append",
        choices=tuple(METRICS),
        metavar="NAME",
        help=f"repeatable [{', '.join(_FIGURES)}]; any of {', '.join(METRICS)}",
    )
    add("--mode", choices=MODES, default="systemd", help="[systemd]")
    add("--no-changes", action="store_true", help="do not look for change points")
    add("--json", action="store_true", help="for programs")
    parser.set_defaults(act=act)


def act(arguments: argparse.Namespace) -> int:
    """Print every series; 1 where there is none to print."""
    found = history_sql.read(arguments.url) if arguments.url else history.read(arguments.path)
    for note in found.notes[:_MOST_NOTES]:
        print(f"pytest-numa: {note}", file=sys.stderr)
    if (more := len(found.notes) - _MOST_NOTES) > 0:
        print(f"pytest-numa: {more} more like these", file=sys.stderr)
    metrics = [METRICS[name] for name in arguments.metric or _FIGURES]
    trends = [
        [
            trend.of(entries, metric, arguments.mode, has_changes=not arguments.no_changes)
            for metric in metrics
        ]
        for entries in trend.series(found.entries)
    ]
    known = [kept for one in trends if (kept := [each for each in one if each.values])]
    if not known:
        source = "the database" if arguments.url else arguments.path
        print(
            f"pytest-numa: no session in {source} has mode {arguments.mode} with "
            f"{', '.join(metric.name for metric in metrics)}",
            file=sys.stderr,
        )
        return 1
    print(report.as_json(known) if arguments.json else report.as_text(known))
    return 0
