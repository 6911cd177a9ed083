"""A digest within a JSON document, by which a reader sees that it is as it was written."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

KEY = "digest"


def sealed(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document with its digest, first of all keys."""
    return {KEY: _digest(document), **_rest(document)}


def is_broken(document: Mapping[str, Any]) -> bool:
    """Whether the document has a digest that is not its own: it was changed, or is damaged."""
    return KEY in document and document[KEY] != _digest(document)


def _digest(document: Mapping[str, Any]) -> str:
    # Another order of keys, or other white space, says the same.
    text = json.dumps(_rest(document), sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _rest(document: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key != KEY}
