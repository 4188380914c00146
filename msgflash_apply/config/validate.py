"""
The only door to the validator: a document against its published schema, every mistake once and in our own words.

Editors see a file before it is rendered, so the published schema lets a template expression stand for anything that is
not a plain text. Here documents are rendered already, and those alternatives are taken out: one schema, no `anyOf` left
to complain about branches nobody meant.
"""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import islice
from typing import cast

from jsonschema_rs import Draft202012Validator, ValidationError, ValidationErrorKind

from msgflash_apply.config.codes import Code
from msgflash_apply.config.findings import MOST_TOLD, Finding, spell
from msgflash_apply.config.mistakes import mistakes
from msgflash_apply.config.schemas import SchemaName, schema_text
from msgflash_apply.config.trees import ValuePath, texts_in
from msgflash_apply.config.wording import Broken

HALF_CHARACTER = re.compile("[\ud800-\udfff]")
EXPRESSION = {"$ref": "#/$defs/expression"}


def check(document: object, schema: SchemaName = "campaign") -> tuple[Finding, ...]:
    """
    Compare a document with its schema.

    Args:
        document: a campaign after rendering, or a project file: dicts, lists, text, numbers, booleans, None.
        schema: which of the published schemas.

    Returns:
        One finding per mistake, in no special order; nothing for a good document, which is the cheap case.
    """
    validator = _validator(schema)
    try:
        if validator.is_valid(document):
            return ()
        errors = islice(validator.iter_errors(document), MOST_TOLD)
        broken = [_broken(error, document, schema) for error in errors]
    except UnicodeEncodeError:
        return (*_half_characters(document), *check(_with_whole_characters(document), schema))
    return mistakes(broken, schema)


@cache
def strict_schema(name: SchemaName) -> Mapping[str, object]:
    """The schema for rendered documents: as published, without the alternatives for template expressions."""
    return cast("Mapping[str, object]", _without_expressions(json.loads(schema_text(name))))


@cache
def _validator(name: SchemaName) -> Draft202012Validator:
    return Draft202012Validator(cast("dict[str, object]", strict_schema(name)), validate_formats=True)


def _without_expressions(schema: object) -> object:
    if isinstance(schema, list):
        return [_without_expressions(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if EXPRESSION in (alternatives := schema.get("anyOf", [])):
        (real,) = (item for item in alternatives if item != EXPRESSION)
        rest = {key: value for key, value in schema.items() if key != "anyOf"}
        return _without_expressions({**rest, **real})
    return {key: _without_expressions(value) for key, value in schema.items()}


def _half_characters(document: object) -> Iterator[Finding]:
    """Texts that are no text: half of a surrogate pair, which neither the validator nor JSON on the wire can carry."""
    halves = [path for path, text in texts_in(document) if HALF_CHARACTER.search(text)][:MOST_TOLD]
    for path in halves or [()]:  # in a key: nowhere in particular
        field = f"`{spell(path)}`" if path else "the document"
        yield Finding(Code.WRONG_FORM, path, f"{field} holds half a character", "write the character itself")


def _with_whole_characters(value: object) -> object:
    match value:
        case str():
            return HALF_CHARACTER.sub("?", value)
        case dict():
            return {_with_whole_characters(key): _with_whole_characters(inner) for key, inner in value.items()}
        case list():
            return [_with_whole_characters(inner) for inner in value]
        case _:
            return value


def _broken(error: ValidationError, document: object, schema: SchemaName) -> Broken:
    """Translate one of the validator's errors into plain values, so that nobody else knows the validator."""
    kind = error.kind
    path = tuple(error.instance_path)
    rule = tuple(error.schema_path)
    value: object = _at(document, path)
    if isinstance(kind, ValidationErrorKind.PropertyNames):
        value, limit = kind.error.instance, None
    else:
        limit = kind.value
    depth = (
        -2 if kind.name == "falseSchema" else -1
    )  # a false schema has no keyword: its rule ends at properties, field
    holder = cast("Mapping[str, object]", _at(strict_schema(schema), rule[:depth]))
    return Broken(kind.name, limit, path, rule, holder, value, _at(document, path[:-1]))


def _at(tree: object, path: ValuePath) -> object:
    for step in path:
        tree = cast("Mapping[str | int, object]", tree)[step]
    return tree
