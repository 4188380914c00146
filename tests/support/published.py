"""The published schemas, as somebody would use them who reads what this program prints."""

import json
from functools import cache
from pathlib import Path

import jsonschema_rs

SCHEMAS = Path(__file__).parents[2] / "schemas"


def matches(document: object, name: str, definition: str = "") -> None:
    """Assert that a document fits a schema, or one of the definitions in it; the error names the place."""
    _validator(name, definition).validate(document)


@cache
def _validator(name: str, definition: str) -> jsonschema_rs.Draft202012Validator:
    schema: dict[str, object] = json.loads((SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8"))
    if definition:
        schema = {"$ref": f"#/$defs/{definition}", "$defs": schema["$defs"]}
    return jsonschema_rs.Draft202012Validator(schema)
