"""The page on JSON: every schema of docs/schemas/ as tables."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pytest_numa.formatting import markdown_cell

FOLDER = Path(__file__).parent / "schemas"
_HEAD = ("| Key | Type | What |", "| --- | --- | --- |")
_Schema = Mapping[str, Any]


def parts() -> list[str]:
    """The heading, and what stands below it."""
    found = [
        "# JSON",
        "Every document that pytest-numa writes for programs has a JSON Schema (draft 2020-12) in "
        "the folder `docs/schemas`; tests hold what the code writes against it. Later versions may "
        "add keys: ignore those that you do not know. A key that may be missing is not in files of "
        "earlier versions, or of no use there.",
    ]
    for path in sorted(FOLDER.glob("*.schema.json")):
        document = json.loads(path.read_text(encoding="utf-8"))
        link = f"Schema: [{path.name}](../schemas/{path.name})."
        found += [f"## {document['title']}", f"{markdown_cell(document['description'])} {link}"]
        found.append("\n".join([*_HEAD, *_rows(document, "")]))
        for name, part in document.get("$defs", {}).items():
            told = (
                f"`{name}`: {markdown_cell(part['description'])}." if "description" in part else ""
            )
            rows = list(_rows(part, ""))
            title = told or f"`{name}`:"
            if rows and not part.get("required"):
                title += " Any key may be missing."
            found.append("\n".join([title, "", *_HEAD, *rows]) if rows else title)
    return found


def _rows(schema: _Schema, above: str) -> Iterator[str]:
    required = schema.get("required", [])
    for key, one in schema.get("properties", {}).items():
        name = f"{above}{key}"
        is_optional = bool(required) and key not in required
        told = markdown_cell(_told(one)) + (" (may be missing)" if is_optional else "")
        yield f"| `{name}` | {_type(one)} | {told.strip()} |"
        yield from _rows(one, f"{name}.")
        for other in one.get("anyOf", []):
            yield from _rows(other, f"{name}.")
        if "items" in one:
            yield from _rows(one["items"], f"{name}[].")
    if "items" in schema and not above:
        yield f"| `[]` | {_type(schema['items'])} | |"


def _told(one: _Schema) -> str:
    if "const" in one:
        return f"always {one['const']}" + (
            f": {one['description']}" if "description" in one else ""
        )
    return str(one.get("description", ""))


def _type(one: _Schema) -> str:
    """What a value is, in words."""
    found = next((key for key in _TYPES if key in one), None)
    if found is not None:
        return _TYPES[found](one[found])
    if one.get("type") == "array":
        return f"list of {_type(one['items'])}"
    if one.get("type") == "object" and isinstance(one.get("additionalProperties"), Mapping):
        return f"object of {_type(one['additionalProperties'])}"
    types = one.get("type", "any")
    return types if isinstance(types, str) else " or ".join(types)


_TYPES: Mapping[str, Callable[[Any], str]] = {
    "$ref": lambda ref: f"`{ref.rpartition('/')[2].removesuffix('.schema.json')}`",
    "enum": lambda values: ", ".join(f"`{one}`" for one in values),
    "const": lambda value: f"`{value}`",
    "anyOf": lambda schemas: " or ".join(map(_type, schemas)),
}
