"""Which lines of a markdown text are prose, which are code or comment, and which are ours.

Follows CommonMark 0.31 for fenced code (4.5) and the HTML blocks that may hold blank lines (4.6,
conditions 1 and 2); all other blocks are prose here. Ours is what lies between the lines
``<!-- pytest-numa:begin NAME -->`` and ``<!-- pytest-numa:end NAME -->``.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from pytest_numa.errors import ReportError

# str.splitlines() also breaks at form feeds and at U+2028, where markdown does not.
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+")
_FENCE = re.compile(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})")
_COMMENT = re.compile(r" {0,3}<!--")
_RAW = re.compile(r" {0,3}<(pre|script|style|textarea)(?=[\s>]|$)", re.IGNORECASE)
_RAW_END = re.compile(r"</(?:pre|script|style|textarea)>", re.IGNORECASE)
_OURS = re.compile(r" {0,3}<!--\s*pytest-numa:")
_MARKER = re.compile(r" {0,3}<!--\s*pytest-numa:(?P<edge>begin|end)\s+(?P<name>\S+)\s*-->\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A block that has begun in line ``number``: what ends it, and a line that would."""

    number: int
    kind: Literal["verbatim", "ours"]
    end: re.Pattern[str]
    closer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line: its number from 1, and the block that is still open after it."""

    number: int
    text: str
    ending: str
    kind: Literal["prose", "verbatim", "ours"]
    opened: Opened | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """What is ours, with its markers: from line ``begin`` to line ``end``."""

    begin: int
    end: int


def scan(text: str) -> list[Line]:
    """Split into lines; a byte order mark is no part of the first."""
    lines: list[Line] = []
    opened: Opened | None = None
    for number, raw in enumerate(_LINE.findall(text.removeprefix("\ufeff")), start=1):
        content = raw.rstrip("\r\n")
        block, opened = _step(content, number, opened)
        kind = block.kind if block else "ours" if _OURS.match(content) else "prose"
        lines.append(
            Line(
                number=number,
                text=content,
                ending=raw[len(content) :],
                kind=kind,
                opened=opened,
            )
        )
    return lines


def _step(text: str, number: int, opened: Opened | None) -> tuple[Opened | None, Opened | None]:
    """Tell the block that the line belongs to, and the one that is open after it."""
    if opened is not None:
        return opened, None if opened.end.search(text) else opened
    block = _opening(text, number)
    # An HTML block may end in the line that begins it; a bare fence would seem to.
    ends_here = block and not _FENCE.match(text) and block.end.search(text)
    return block, None if ends_here else block


def _opening(text: str, number: int) -> Opened | None:
    if marker := _MARKER.fullmatch(text):
        # Any end, not only that of this name: a wrong one is told of, not overlooked.
        end = re.compile(rf"{_OURS.pattern}end\b")
        closer = f"<!-- pytest-numa:end {marker['name']} -->"
        is_begin = marker["edge"] == "begin"
        return Opened(number=number, kind="ours", end=end, closer=closer) if is_begin else None
    if _OURS.match(text):
        return None
    if fence := _FENCE.match(text):
        mark = fence[1]
        end = re.compile(rf"^ {{0,3}}{mark[0]}{{{len(mark)},}}[ \t]*$")
        return Opened(number=number, kind="verbatim", end=end, closer=mark)
    if _COMMENT.match(text):
        return Opened(number=number, kind="verbatim", end=re.compile("-->"), closer="-->")
    if raw := _RAW.match(text):
        return Opened(number=number, kind="verbatim", end=_RAW_END, closer=f"</{raw[1]}>")
    return None


def closed(text: str) -> str:
    """End the code or comment that the text leaves open."""
    opened = next((line.opened for line in reversed(scan(text))), None)
    return f"{text}\n{opened.closer}" if opened else text


def sections(lines: Sequence[Line], *, names: Sequence[str], source: str) -> dict[str, Section]:
    """Find our sections by name; ReportError for markers that do not pair up."""
    found: dict[str, Section] = {}
    begun: tuple[str, int] | None = None
    for line, edge, name in _markers(lines, names, source):
        if edge == "begin":
            if problem := _misplaced(name, begun, found):
                raise _unpaired(source, line.number, problem)
            begun = (name, line.number)
        elif begun is None or begun[0] != name:
            raise _unpaired(source, line.number, f"an end marker of {name!r} without its begin")
        else:
            found[name] = Section(begin=begun[1], end=line.number)
            begun = None
    if begun is not None:
        raise _unpaired(source, begun[1], f"a begin marker of {begun[0]!r} without its end")
    return found


def _markers(
    lines: Sequence[Line], names: Sequence[str], source: str
) -> Iterator[tuple[Line, str, str]]:
    for line in lines:
        if line.kind != "ours" or not _OURS.match(line.text):
            continue
        match = _MARKER.fullmatch(line.text)
        if match is None or match["name"] not in names:
            raise ReportError(
                f"{source}:{line.number}: expected <!-- pytest-numa:begin NAME --> or the same "
                f"with end, alone on its line, NAME being {' or '.join(names)}; found "
                f"{line.text.strip()!r}. Mend or delete the line; the file was left as it is"
            )
        yield line, match["edge"], match["name"]


def _misplaced(name: str, begun: tuple[str, int] | None, found: dict[str, Section]) -> str | None:
    if begun is not None:
        return f"a begin marker of {name!r} inside the section {begun[0]!r} of line {begun[1]}"
    if name in found:
        return f"a second section {name!r}; the first begins in line {found[name].begin}"
    return None


def _unpaired(source: str, number: int, found: str) -> ReportError:
    return ReportError(
        f"{source}:{number}: expected each marker <!-- pytest-numa:begin NAME --> once, followed "
        f"by its end, outside code and comments; found {found}. Add the missing line or delete "
        "this one; the file was left as it is"
    )
