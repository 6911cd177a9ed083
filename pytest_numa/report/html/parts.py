"""What a section of the page is made of; ``page.html.j2`` says how each part looks."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A paragraph; ``style`` is a class of the style sheet."""

    text: str
    style: str = ""
    kind: str = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bullets:
    """A list of sentences."""

    lines: Sequence[str]
    kind: str = "bullets"


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Text whose lines are kept: a finding, a failure. ``style`` is a class of the style sheet."""

    text: str
    style: str = ""
    kind: str = "block"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The first column names the rows; columns in ``numeric`` are aligned to the right."""

    caption: str
    headers: Sequence[str]
    rows: Sequence[Sequence[str]]
    numeric: frozenset[int] = frozenset()
    is_folded: bool = False
    """Whether a reader has to open it."""
    kind: str = "table"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """A plot, what it shows in a sentence, and what was drawn, as a table."""

    caption: str
    told: str
    svg: Markup
    table: Table
    kind: str = "plot"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """Markup of ours, as the drawing of the host."""

    html: Markup
    kind: str = "drawing"


Part = Text | Bullets | Block | Table | Plot | Drawing


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of the page with a heading. ``name`` is its anchor."""

    name: str
    title: str
    parts: Sequence[Part]
