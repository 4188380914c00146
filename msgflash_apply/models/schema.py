"""
A document against its published schema: every mistake once, and in our own words. Read `check` first.

What a file may hold, which fields a type needs (`buttons` need a `title`) and how long a text may be is written in
`schemas/*.schema.json`, which editors read, too. They see a file before it is rendered, so there a template expression
may replace anything that is not a plain text. Documents that are checked here are rendered, and those alternatives are
taken out: one schema, no `anyOf` left to complain about branches that were never meant.

One slip often breaks several rules: a misspelt field is also a missing one, a template beside direct content breaks a
rule per field. `mistakes` makes one finding of them; `explain.py` has the sentences. This is the only door to the
validator, jsonschema-rs.
"""

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from itertools import islice
from pathlib import Path
from typing import Final, Literal, TypeAlias, cast

from jsonschema_rs import Draft202012Validator, ValidationError, ValidationErrorKind

from msgflash_apply.findings import (
    MOST_FINDINGS,
    Code,
    Finding,
    ValuePath,
    did_you_mean,
    listed,
    nearest,
    spell,
    texts_in,
)
from msgflash_apply.models.explain import Broken, word

SchemaName: TypeAlias = Literal["campaign", "project", "plan", "state"]

NAMES: Final[tuple[SchemaName, ...]] = ("campaign", "project", "plan", "state")


CONTENT = ("template", "templateId", "type")

ALIASES = {
    "text": "body",
    "message": "body",
    "caption": "body",
    "media": "mediaUrl",
    "image": "mediaUrl",
    "date": "schedule",
    "start": "schedule",
    "audience": "recipients",
    "contacts": "recipients",
    "tags": "recipients",
}
"""Words of other tools for fields of a campaign, too far away for a near miss."""

OF_THE_ENVIRONMENT = frozenset(
    {"key", "api_key", "apiKey", "apikey", "token", "secret", "password", "base_url", "baseUrl", "url", "host"}
    | {"team_id", "teamId"}
)
"""Names under which people look for a place for the key or the address of MsgFlash in msgflash.yaml; contract 4."""

EXPLAINED_BY_MEANING = frozenset({("schedule",), ("timezone",)})
"""Texts whose form `meaning` explains better than a pattern can: it knows the right spelling of a near miss."""

FROM_ENVIRONMENT = (
    "the key comes from MSGFLASH_API_KEY, the team from MSGFLASH_TEAM_ID and the address of MsgFlash from "
    "MSGFLASH_BASE_URL: a branch must not be able to choose where the key goes"
)

HALF_CHARACTER = re.compile("[\ud800-\udfff]")

EXPRESSION = {"$ref": "#/$defs/expression"}


def schema_text(name: SchemaName) -> str:
    """Read one schema; FileNotFoundError means that the installation is broken."""
    packaged = files("msgflash_apply").joinpath("schemas", f"{name}.schema.json")
    if packaged.is_file():
        return packaged.read_text(encoding="utf-8")
    checkout = Path(__file__).parents[2] / "schemas" / f"{name}.schema.json"
    return checkout.read_text(encoding="utf-8")


def mistakes(broken: Sequence[Broken], schema: SchemaName) -> tuple[Finding, ...]:
    """Say every broken rule once: unknown fields with near misses, the content mode as one, the others as they are."""
    found: list[Finding] = []
    meant: set[ValuePath] = set()  # what unknown fields were probably meant to be
    for part in broken:
        if part.keyword == "additionalProperties":
            known = cast("Mapping[str, object]", part.subschema.get("properties", {}))
            for name in cast("list[str]", part.limit)[:MOST_FINDINGS]:
                found.append(_unknown_field((*part.path, name), known, schema))
                likely = alias if (alias := ALIASES.get(name)) in known else nearest(name, known)
                meant |= {(*part.path, likely)} if likely is not None else set()
    mode = [part for part in broken if _is_content_mode(part)]
    others = [part for part in broken if part.keyword != "additionalProperties" and part not in mode]
    if mode and not meant & {(name,) for name in CONTENT}:
        found.append(_content_mode(mode))
    misplaced = {part.path for part in others if part.keyword == "falseSchema"}
    found += [word(part) for part in others if not _is_explained(part, meant, misplaced)]
    return tuple(dict.fromkeys(found))


