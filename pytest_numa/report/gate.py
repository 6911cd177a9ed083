"""Comparisons and plans of ``pytest-numa gate``, as text and as JSON."""

import json
import textwrap
from collections.abc import Sequence

from tabulate import tabulate

from pytest_numa import formatting
from pytest_numa.comparison import Comparison, Row
from pytest_numa.planning import Plan

_BAR = 24
_WIDTH = 80


def comparison_text(found: Comparison) -> str:
    """For a person: a table, the sentences, what else has changed, and the outcome."""
    parts = [
        f"{found.now.path} against {found.before.path}, mode {found.mode}, margin "
        f"{found.margin:.1%}",
        _table(found.rows),
        "\n".join(f"{row.metric.label}: {row.sentence}" for row in found.rows),
    ]
    if found.drift:
        parts.append(
            "The host itself, by the same command pinned by hand:\n"
            + "\n".join(f"{row.metric.label}: {row.sentence}" for row in found.drift)
        )
    if found.changes:
        parts.append(formatting.printable(f"Changed in between: {'; '.join(found.changes)}"))
    return "\n\n".join([*parts, found.outcome.upper()])


def _table(rows: Sequence[Row]) -> str:
    cells = [
        (
            row.metric.label,
            formatting.number(row.before),
            formatting.number(row.now),
            row.metric.unit,
            f"{row.verdict.slowdown:+.1%}",
            row.outcome,
        )
        for row in rows
    ]
    headers = ("Figure", "Before", "Now", "Unit", "Slower by", "Verdict")
    return tabulate(cells, headers=headers, disable_numparse=True)


def comparison_json(found: Comparison) -> str:
    """For programs."""
    return json.dumps(
        {
            "outcome": found.outcome,
            "mode": found.mode,
            "margin": found.margin,
            "figures": [_row(row) for row in found.rows],
            "host": [_row(row) for row in found.drift],
            "changes": list(found.changes),
        },
        indent=2,
    )


def _row(row: Row) -> dict[str, object]:
    low, high = row.verdict.interval
    return {
        "figure": row.metric.name,
        "unit": row.metric.unit,
        "before": row.before,
        "now": row.now,
        "outcome": row.outcome,
        "slowdown": row.verdict.slowdown,
        "interval": None if high == float("inf") else [low, high],
        "sentence": row.sentence,
    }


def plan_text(found: Plan) -> str:
    """For a person: the spread, the blocks it takes, and the power curve."""
    shown = "\n".join(
        f"{one.name}: one run has a CV of {one.cv:.2%}"
        + (f" ({one.runs} runs)" if one.runs else "")
        for one in found.spreads
    )
    needs = (
        f"At a margin of {found.margin:.1%} and {found.noise.runs} run(s) a block, an unchanged "
        f"service passes after {_blocks(found, found.half_by)} in half of the sessions, and after "
        f"{_blocks(found, found.most_by)} in 90 % of them."
    )
    rows = [
        (
            f"{one.slowdown:.1%}",
            f"{one.passed:.0%}",
            f"{one.undecided:.0%}",
            f"{one.failed:.0%}",
            "#" * round(_BAR * one.failed),
            f"{one.blocks:.1f}",
            _minutes(found, one.blocks),
        )
        for one in found.curve
    ]
    headers = ("True slowdown", "Pass", "Undecided", "Fail", "", "Blocks", "Minutes")
    table = tabulate(rows, headers=headers, disable_numparse=True)
    note = f"Simulated sessions of at most {found.most_blocks} blocks."
    last = f"{note} {_advice(found)}".rstrip()
    return "\n\n".join([shown, textwrap.fill(needs, _WIDTH), table, textwrap.fill(last, _WIDTH)])


def _blocks(found: Plan, blocks: int | None) -> str:
    if blocks is None:
        return "more than 64 blocks"
    minutes = found.minutes(blocks)
    return f"{blocks} blocks" + ("" if minutes is None else f" ({minutes:.1f} minutes)")


def _minutes(found: Plan, blocks: float) -> str:
    minutes = found.minutes(blocks)
    return "-" if minutes is None else f"{minutes:.1f}"


def _advice(found: Plan) -> str:
    if found.most_by is None or found.most_by > found.most_blocks:
        return (
            "That is more than the budget: give it more blocks (--numa-blocks), more runs a block "
            "(--numa-runs), more requests a run, or a larger margin."
        )
    return ""


def plan_json(found: Plan) -> str:
    """For programs."""
    return json.dumps(
        {
            "cv": {one.name: one.cv for one in found.spreads},
            "margin": found.margin,
            "runs": found.noise.runs,
            "blocks": {"half": found.half_by, "most": found.most_by, "budget": found.most_blocks},
            "block_s": found.block_s,
            "curve": [
                {
                    "slowdown": one.slowdown,
                    "pass": one.passed,
                    "fail": one.failed,
                    "inconclusive": one.undecided,
                    "blocks": one.blocks,
                }
                for one in found.curve
            ],
        },
        indent=2,
    )
