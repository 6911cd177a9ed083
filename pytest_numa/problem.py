"""One thing that keeps a session from being accepted, told to a reader who saw nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Weight = Literal["error", "fail", "inconclusive", "skip"]

_LOG_ENDS = "its log ends:"
_FIX = "to fix"
_INDENT = 2
_COLUMN = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong, in one sentence; then what was expected and found, why, and what to do.

    ``rows`` are texts by label, in the order in which they are told; ``log`` is text that stands
    as it is, the last lines of it being the most telling.
    """

    weight: Weight
    what: str
    rows: tuple[tuple[str, str], ...] = ()
    log: tuple[str, ...] = ()

    def __str__(self) -> str:
        rows = [f"{' ' * _INDENT}{label:{_COLUMN - _INDENT}}{text}" for label, text in self.rows]
        log = [_LOG_ENDS, *self.log] if self.log else []
        return "\n".join([self.what, *rows, *log])


def parsed(text: str, *, weight: Weight) -> Problem:
    """A message in the manner of findings as a problem; its lines without a label are its log."""
    what, *others = text.splitlines() or [""]
    rows: list[tuple[str, str]] = []
    log: list[str] = []
    for line in others:
        label = line[_INDENT:_COLUMN].strip()
        is_row = line.startswith(" " * _INDENT) and line[_INDENT : _INDENT + 1].isalpha()
        if is_row and line[_COLUMN - 1 : _COLUMN] == " " and not log:
            rows.append((label, line[_COLUMN:]))
        elif line.strip() and line.strip() != _LOG_ENDS:
            log.append(line)
    return Problem(weight=weight, what=what, rows=tuple(rows), log=tuple(log))


def alike(problems: Sequence[Problem]) -> list[Problem]:
    """Those that differ in nothing but what they were found at become one that counts them."""
    groups: dict[tuple[object, ...], list[Problem]] = {}
    for one in problems:
        known = tuple(row for row in one.rows if row[0] != "found")
        # Without a fix in common they would have nothing in common but being silent.
        has_fix = any(label == _FIX for label, _ in known)
        groups.setdefault((one.weight, known) if has_fix else (one,), []).append(one)
    return [_counted(group) for group in groups.values()]


def _counted(group: Sequence[Problem]) -> Problem:
    first = group[0]
    others = len(dict.fromkeys(group)) - 1
    if not others:
        return first
    more = f"and {others} more of this kind, for which the same holds"
    return Problem(
        weight=first.weight,
        what=first.what,
        rows=tuple(
            (label, f"{text} ({more})" if label == "found" else text) for label, text in first.rows
        ),
        log=first.log,
    )
