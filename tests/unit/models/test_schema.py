"""The schemas as law: what they accept, and what is said where a document breaks them."""

import json
from collections.abc import Iterator, Mapping

import pytest
from jsonschema_rs import Draft202012Validator, meta

from msgflash_apply.findings import spell
from msgflash_apply.models.explain import SENTENCES
from msgflash_apply.models.schema import SchemaName, check, schema_text, strict_schema

HEAD = {"name": "Sale", "schedule": "2099-01-01T10:00:00Z", "recipients": {"type": "all"}}
TEXT = {**HEAD, "type": "text", "body": "Hello"}
CONTACT = "cccccccc-cccc-4ccc-8ccc-000000000001"
CALL = {"type": "call", "displayText": "Call us", "phoneNumber": "+33140000000"}
BUTTONS = {**HEAD, "type": "buttons", "title": "t", "description": "d", "buttons": [CALL]}
OURS: tuple[SchemaName, ...] = ("campaign", "project")
NOT_WORDED = frozenset(
    {"$schema", "$id", "$ref", "$defs", "title", "description", "examples", "default", "properties", "items"}
    | {"additionalProperties", "allOf", "if", "then", "else", "const", "dependentSchemas"}
)


def sentences(document: object) -> list[str]:
    """Findings as `path: message (hint)`."""
    return [f"{spell(f.path)}: {f.message} ({f.hint})" for f in check(document)]


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


@pytest.mark.parametrize("name", OURS)
def test_schema_is_a_schema(name: SchemaName) -> None:
    """Each published schema is valid JSON Schema 2020-12."""
    schema = json.loads(schema_text(name))

    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert meta.is_valid(schema)


@pytest.mark.parametrize("name", OURS)
def test_every_field_explains_itself_to_editors(name: SchemaName) -> None:
    """Each top-level field has a title, or refers to a definition that has one."""
    schema = json.loads(schema_text(name))

    for field, shape in schema["properties"].items():
        target = schema["$defs"][shape["$ref"].rpartition("/")[2]] if "$ref" in shape else shape
        assert target.get("title"), field


@pytest.mark.parametrize("name", OURS)
def test_strict_schema_uses_only_keywords_that_have_words(name: SchemaName) -> None:
    """What the validator can report is what `explain` can say: no alternatives are left outside of conditions."""
    for shape in schema_objects(strict_schema(name)):
        condition = set(shape) <= {"anyOf", "required", "properties", "const"}
        assert condition or set(shape) - NOT_WORDED <= set(SENTENCES)


def test_editors_accept_expressions_that_rendering_must_resolve() -> None:
    """The published schema allows a template expression for a typed field, the strict one does not."""
    document = {**TEXT, "recipients": "{{ custom.audience }}", "paused": "{{ custom.paused }}"}
    published = json.loads(schema_text("campaign"))

    assert Draft202012Validator(published).is_valid(document)
    assert {spell(finding.path) for finding in check(document)} == {"paused", "recipients"}


