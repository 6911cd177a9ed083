"""Prompts from a file: one JSON value per line, used in order, and again from the first."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_numa.errors import LoadError, ParseError

_EXPECTED = (
    'a JSON string, {"prompt": "..."} or {"messages": [...]}, with "output_tokens": N where it has '
    "a length of its own"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """What is asked: a text or the messages of a chat; and how long the answer is to be."""

    text: str | None
    messages: tuple[Mapping[str, Any], ...] = ()
    output_tokens: int | None = None


def parse(text: str, *, source: str) -> tuple[Prompt, ...]:
    """Every line that is not empty; ParseError names the line that is none."""
    lines = enumerate(text.splitlines(), start=1)
    found = [_prompt(line, f"{source}:{number}") for number, line in lines if line.strip()]
    if not found:
        raise ParseError(source, expected=f"lines that are each {_EXPECTED}", found=text)
    return tuple(found)


def read(path: Path) -> tuple[Prompt, ...]:
    """The prompts of a file."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LoadError(f"the prompts cannot be read: {path}: {error}") from None
    return parse(text, source=str(path))


def _prompt(line: str, source: str) -> Prompt:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        raise ParseError(source, expected=_EXPECTED, found=line) from None
    if isinstance(value, str) and value:
        return Prompt(text=value)
    if isinstance(value, dict):
        tokens = value.get("output_tokens", value.get("max_tokens"))
        is_length = isinstance(tokens, int) and not isinstance(tokens, bool) and tokens > 0
        text, messages = value.get("prompt"), value.get("messages")
        if tokens is None or is_length:
            if isinstance(text, str) and text and messages is None:
                return Prompt(text=text, output_tokens=tokens)
            if isinstance(messages, list) and _is_chat(messages) and text is None:
                return Prompt(text=None, messages=tuple(messages), output_tokens=tokens)
    raise ParseError(source, expected=_EXPECTED, found=line)


def _is_chat(messages: list[Any]) -> bool:
    return bool(messages) and all(
        isinstance(one, dict) and isinstance(one.get("role"), str) for one in messages
    )
