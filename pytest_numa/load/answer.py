"""An answer's body, taken apart where no clock waits for it: what text arrived when.

Format: server-sent events (WHATWG HTML, 9.2) that carry the chunks of OpenAI's completions API, or
one JSON object where no stream was asked for.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pytest_numa.load.likeness import Likeness

_LINE_END = re.compile(rb"\r\n|\n|\r")
_MOST_LINE_BYTES = 2**20
_MOST_TOKENS = 10**9

FAILURES = {
    "connect": "no connection to the server",
    "timeout": "not ended within its time",
    "http_STATUS": "an HTTP status other than 200",
    "redirect": "a redirect, which is not followed",
    "bad_protocol": "no HTTP, or an HTTP body that is not as its headers say",
    "encoded": "a compressed answer, though none was asked for; it is not unpacked",
    "not_a_stream": "an answer without any event, though a stream was asked for",
    "bad_json": "an event, or an answer, that is no JSON object",
    "stream_error": "an error object in an answer with status 200",
    "closed_early": "the connection ended in mid-answer",
    "no_done": "a stream that ended without [DONE]",
    "no_text": "an answer without text",
    "short": "fewer tokens than asked, though the end-of-text token was to be ignored",
    "too_large": "an answer beyond all bounds",
}

Stamp = TypeVar("Stamp")


def described(kind: str) -> str:
    """What a kind of failure means, in words."""
    return FAILURES["http_STATUS"] if kind.startswith("http_") else FAILURES[kind]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(Generic[Stamp]):
    """What a body said. ``text_at``: when each chunk with non-empty text had arrived.

    ``usage_tokens`` is the server's own count, None where it sent none. ``failure`` is one of
    FAILURES or None.
    """

    text_at: tuple[Stamp, ...]
    usage_tokens: int | None
    failure: str | None


class StreamParser(Generic[Stamp]):
    """Server-sent events, fed piece by piece with the stamp of each piece's arrival."""

    def __init__(self) -> None:
        self._text_at: list[Stamp] = []
        self._usage_tokens: int | None = None
        self._failure: str | None = None
        self._has_event = self._is_done = False
        self._partial = bytearray()
        self._event: list[bytes] = []
        self._event_at: Stamp | None = None
        self._read_at: Stamp | None = None
        self._likeness = Likeness(_has_text)

    def feed_all(self, pieces: Iterable[tuple[Stamp, bytes]]) -> None:
        """Take pieces of body, in whatever way they were cut."""
        is_like, found = self._likeness.is_event_of_text, self._text_at.append
        for stamp, data in pieces:
            if is_like(data) and not self._partial and not self._event:
                found(stamp)
            else:
                self.feed(stamp, data)

    def feed(self, stamp: Stamp, data: bytes) -> None:
        """Take the next piece of body."""
        if (
            not self._partial
            and not self._event
            and data.startswith(b"data: ")
            # The usual case, several times as fast: one event of one line.
            and data.find(b"\n") == len(data) - 2
            and data.endswith(b"\n\n")
            and b"\r" not in data
        ):
            self._take(stamp, data[6:-2])
            return
        self._read_at = stamp
        if b"\n" in data or b"\r" in data or self._partial.endswith(b"\r"):
            data = self._lines(stamp, bytes(self._partial) + data)
            self._partial.clear()
        self._partial += data
        if len(self._partial) > _MOST_LINE_BYTES:
            self._failure = self._failure or "too_large"
            self._partial.clear()

    def _lines(self, stamp: Stamp, data: bytes) -> bytes:
        """Take every line that has ended; returns the rest."""
        start = 0
        for match in _LINE_END.finditer(data):
            # A \r that ends the piece may be half of a \r\n.
            if match.end() == len(data) and match[0] == b"\r":
                break
            self._line(stamp, data[start : match.start()])
            start = match.end()
        return data[start:]

    @property
    def is_too_large(self) -> bool:
        """Whether reading on is no use."""
        return self._failure == "too_large"

    def finish(self) -> Answer[Stamp]:
        """What was said, after the last piece."""
        if self._partial and self._read_at is not None:
            self._line(self._read_at, bytes(self._partial).rstrip(b"\r"))
        if self._event and self._event_at is not None:
            self._take(self._event_at, b"\n".join(self._event))
        return Answer(
            text_at=tuple(self._text_at),
            usage_tokens=self._usage_tokens,
            failure=self._failure or self._lack(),
        )

    def _lack(self) -> str | None:
        if not self._has_event:
            return "not_a_stream"
        if not self._is_done:
            return "no_done"
        return None if self._text_at else "no_text"

    def _line(self, stamp: Stamp, line: bytes) -> None:
        if line.startswith(b"data:"):
            self._event.append(line[5:].removeprefix(b" "))
            self._event_at = stamp
        elif not line and self._event and self._event_at is not None:
            # With its last line of data an event had arrived; the empty line adds nothing.
            self._take(self._event_at, b"\n".join(self._event))
            self._event = []

    def _take(self, stamp: Stamp, data: bytes) -> None:
        self._has_event = True
        self._event_at = stamp
        if self._likeness.is_text(data):
            self._text_at.append(stamp)
            return
        if data.strip() == b"[DONE]":
            self._is_done = True
            return
        chunk = _object(data)
        if chunk is None:
            self._failure = self._failure or "bad_json"
            return
        if chunk.get("error"):
            self._failure = self._failure or "stream_error"
        # In any chunk: llama.cpp's has choices that are not empty, vLLM's has none.
        tokens = _completion_tokens(chunk)
        self._usage_tokens = tokens or self._usage_tokens
        if _has_text(chunk):
            self._text_at.append(stamp)
            if tokens is None and not chunk.get("error"):
                self._likeness.learn(data, _object)


def parse_stream(reads: Iterable[tuple[Stamp, bytes]]) -> Answer[Stamp]:
    """Take a whole body apart that was read as (stamp, bytes)."""
    parser: StreamParser[Stamp] = StreamParser()
    parser.feed_all(reads)
    return parser.finish()


def parse_object(body: bytes) -> Answer[Any]:
    """An answer that is no stream: one object, which has no time of its first token."""
    found = _object(body)
    failure = None
    if found is None:
        failure = "bad_json"
    elif found.get("error"):
        failure = "stream_error"
    elif not _has_text(found):
        failure = "no_text"
    tokens = None if found is None else _completion_tokens(found)
    return Answer(text_at=(), usage_tokens=tokens, failure=failure)


def _object(data: bytes) -> dict[str, Any] | None:
    try:
        chunk = json.loads(data.decode())
    except (ValueError, RecursionError):
        return None
    return chunk if isinstance(chunk, dict) else None


def _has_text(chunk: dict[str, Any]) -> bool:
    """Whether a chunk brings text; a role alone, null or "" is none."""
    choices = chunk.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(choice, dict):
        return False
    said = choice.get("delta") or choice.get("message") or choice
    if not isinstance(said, dict):
        return False
    # What a model says to itself takes as long as what it says to us.
    for name in ("content", "text", "reasoning_content", "reasoning"):
        text = said.get(name)
        if text and isinstance(text, str):
            return True
    return False


def _completion_tokens(chunk: dict[str, Any]) -> int | None:
    usage = chunk.get("usage")
    count = usage.get("completion_tokens") if isinstance(usage, dict) else None
    is_count = isinstance(count, int) and not isinstance(count, bool) and 0 < count < _MOST_TOKENS
    return count if is_count else None