@pytest.mark.parametrize(
    "document",
    [
        TEXT,
        BUTTONS,
        {**HEAD, "template": "welcome", "variables": {"code": "A", "points": 3}},
        {**HEAD, "templateId": CONTACT, "repeat": None},
        {**HEAD, "type": "image", "mediaUrl": "https://a.example/b.jpg"},
        {**HEAD, "type": "voice_note", "mediaUrl": "HTTP://a.example"},
        {**TEXT, "recipients": {"type": "explicit", "value": [CONTACT]}},
        {**TEXT, "recipients": {"type": "group", "groupId": CONTACT}},
        {**TEXT, "repeat": "noe", "labels": {"team/a": ""}, "moved_from": ["a/b"], "key": "été-2.1"},
    ],
)
def test_good_documents_pass(document: object) -> None:
    """A document of the right shape has no finding."""
    assert check(document) == ()


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({**HEAD, "type": "text"}, "type: `body` is required when `type` is `text` (add `body: ...`)"),
        ({**TEXT, "nmae": 1}, "nmae: unknown field `nmae` (did you mean `name`?)"),
        ({**TEXT, "message": "x"}, "message: unknown field `message` (MsgFlash calls it `body`)"),
        ({**TEXT, "schedule": 2099}, '(quote it: "2099")'),
        ({**TEXT, "name": True}, 'name: `name` must be a text, not `true` (quote it: "true")'),
        ({**TEXT, "name": None}, "name: `name` has no value (write one, or delete the line)"),
        ({**TEXT, "name": " \n"}, "name: `name` is blank (write a text, or delete the line)"),
        ({**TEXT, "name": "x" * 101}, "name: `name` is 101 characters long, at most 100 are allowed"),
        ({**TEXT, "body": "x" * 4097}, "body: `body` is 4097 characters long, at most 4096 are allowed"),
        ({**TEXT, "repeat": "dayly"}, "(did you mean `daily`?)"),
        ({**TEXT, "paused": "yes"}, 'paused: `paused` must be `true` or `false`, not the text "yes"'),
        ({**TEXT, "recipients": {"type": "tags", "value": "vip"}}, '(write a list: ["vip"])'),
        ({**TEXT, "recipients": {"type": "tags", "value": []}}, "`recipients.value` is empty, at least 1 entry"),
        (
            {**TEXT, "recipients": {"type": "group"}},
            "`recipients.groupId` is required when `recipients.type` is `group`",
        ),
        ({**TEXT, "recipients": {"type": "all", "value": []}}, "`recipients.value` does not go with `type: all`"),
        ({**TEXT, "recipients": {"type": "explicit", "value": [34600111222]}}, "contact ids are wanted, not phone"),
        ({**TEXT, "recipients": {"type": "explicit", "value": ["+34 600 111"]}}, "contact ids are wanted, not phone"),
        ({**TEXT, "recipients": {"type": "explicit", "value": ["bob"]}}, f'not "bob" (for example `{CONTACT}`)'),
        ({**TEXT, "recipients": {"type": "explicit", "value": [CONTACT] * 10001}}, "`type: group` with its `groupId`"),
        ({**BUTTONS, "buttons": [{**CALL, "phoneNumber": 33140000000}]}, '"33140000000" (a leading `+` or `0`'),
        ({**BUTTONS, "buttons": [{**CALL, "title": "call"}]}, "the kind of a campaign's button is `type`"),
        ({**BUTTONS, "buttons": [CALL] * 3}, "`buttons` holds 3 entries, at most 2 are allowed"),
        ({**BUTTONS, "buttons": [{**CALL, "url": "https://a.example"}]}, "does not go with `type: call`"),
        ({**TEXT, "mediaUrl": "x"}, "mediaUrl: `mediaUrl` does not go with `type: text` (`type: text` needs `body`)"),
        ({**TEXT, "variables": {}}, "variables: `variables` goes with `template`, not with `type`"),
        ({**TEXT, "instance": "a", "instanceId": CONTACT}, "`instance` and `instanceId` exclude each other"),
        ({**HEAD, "template": "a", "variables": {"custom": {}}}, "must be a text or a number, not a map"),
        (
            {**HEAD, "template": "a", "variables": {"custom.a": ""}},
            "a name of letters, digits and `_`, without `custom.`",
        ),
        ({**TEXT, "for_each": {}}, "for_each: `for_each` is empty, at least 1 entry is needed"),
        ({**TEXT, "key": "a/b"}, 'must be a name of letters, digits, `.`, `_` and `-`, not "a/b"'),
        ({**TEXT, "labels": {"a": 3}}, 'labels.a: `labels.a` must be a text, not the number 3 (quote it: "3")'),
        (["name"], ": the document must be a map, not a list (begin with fields, such as `name: ...`)"),
    ],
)
def test_one_mistake_is_told_once_and_in_our_words(document: object, expected: str) -> None:
    """A single mistake gives a single finding that names the field and says what to write."""
    findings = sentences(document)

    assert len(findings) == 1
    assert expected in findings[0]


@pytest.mark.parametrize(
    ("document", "path", "names"),
    [
        ({**TEXT, "template": "a"}, ("type",), ("`template`", "`type`, `body`")),
        (
            {**HEAD, "mediaUrl": "https://a.example/b", "templateId": CONTACT},
            ("mediaUrl",),
            ("`templateId`", "`mediaUrl`"),
        ),
        (HEAD, (), ("neither `template` nor `type`",)),
        ({**HEAD, "variables": {"a": 1}}, (), ("neither `template` nor `type`",)),
    ],
)
def test_exactly_one_content_mode(document: object, path: tuple[str, ...], names: tuple[str, ...]) -> None:
    """Both modes, or neither, is one finding that names the fields that clash."""
    (finding,) = check(document)

    assert (finding.code, finding.path) == ("MF307", path)
    assert all(name in finding.message for name in names)


@pytest.mark.parametrize("slip", ["tpye", "Type", "temlpate"])
def test_a_misspelt_field_is_not_also_missing(slip: str) -> None:
    """The slip is reported once, and not again as the absence of what was meant."""
    (finding,) = check({**HEAD, slip: "text"})

    assert finding.code == "MF301"


def test_several_mistakes_are_all_told() -> None:
    """Independent mistakes each have their finding."""
    broken = {"name": 1, "schedule": None, "recipients": {"type": "al"}, "type": "text", "body": "", "x": 1}

    assert {finding.code for finding in check(broken)} == {"MF301", "MF303", "MF304", "MF305"}
    assert len(check(broken)) == 5


def test_half_a_character_hides_no_other_mistake() -> None:
    """A text that JSON cannot carry is reported with its place, and so is everything else."""
    findings = check({**TEXT, "body": "a\ud83d", "paused": 3})

    assert [(finding.code, finding.path) for finding in findings] == [("MF305", ("body",)), ("MF303", ("paused",))]


@pytest.mark.parametrize(
    "document",
    [
        {**HEAD, "template": "a", "variables": {"x": "\ud83d"}},
        {**TEXT, "labels": {"x": "\ud83d"}},
        {**TEXT, "instance": "\ud83d"},
        {**TEXT, "recipients": {"type": "tags", "value": ["\ud83d"]}},
        {**BUTTONS, "footer": "\ud83d"},
        {**BUTTONS, "buttons": [{**CALL, "displayText": "\ud83d"}]},
        {**TEXT, "moved_from": ["\ud83d"]},
    ],
)
def test_half_a_character_passes_nowhere(document: object) -> None:
    """No field that is sent or kept accepts a text that JSON cannot carry."""
    assert "half a character" in check(document)[0].message


def test_half_a_character_in_a_name_is_reported() -> None:
    """A key that JSON cannot carry is reported for the whole document."""
    findings = check({**TEXT, "labels": {"\ud83d": ""}})

    assert findings[0].path == ()
    assert "half a character" in findings[0].message
