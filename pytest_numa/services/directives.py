"""A unit file as its directives, line by line as systemd reads it.

Format: systemd.syntax(7), and config_parse() in systemd's src/shared/conf-parser.c.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_LINE_END = re.compile(r"\r\n|\n\r|[\n\r\0]")
_BLANKS = " \t\n\r"


@dataclass(frozen=True, slots=True, kw_only=True)
class Directive:
    """``key=value`` below ``[section]``; ``line`` is the first of its lines, counted from 1."""

    section: str
    key: str
    value: str
    line: int


def parse(text: str) -> tuple[Directive, ...]:
    """All directives in order. Lines that are none are left out, as systemd leaves them out."""
    found: list[Directive] = []
    section = ""
    for number, line in _joined(text):
        if line.startswith("["):
            section = line[1:-1] if line.endswith("]") else section
        elif "=" in line:
            key, _, value = line.partition("=")
            found.append(
                Directive(
                    section=section,
                    key=key.rstrip(_BLANKS),
                    value=value.lstrip(_BLANKS),
                    line=number,
                )
            )
    return tuple(found)


def values(found: tuple[Directive, ...], section: str, key: str) -> list[Directive]:
    """Those of a name, in order; an empty one resets, as it does for lists in systemd."""
    kept: list[Directive] = []
    for one in found:
        if (one.section, one.key) == (section, key):
            kept = [*kept, one] if one.value else []
    return kept


def _joined(text: str) -> Iterator[tuple[int, str]]:
    """Lines without comments and with continuations joined, each with its number."""
    pending, first = "", 0
    for number, raw in enumerate(_LINE_END.split(text), start=1):
        # A comment between continued lines does not end them.
        if raw.lstrip(_BLANKS)[:1] in ("#", ";"):
            continue
        first = first if pending else number
        pending += raw
        if _is_continued(pending):
            pending = f"{pending[:-1]} "
            continue
        yield first, pending.strip(_BLANKS)
        pending = ""
    if pending:
        yield first, pending.strip(_BLANKS)


def _is_continued(line: str) -> bool:
    """Whether it ends in a backslash that no other one escapes; blanks after it undo it."""
    return (len(line) - len(line.rstrip("\\"))) % 2 == 1
