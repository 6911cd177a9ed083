"""The table of runs in a markdown text: found as a person would find it, and appended to.

Tables are those of GitHub Flavored Markdown (0.29, 4.10).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, takewhile

from tabulate import tabulate

from pytest_numa.report.blocks import Line

COLUMNS = ("Mode", "Concurrency", "Avg Latency (ms)", "p95 Latency (ms)", "Throughput", "Notes")
_ALIGNMENTS = ("left", "right", "right", "right", "right", "left")

_CELL = re.compile(r"(?:\\.|[^|\\]|\\$)*")
_DELIMITER_CELL = re.compile(r"\s*(?P<left>:?)-+(?P<right>:?)\s*")
_PUNCTUATION = re.compile(r"[*`_()\[\].,]")
_BLANK = " \t"
_MAX_INDENT = 3
# What ends a table without a blank line, and what a row without outer pipes must not begin with.
_BLOCK_START = re.compile(
    r" {0,3}(?:#{1,6}(?:\s|$)|>|[-*+](?:\s|$)|\d{1,9}[.)](?:\s|$)|(?:[-*_]\s*){3,}$)"
)
_SPELLINGS = {
    "average": "avg",
    "mean": "avg",
    "milliseconds": "ms",
    "msec": "ms",
    "tokens/s": "",
    "tok/s": "",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column as a person wrote it: our name for it or None, and its raw width."""

    name: str | None
    width: int
    alignment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table of runs in a text; ``last_line``, from 1, is its last row or its delimiter row."""

    columns: tuple[Column, ...]
    indent: str
    has_left_pipe: bool
    has_right_pipe: bool
    last_line: int


def created(rows: Sequence[Mapping[str, str]]) -> str:
    """Write a new table; cells are escaped already."""
    cells = [[row[name] for name in COLUMNS] for row in rows]
    return tabulate(
        cells, headers=COLUMNS, tablefmt="pipe", disable_numparse=True, colalign=_ALIGNMENTS
    )


def find(lines: Sequence[Line]) -> Table | None:
    """Find the first table that has all of COLUMNS, in any order, perhaps with others."""
    for header, delimiter in pairwise(lines):
        if "|" in header.text and (columns := _columns(header, delimiter)):
            return _table(header, columns, last_line=_last_row(lines[delimiter.number - 1 :]))
    return None


def row(table: Table, cells: Mapping[str, str]) -> str:
    """Write one row the way the table is written; columns that are not ours stay blank."""
    texts = [cells[column.name] if column.name else "" for column in table.columns]
    shown = "|".join(map(_padded, texts, table.columns))
    # Without outer pipes a blank cell at the edge, or a list mark, would be misread.
    needs_left = table.has_left_pipe or not texts[0] or _BLOCK_START.match(texts[0])
    needs_right = table.has_right_pipe or not texts[-1]
    left = f"{table.indent}|{shown}" if needs_left else f"{table.indent}{shown.lstrip()}"
    return f"{left}|" if needs_right else left.rstrip()


def _padded(text: str, column: Column) -> str:
    free = column.width - len(text) - 2
    if free <= 0:
        return f" {text} "
    before = {"right": free, "center": free // 2}.get(column.alignment, 0)
    return f" {' ' * before}{text}{' ' * (free - before)} "


def _columns(header: Line, delimiter: Line) -> tuple[Column, ...] | None:
    """Read the columns; None where these lines do not begin a table of runs."""
    if {header.kind, delimiter.kind} != {"prose"} or _BLOCK_START.match(header.text):
        return None
    names, marks = _cells(header.text), _cells(delimiter.text)
    known = _known(names)
    if len(names) != len(marks) or not all(map(_DELIMITER_CELL.fullmatch, marks)):
        return None
    if not set(COLUMNS) <= set(known) or len(_indent(header).expandtabs(4)) > _MAX_INDENT:
        return None
    return tuple(
        Column(name=name, width=len(raw), alignment=_alignment(mark))
        for name, raw, mark in zip(known, names, marks, strict=True)
    )


def _table(header: Line, columns: tuple[Column, ...], *, last_line: int) -> Table:
    stripped = header.text.strip(_BLANK)
    return Table(
        columns=columns,
        indent=_indent(header),
        has_left_pipe=stripped.startswith("|"),
        has_right_pipe=_has_right_pipe(stripped),
        last_line=last_line,
    )


def _indent(line: Line) -> str:
    return line.text[: len(line.text) - len(line.text.lstrip(_BLANK))]


def _last_row(lines: Sequence[Line]) -> int:
    """Find the last line with a cell border; text right below a table is no row to a person."""
    body = takewhile(_continues, lines[1:])
    rows = [line.number for line in body if "|" in line.text]
    return max(rows, default=lines[0].number)


def _continues(line: Line) -> bool:
    return (
        line.kind == "prose" and bool(line.text.strip(_BLANK)) and not _BLOCK_START.match(line.text)
    )


def _cells(line: str) -> list[str]:
    text = line.strip(_BLANK)
    # A cell at an edge without a pipe is as wide as if there were one, and a blank.
    inner = text[1:] if text.startswith("|") else f" {text}"
    inner = inner[:-1] if _has_right_pipe(inner) else f"{inner} "
    cells, position = [], 0
    while position <= len(inner):
        match = _CELL.match(inner, position)
        end = match.end() if match else position
        cells.append(inner[position:end])
        position = end + 1
    return cells


def _has_right_pipe(text: str) -> bool:
    backslashes = len(text[:-1]) - len(text[:-1].rstrip("\\"))
    return text.endswith("|") and backslashes % 2 == 0


def _known(names: Sequence[str]) -> list[str | None]:
    """Name our columns, each where it first stands."""
    ours = {_key(name): name for name in COLUMNS}
    return [ours.pop(_key(name), None) for name in names]


def _key(name: str) -> str:
    words = _PUNCTUATION.sub(" ", name.casefold()).split()
    return " ".join(filter(None, (_SPELLINGS.get(word, word) for word in words)))


def _alignment(mark: str) -> str:
    text = mark.strip()
    if not text.endswith(":"):
        return "left"
    return "center" if text.startswith(":") else "right"