def _unknown_field(path: ValuePath, known: Mapping[str, object], schema: SchemaName) -> Finding:
    name = str(path[-1])
    if schema == "project" and name in OF_THE_ENVIRONMENT:
        message = f"`{spell(path)}` cannot be in a file"
        return Finding(Code.SECRET_IN_FILE, path, message, FROM_ENVIRONMENT, on_key=True)
    if (alias := ALIASES.get(name)) in known:
        hint = f"MsgFlash calls it `{alias}`"
    elif name == "title" and "displayText" in known:
        hint = "the kind of a campaign's button is `type`, its text is `displayText`"
    else:
        hint = did_you_mean(name, known)
    return Finding(Code.UNKNOWN_FIELD, path, f"unknown field `{spell(path)}`", hint, on_key=True)


def _is_explained(part: Broken, meant: set[ValuePath], misplaced: set[ValuePath]) -> bool:
    """Whether another finding says it already: a misspelt field is also missing, a misplaced one is often wrong too."""
    if part.keyword == "required":
        return (*part.path, str(part.limit)) in meant
    if part.keyword == "pattern" and part.path in EXPLAINED_BY_MEANING:
        return True
    return part.keyword != "falseSchema" and any(part.path[: len(path)] == path for path in misplaced)


def _is_content_mode(part: Broken) -> bool:
    """Whether the rule is one of those that together mean "exactly one content mode"."""
    if part.rule[:2] == ("then", "properties") or part.rule == ("else", "required"):
        return True
    stands_alone = isinstance(part.parent, Mapping) and "type" not in part.parent
    return part.rule == ("else", "properties", "variables") and stands_alone


def _content_mode(mode: Sequence[Broken]) -> Finding:
    clashing = {str(part.path[0]) for part in mode if part.rule[0] == "then"}
    if not clashing:
        message = "exactly one content mode is needed, and neither `template` nor `type` is given"
        hint = "add `template: <name of a template>`, or `type: text` with a `body`"
        return Finding(Code.CONTENT_MODE, (), message, hint)
    document = cast("Mapping[str, object]", mode[0].parent)
    template = next(name for name in CONTENT if name in document)
    beside = [name for name in document if name in clashing]
    message = f"exactly one content mode is allowed, and `{template}` is beside {listed(beside)}"
    hint = "keep the template with its `variables`, or write the message here with `type`"
    return Finding(Code.CONTENT_MODE, (beside[0],), message, hint, on_key=True)


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
        errors = islice(validator.iter_errors(document), MOST_FINDINGS)
        broken = [_broken(error, document, schema) for error in errors]
    except UnicodeEncodeError:
        # Half of a surrogate pair, which neither the validator nor JSON on the wire can carry.
        halves = [path for path, text in texts_in(document) if HALF_CHARACTER.search(text)][:MOST_FINDINGS]
        found = []
        for path in halves or [()]:  # in a key: nowhere in particular
            field = f"`{spell(path)}`" if path else "the document"
            message, hint = f"{field} holds half a character", "write the character itself"
            found.append(Finding(Code.WRONG_FORM, path, message, hint))
        return (*found, *check(_with_whole_characters(document), schema))
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
    """Translate one of the validator's errors into plain values: the validator is known to this module alone."""
    kind = error.kind
    path = tuple(error.instance_path)
    rule = tuple(error.schema_path)
    value: object = _at(document, path)
    if isinstance(kind, ValidationErrorKind.PropertyNames):
        value, limit = kind.error.instance, None
    else:
        limit = kind.value
    # A false schema has no keyword: its rule ends at properties, field.
    depth = -2 if kind.name == "falseSchema" else -1
    holder = cast("Mapping[str, object]", _at(strict_schema(schema), rule[:depth]))
    return Broken(kind.name, limit, path, rule, holder, value, _at(document, path[:-1]))


def _at(tree: object, path: ValuePath) -> object:
    for step in path:
        tree = cast("Mapping[str | int, object]", tree)[step]
    return tree
