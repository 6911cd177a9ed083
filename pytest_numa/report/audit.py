"""An audit for people, for programs, and as scripts that mend what it found and undo that."""

from collections.abc import Sequence
from typing import Any

from tabulate import tabulate

from pytest_numa import formatting
from pytest_numa.audit import STATUSES, Result
from pytest_numa.problem import Problem


def text(results: Sequence[Result]) -> str:
    """A line for each check; then, for what failed or is unknown, the risk and the fix."""
    ordered = sorted(results, key=lambda one: _ORDER[one.status])
    rows = [
        [one.status, one.check.id, one.check.name, formatting.printable(one.outcome.found)]
        for one in results
    ]
    table = tabulate(
        rows,
        headers=("status", "id", "check", "found"),
        tablefmt="simple",
        maxcolwidths=[None, None, None, 44],
    )
    told = [paragraph(one) for one in ordered if one.status == "fail" or one.outcome.fix]
    return "\n\n".join([table, *told, summary(results)])


_ORDER = {"fail": 0, "unknown": 1, "pass": 2, "skip": 3}


def summary(results: Sequence[Result]) -> str:
    """How many of each."""
    counts = {status: sum(one.status == status for one in results) for status in STATUSES}
    return ", ".join(f"{count} {status}" for status, count in counts.items())


def paragraph(one: Result) -> str:
    """What was wanted and found, what comes of it, and what mends it."""
    lines = [
        f"{one.status} {one.check.id} {one.check.name}: wanted {one.check.wanted}",
        f"  found: {formatting.printable(one.outcome.found)}",
        f"  risk:  {one.check.risk}",
    ]
    if one.outcome.fix is not None:
        lines.append(f"  fix:   {formatting.printable(one.outcome.fix.text)}")
    return "\n".join(lines)


def problem(one: Result) -> Problem:
    """The same for the end of a session."""
    fix = () if one.outcome.fix is None else (("to fix", one.outcome.fix.text),)
    return Problem(
        weight="fail",
        what=f"the host is not fit: {one.check.name} ({one.check.id})",
        rows=(
            ("expected", one.check.wanted),
            ("found", one.outcome.found),
            ("risk", one.check.risk),
            *fix,
        ),
    )


def document(results: Sequence[Result]) -> dict[str, Any]:
    """For JSON."""
    counts = {status: sum(one.status == status for one in results) for status in STATUSES}
    return {"summary": counts, "checks": [one.as_document() for one in results]}


def script(results: Sequence[Result], *, undo: bool) -> str:
    """What mends all that commands can mend, or takes that back, for a root shell."""
    lines = [
        "#!/bin/sh",
        "# Undoes what the other script changes." if undo else "# Read before you run it, as root.",
        "set -u",
    ]
    for one in results:
        fix = one.outcome.fix
        if one.status != "fail" or fix is None:
            continue
        commands = fix.undo if undo else fix.commands
        # No kernel writes what does not print; it is put into no script.
        if commands and all(map(str.isprintable, (*fix.commands, *fix.undo))):
            lines += ["", f"# {one.check.id} {one.check.name}", *commands]
        elif not undo:
            by_hand = formatting.printable(fix.text)
            lines += ["", f"# {one.check.id} {one.check.name}, by hand: {by_hand}"]
    return "\n".join(lines) + "\n"
