"""The table of runs in a markdown text: found as a person would find it, and appended to.

Tables are those of GitHub Flavored Markdown (0.29, 4.10).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile

from tabulate import tabulate

from pytest_numa.report.blocks import Line

COLUMNS = ("Mode", "Concurrency", "Avg Latency (ms)", "p95 Latency (ms)", "Throughput", "Notes")
_ALIGNMENTS = ("left", "right", "right", "right", "right", "left")

_CELL = re.compile(r"(?:\\.|[^|\\]|\\$)*")
_DELIMITER_CELL = re.compile(r"\s*(?P<left>:?)-+(?P<right>:?)\s*")
_MARKUP = re.compile(r"[*`()\[\]]")
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
    for index in range(len(lines) - 1):
        if "|" in lines[index].text and (table := _table(lines[index:])):
            return table
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


def _table(lines: Sequence[Line]) -> Table | None:
    header, delimiter = lines[0], lines[1]
    if {header.kind, delimiter.kind} != {"prose"} or _BLOCK_START.match(header.text):
        return None
    names, marks = _cells(header.text), _cells(delimiter.text)
    matches = [_DELIMITER_CELL.fullmatch(mark) for mark in marks]
    indent = header.text[: len(header.text) - len(header.text.lstrip())]
    is_table = len(names) == len(marks) and all(matches)
    known = _known(names)
    if not is_table or not set(COLUMNS) <= set(known) or len(indent.expandtabs(4)) > _MAX_INDENT:
        return None
    stripped = header.text.strip()
    has_left_pipe = stripped.startswith("|")
    # Without the pipe the first cell has no blank before it, and without the last none after.
    lacking = [0 if has_left_pipe else 1, *[0] * (len(names) - 1)]
    return Table(
        columns=tuple(
            Column(name=name, width=len(raw) + more, alignment=_alignment(mark))
            for name, raw, mark, more in zip(known, names, marks, lacking, strict=True)
        ),
        indent=indent,
        has_left_pipe=has_left_pipe,
        has_right_pipe=len(names) > 1 and _has_right_pipe(stripped),
        last_line=_last_row(lines[1:]),
    )


def _last_row(lines: Sequence[Line]) -> int:
    """Find the last line with a cell border; text right below a table is no row to a person."""
    body = takewhile(_continues, lines[1:])
    rows = [line.number for line in body if "|" in line.text]
    return max(rows, default=lines[0].number)


def _continues(line: Line) -> bool:
    return line.kind == "prose" and bool(line.text.strip()) and not _BLOCK_START.match(line.text)


def _cells(line: str) -> list[str]:
    text = line.strip()
    inner = text.removeprefix("|")
    if _has_right_pipe(inner):
        inner = inner[:-1]
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
    words = _MARKUP.sub(" ", name.casefold()).replace(".", " ").split()
    return " ".join(filter(None, (_SPELLINGS.get(word, word) for word in words)))


def _alignment(mark: str) -> str:
    text = mark.strip()
    if not text.endswith(":"):
        return "left"
    return "center" if text.startswith(":") else "right"
