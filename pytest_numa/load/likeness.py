"""Chunks of one stream are alike but for their text: told without parsing each.

Of a chunk that was parsed we keep what stands before and after its text. A chunk with the same
before and after, and with plain characters between, is the same JSON with another text.
"""

import re
from collections.abc import Callable
from typing import Any

_TEXT = re.compile(rb'(?<!\\)"(?:text|content|reasoning_content|reasoning)": ?"([ !#-\[\]-~]+)"')
_PLAIN = re.compile(rb"[ !#-\[\]-~]+").fullmatch
_NEVER_BYTES = 2**62


class Likeness:
    """``has_text`` is asked of parsed JSON whether it brings text."""

    def __init__(self, has_text: Callable[[dict[str, Any]], bool]) -> None:
        self._has_text = has_text
        self._before, self._after = b"data: ", b"\n\n"
        self._before_bytes, self._after_bytes = len(self._before), len(self._after)
        self._least_bytes = _NEVER_BYTES

    def is_event_of_text(self, piece: bytes) -> bool:
        """Whether ``piece`` is one event, with a chunk like the one learnt.

        Text and nothing else of interest; every token passes through here.
        """
        size_bytes = len(piece)
        return (
            size_bytes >= self._least_bytes
            and piece.startswith(self._before)
            and piece.endswith(self._after)
            and _PLAIN(piece, self._before_bytes, size_bytes - self._after_bytes) is not None
        )

    def is_text(self, data: bytes) -> bool:
        """The same of an event's data alone."""
        return self.is_event_of_text(b"data: " + data + b"\n\n")

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
            self._before, self._after = b"data: " + before, after + b"\n\n"
            self._before_bytes, self._after_bytes = len(self._before), len(self._after)
            self._least_bytes = self._before_bytes + self._after_bytes + 1
