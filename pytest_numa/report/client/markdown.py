"""Sections as markdown: the same parts of which the pages are made."""

from collections.abc import Sequence

from tabulate import tabulate

from pytest_numa import formatting
from pytest_numa.report.html.parts import Block, Bullets, Drawing, Part, Plot, Section, Table, Text


def text(title: str, about: str, sections: Sequence[Section]) -> str:
    """The whole file; all that it is given is made safe."""
    parts = [f"# {_safe(title)}", _safe(about)]
    for section in sections:
        parts.append(f"## {_safe(section.title)}")
        parts += [_part(one) for one in section.parts]
    return "\n\n".join(filter(None, parts)) + "\n"


def _part(part: Part) -> str:
    match part:
        case Text():
            return f"**{_safe(part.text)}**" if part.style else _line(part.text)
        case Bullets():
            return "\n".join(f"- {_line(line)}" for line in part.lines)
        case Block():
            # Two blanks at the end keep a line.
            return "  \n".join(f"> {_line(line)}" for line in part.text.splitlines())
        case Table():
            return _table(part)
        case Plot():
            return f"{_line(part.told)}\n\n{_table(part.table)}"
        case Drawing():
            return ""


def _table(one: Table) -> str:
    cells = [[_safe(cell) for cell in row] for row in one.rows]
    aligned = ["right" if place in one.numeric else "left" for place in range(len(one.headers))]
    shown = tabulate(
        cells,
        headers=list(map(_safe, one.headers)),
        tablefmt="pipe",
        disable_numparse=True,
        colalign=aligned if cells else None,
    )
    return f"{_safe(one.caption)}:\n\n{shown}"


def _safe(value: str) -> str:
    return formatting.markdown_cell(value)


def _line(value: str) -> str:
    return formatting.markdown_line(value)
