"""Lines for a terminal: wrapped to its width, with the word that may be coloured apart."""

import re
import textwrap
from dataclasses import dataclass
from typing import Literal

from pytest_numa.formatting import without_controls

Style = Literal["fail", "inconclusive", "pass", "plain"]

WIDEST = 80
_NARROWEST = 40
_BLANK = re.compile(r"\s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line; ``lead`` is its beginning, to be shown in ``style``."""

    lead: str = ""
    text: str = ""
    style: Style = "plain"

    def __str__(self) -> str:
        return f"{self.lead}{self.text}"


def wrapped(
    text: str, *, first: str, width: int, indent: int | None = None, style: Style = "plain"
) -> list[Line]:
    """``text`` after ``first``; further lines begin below the text, or at ``indent``."""
    shown = textwrap.wrap(
        _plain(text),
        width=usable(width),
        initial_indent=first,
        subsequent_indent=" " * (len(first) if indent is None else indent),
        # A path or a command must be there to be copied in one piece.
        break_long_words=False,
        break_on_hyphens=False,
    ) or [first.rstrip()]
    return [
        Line(lead=first, text=shown[0][len(first) :], style=style),
        *(Line(text=line) for line in shown[1:]),
    ]


def usable(width: int) -> int:
    """The width that is written for: no wider than is read well, and never too narrow to wrap."""
    return max(_NARROWEST, min(WIDEST, width))


def cut(text: str, width: int) -> str:
    """One line of at most ``width`` characters; what is cut off is marked."""
    line = _plain(text)
    return line if len(line) <= width else f"{line[: width - 3]}..."


def _plain(text: str) -> str:
    return without_controls(_BLANK.sub(" ", text))
