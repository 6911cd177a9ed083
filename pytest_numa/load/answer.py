"""A streamed answer, taken apart after it has ended; nothing here runs while the clock does.

Format: server-sent events (WHATWG HTML, 9.2) that carry the chunks of OpenAI's completions API.
"""

import json
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

_LINE_END = re.compile(rb"\r\n|\n|\r")

FAILURES = {
    "connect": "no connection to the server",
    "timeout": "not ended within its time",
    "http_STATUS": "an HTTP status other than 200, such as http_500",
    "redirect": "a redirect, which is not followed",
    "bad_protocol": "no HTTP, or an HTTP body that is not as its headers say",
    "not_a_stream": "an answer without any event, though a stream was asked for",
    "bad_json": "an event that is no JSON object",
    "stream_error": "an error object inside the stream",
    "closed_early": "the connection ended in mid-answer",
    "no_done": "a stream that ended without [DONE]",
    "no_text": "an answer without text",
    "short": "fewer tokens than asked, though the end-of-text token was to be ignored",
    "too_large": "an answer beyond all bounds",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a body said. ``text_at_s``: when each chunk with non-empty text had arrived.

    ``usage_tokens`` is the server's own count, None where it sent none. ``failure`` is one of
    FAILURES or None.
    """

    text_at_s: tuple[float, ...]
    usage_tokens: int | None
    failure: str | None


def parse(reads: Sequence[tuple[float, bytes]]) -> Answer:
    """Take a body apart that was read as (stamp, bytes)."""
    text_at_s: list[float] = []
    usage_tokens: int | None = None
    failure: str | None = None
    has_event = is_done = False
    for stamp_s, data in _events(reads):
        has_event = True
        if data.strip() == b"[DONE]":
            is_done = True
            continue
        chunk = _object(data)
        if chunk is None:
            failure = failure or "bad_json"
            continue
        if chunk.get("error"):
            failure = failure or "stream_error"
        if _text(chunk):
            text_at_s.append(stamp_s)
        # In any chunk: llama.cpp's has choices that are not empty, vLLM's has none.
        usage_tokens = _completion_tokens(chunk) or usage_tokens
    if not has_event:
        failure = "not_a_stream"
    elif not is_done:
        failure = failure or "no_done"
    elif not text_at_s:
        failure = failure or "no_text"
    return Answer(text_at_s=tuple(text_at_s), usage_tokens=usage_tokens, failure=failure)


def _events(reads: Sequence[tuple[float, bytes]]) -> Iterator[tuple[float, bytes]]:
    """The data of each event, with the arrival of its last byte."""
    body = b"".join(data for _, data in reads)
    ends = list(accumulate(len(data) for _, data in reads))
    pending: list[bytes] = []
    arrived_s = 0.0
    for line, last_byte in _lines(body):
        if line.startswith(b"data:"):
            pending.append(line[5:].removeprefix(b" "))
            # The first read whose end lies behind the byte.
            arrived_s = reads[bisect_left(ends, last_byte + 1)][0]
        elif not line and pending:
            yield arrived_s, b"\n".join(pending)
            pending = []
    if pending:
        yield arrived_s, b"\n".join(pending)


def _lines(body: bytes) -> Iterator[tuple[bytes, int]]:
    """Each line without its end, and the index of its last byte, the line's end included."""
    start = 0
    for match in _LINE_END.finditer(body):
        yield body[start : match.start()], match.end() - 1
        start = match.end()
    if start < len(body):
        yield body[start:], len(body) - 1


def _object(data: bytes) -> dict[str, Any] | None:
    try:
        chunk = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return chunk if isinstance(chunk, dict) else None


def _text(chunk: dict[str, Any]) -> bool:
    """Whether a chunk brings text; a role alone, null or "" is none."""
    choices = chunk.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(choice, dict):
        return False
    delta = choice.get("delta")
    said = delta if isinstance(delta, dict) else choice
    # What a model says to itself takes as long as what it says to us.
    names = ("text", "content", "reasoning_content", "reasoning")
    return any(isinstance(said.get(name), str) and said[name] for name in names)


def _completion_tokens(chunk: dict[str, Any]) -> int | None:
    usage = chunk.get("usage")
    count = usage.get("completion_tokens") if isinstance(usage, dict) else None
    is_count = isinstance(count, int) and not isinstance(count, bool) and 0 < count < 10**9
    return count if is_count else None
