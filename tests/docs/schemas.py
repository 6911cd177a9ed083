"""The schemas of docs/schemas/, and whether a document is as one of them says."""

import json
from typing import Any

import jsonschema
from doc_pages import ROOT
from referencing import Registry, Resource

FOLDER = ROOT / "docs/schemas"
NAMES = sorted(path.name.removesuffix(".schema.json") for path in FOLDER.glob("*.schema.json"))


def read(name: str) -> dict[str, Any]:
    """A schema as it stands in its file."""
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.schema.json").read_text("utf-8"))
    return found


def troubles(name: str, document: object) -> list[str]:
    """Where a document is not as its schema says; keys that it does not know are trouble, too.

    A reader of a later version's documents has to bear them; our own documents are to be described.
    """
    registry: Registry[Any] = Registry().with_resources(
        (f"{one}.schema.json", Resource.from_contents(closed(read(one)))) for one in NAMES
    )
    schema = {"$ref": f"{name}.schema.json"}
    validator = jsonschema.Draft202012Validator(schema, registry=registry)
    return [
        f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(document)
    ]


def closed(schema: Any) -> Any:  # noqa: ANN401 - JSON
    """The schema with no keys allowed but those that it describes."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    parts = {key: closed(value) for key, value in schema.items()}
    if "properties" in parts and parts.get("type") == "object":
        return {"additionalProperties": False, **parts}
    return parts
