"""JSON documents as they are read: strict text, and values of the types that they must have.

RFC 8259 leaves to readers what becomes of a key that stands twice, and has neither NaN nor
Infinity, which Python's own reader takes.
"""

import json
import sys
import types
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any, NoReturn, TypeVar, Union, get_args, get_origin, get_type_hints

Value = TypeVar("Value")


def parse(text: str) -> Any:  # noqa: ANN401 - JSON
    """The document in a text; ValueError where it is none, or one that readers differ about."""
    try:
        found = json.loads(text, object_pairs_hook=_object, parse_constant=_refused)
        if "\\u" in text:
            # Half a pair of surrogates is no character, and could not be written again.
            json.dumps(found, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return found


def checked(kind: type[Value], document: Any) -> Value:  # noqa: ANN401 - JSON
    """A dataclass of plain values; TypeError or ValueError where the document is none of it."""
    if not isinstance(document, Mapping):
        raise TypeError(f"{kind.__name__}: expected an object, found {type(document).__name__}")
    hints = get_type_hints(kind)
    for name in (field.name for field in fields(kind) if field.name in document):  # type: ignore[arg-type]
        if not has_type(document[name], hints[name]):
            raise ValueError(f"{kind.__name__}.{name}: found {str(document[name])[:40]!r}")
    return kind(**document)


def has_type(value: object, hint: Any) -> bool:  # noqa: ANN401 - a type, or a form of typing
    """Whether a value from JSON is of a type; a number is finite, and a truth value is none."""
    if hint is Any:
        return True
    if hint in (int, float):
        # A whole number of any size can be held against the largest float.
        is_number = isinstance(value, (int, hint)) and not isinstance(value, bool)
        return is_number and abs(value) <= sys.float_info.max  # type: ignore[arg-type]
    if get_origin(hint) in (Union, types.UnionType):
        return any(has_type(value, one) for one in get_args(hint))
    if get_origin(hint) is None:
        return isinstance(value, hint)
    if not isinstance(value, dict):
        return False
    key, inner = get_args(hint)
    return all(has_type(name, key) and has_type(one, inner) for name, one in value.items())


def _object(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"the key {name[:40]!r} stands twice")
        found[name] = value
    return found


def _refused(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")
