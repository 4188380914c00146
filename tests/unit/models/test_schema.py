"""The published schemas: made from the models, complete for editors, and refusing what the models refuse."""

import json
from collections.abc import Iterator, Mapping
from typing import cast

import pytest
from jsonschema_rs import Draft202012Validator, meta

from msgflash_apply.models.broken import SIZES
from msgflash_apply.models.schema import GENERATED, SchemaName, generated, generated_text, schema_text

WORDED = frozenset({"type", "pattern", "enum", "required", "propertyNames", "oneOf"}) | SIZES.keys()
NOT_WORDED = frozenset(
    {"$schema", "$id", "$ref", "$defs", "title", "description", "examples", "default", "properties", "items"}
    | {"additionalProperties", "allOf", "if", "then", "else", "const", "dependentSchemas"}
)
DOCUMENT = {
    "name": "Sale",
    "schedule": "2099-01-01T10:00:00Z",
    "recipients": {"type": "all"},
    "type": "text",
    "body": "Hello",
}


def schema_objects(schema: object, *, names: bool = False) -> Iterator[Mapping[str, object]]:
    """Every schema object inside a schema; maps of names to schemas are passed through."""
    if isinstance(schema, list):
        for item in schema:
            yield from schema_objects(item)
    elif isinstance(schema, dict):
        if not names:
            yield schema
        for key, value in schema.items():
            holds_names = not names and key in {"properties", "$defs", "dependentSchemas"}
            if names or key not in {"examples", "default", "enum", "required"}:
                yield from schema_objects(value, names=holds_names)


@pytest.mark.parametrize("name", GENERATED)
def test_published_schema_is_that_of_the_models(name: SchemaName) -> None:
    """The file is what `make docs` writes, and valid JSON Schema 2020-12."""
    schema = json.loads(schema_text(name))

    assert schema_text(name) == generated_text(name)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert meta.is_valid(schema)


@pytest.mark.parametrize("name", GENERATED)
def test_every_field_explains_itself_to_editors(name: SchemaName) -> None:
    """Each field has a title, or refers to a form that has one."""
    schema = json.loads(schema_text(name))

    for shape in schema_objects(schema):
        for field, value in cast("dict[str, object]", shape.get("properties", {})).items():
            if isinstance(value, dict) and "const" not in value and not {"items", "maxItems"} & value.keys():
                target = schema["$defs"][value["$ref"].rpartition("/")[2]] if "$ref" in value else value
                assert value.get("title") or target.get("title"), field


@pytest.mark.parametrize("name", GENERATED)
def test_schema_uses_only_keywords_that_have_words(name: SchemaName) -> None:
    """What the schema may refuse is what `explain` can say: no alternatives are left outside of conditions."""
    for shape in schema_objects(generated(name, is_rendered=True)):
        condition = set(shape) <= {"anyOf", "required", "properties", "const", "title", "description"}
        assert condition or set(shape) - NOT_WORDED <= WORDED


def test_a_slip_of_the_vendors_is_taken_and_not_offered() -> None:
    """`repeat: noe` is valid, and no list of choices has it."""
    assert Draft202012Validator(generated("campaign")).is_valid({**DOCUMENT, "repeat": "noe"})
    for shape in schema_objects(generated("campaign")):
        assert "noe" not in cast("list[object]", shape.get("enum", []))


def test_editors_accept_expressions_that_rendering_must_resolve() -> None:
    """The published schema allows a template expression for a typed field, that of rendered files does not."""
    document = {**DOCUMENT, "recipients": "{{ custom.audience }}", "paused": "{{ custom.paused }}"}

    assert Draft202012Validator(generated("campaign")).is_valid(document)
    assert not Draft202012Validator(generated("campaign", is_rendered=True)).is_valid(document)


@pytest.mark.parametrize("field", ["key", "custom"])
def test_no_expression_where_nothing_is_rendered(field: str) -> None:
    """Of fields that are never rendered the schema says so."""
    assert not Draft202012Validator(generated("campaign")).is_valid({**DOCUMENT, field: "{{ custom.x }}"})
