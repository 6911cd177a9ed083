"""Chunks of one stream are alike but for their text: told without parsing each.

Of a chunk that was parsed we keep what stands before and after its text. A chunk with the same
before and after, and with plain characters between, is the same JSON with another text.
"""

import re
from collections.abc import Callable
from typing import Any

_TEXT = re.compile(rb'(?<!\\)"(?:text|content|reasoning_content|reasoning)": ?"([ !#-\[\]-~]+)"')
_PLAIN = re.compile(rb"[ !#-\[\]-~]+")


class Likeness:
    """``has_text`` is asked of parsed JSON whether it brings text."""

    def __init__(self, has_text: Callable[[dict[str, Any]], bool]) -> None:
        self._has_text = has_text
        self._before = self._after = b""
        self._least_bytes = 0

    def is_text(self, data: bytes) -> bool:
        """Whether ``data`` is like the chunk learnt: text and nothing else of interest."""
        before, after = self._before, self._after
        return (
            len(data) >= self._least_bytes > 0
            and data.startswith(before)
            and data.endswith(after)
            and _PLAIN.fullmatch(data, len(before), len(data) - len(after)) is not None
        )

    def learn(self, data: bytes, parse: Callable[[bytes], dict[str, Any] | None]) -> None:
        """Keep a chunk that was found to bring text, and neither usage nor an error."""
        found = _TEXT.findall(data)
        where = _TEXT.search(data)
        if where is None or len(found) != 1:
            return
        before, after = data[: where.start(1)], data[where.end(1) :]
        # Only if it is this text that makes the difference.
        empty = parse(before + after)
        if empty is not None and not self._has_text(empty):
            self._before, self._after = before, after
            self._least_bytes = len(before) + len(after) + 1
