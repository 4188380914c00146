"""What is said where a document breaks its models: one finding per mistake, in our words."""

import pytest

from msgflash_apply.findings import Finding, ValuePath, spell
from msgflash_apply.models.campaign_file import CAMPAIGNS
from msgflash_apply.models.explain import Written, check, not_known
from msgflash_apply.models.project import ProjectFile

HEAD = {"name": "Sale", "schedule": "2099-01-01T10:00:00Z", "recipients": {"type": "all"}}
TEXT = {**HEAD, "type": "text", "body": "Hello"}
CONTACT = "cccccccc-cccc-4ccc-8ccc-000000000001"
CALL = {"type": "call", "displayText": "Call us", "phoneNumber": "+33140000000"}
BUTTONS = {**HEAD, "type": "buttons", "title": "t", "description": "d", "buttons": [CALL]}


def findings(document: object, written: Written = not_known) -> tuple[Finding, ...]:
    """What is wrong with a campaign; nothing for a good one."""
    found = check(document, CAMPAIGNS, written)
    return found if isinstance(found, tuple) else ()


def sentences(document: object) -> list[str]:
    """Findings as `path: message (hint)`."""
    return [f"{spell(f.path)}: {f.message} ({f.hint})" for f in findings(document)]


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
    assert findings(document) == ()


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({**HEAD, "type": "text"}, "type: `body` is required when `type` is `text` (add `body: ...`)"),
        ({**TEXT, "nmae": 1}, "nmae: unknown field `nmae` (did you mean `name`?)"),
        ({**TEXT, "message": "x"}, "message: unknown field `message` (MsgFlash calls it `body`)"),
        ({**TEXT, "schedule": 2099}, "(for example `2099-11-27T09:00:00+01:00`)"),
        ({**TEXT, "moved_from": "a"}, '(write a list: ["a"])'),
        ({**TEXT, "moved_from": 3}, '(for example `["promo/old-name"]`)'),
        ({**TEXT, "instance": 33612345678}, 'quote it: "33612345678" (a leading `+` or `0` only survives in quotes)'),
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
            "one of `groupId`, `group` is required when `recipients.type` is `group`",
        ),
        ({**TEXT, "recipients": {"type": "all", "value": []}}, "`recipients.value` does not go with `type: all`"),
        ({**TEXT, "recipients": {"type": "explicit", "value": [34600111222]}}, "contact ids are wanted, not phone"),
        ({**TEXT, "recipients": {"type": "explicit", "value": ["+34 600 111"]}}, "contact ids are wanted, not phone"),
        ({**TEXT, "recipients": {"type": "explicit", "value": ["bob"]}}, f'not "bob" (for example `{CONTACT}`)'),
        (
            {**TEXT, "recipients": {"type": "explicit", "value": [CONTACT] * 10001}},
            "`type: group` with its `group` or `groupId`",
        ),
        ({**BUTTONS, "buttons": [{**CALL, "phoneNumber": 33140000000}]}, 'write "+33140000000" if it begins with'),
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
    (said,) = sentences(document)

    assert expected in said


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
    (finding,) = findings(document)

    assert (finding.code, finding.path) == ("MF307", path)
    assert all(name in finding.message for name in names)


@pytest.mark.parametrize("slip", ["tpye", "Type", "temlpate"])
def test_a_misspelt_field_is_not_also_missing(slip: str) -> None:
    """The slip is reported once, and not again as the absence of what was meant."""
    (finding,) = findings({**HEAD, slip: "text"})

    assert finding.code == "MF301"


def test_several_mistakes_are_all_told() -> None:
    """Independent mistakes each have their finding."""
    broken = {"name": 1, "schedule": None, "recipients": {"type": "al"}, "type": "text", "body": "", "x": 1}

    assert {finding.code for finding in findings(broken)} == {"MF301", "MF303", "MF304", "MF305"}
    assert len(findings(broken)) == 5


def test_half_a_character_hides_no_other_mistake() -> None:
    """A text that JSON cannot carry is reported with its place, and so is everything else."""
    found = findings({**TEXT, "body": "a\ud83d", "paused": 3})

    assert {(finding.code, finding.path) for finding in found} == {("MF305", ("body",)), ("MF303", ("paused",))}


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
    assert "half a character" in findings(document)[0].message


@pytest.mark.parametrize("place", ["labels", "custom", "lifecycle", ""])
def test_half_a_character_in_a_name_is_reported(place: str) -> None:
    """A key that JSON cannot carry is reported for the whole document, and hides no other mistake."""
    bad = {place: {"\ud83d": ""}} if place else {"\ud83d": ""}
    found = findings({**TEXT, **bad, "paused": 3})

    assert {finding.path for finding in found} == {(), ("paused",)}
    assert "half a character" in next(finding.message for finding in found if not finding.path)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"type": "txt", "body": 3}, {"name", "schedule", "recipients", "type", "body"}),
        ({**HEAD, "type": 3, "mediaUrl": "x", "footer": 3, "nmae": ""}, {"type", "mediaUrl", "footer", "nmae"}),
        ({**TEXT, "recipients": {"type": "tgas", "value": "vip", "vlaue": 1}}, {"type", "value", "vlaue"}),
        ({**TEXT, "recipients": {"value": "vip", "groupId": "x"}}, {"type", "value", "groupId"}),
        (
            {**BUTTONS, "buttons": [{"type": "cal", "phoneNumber": 3, "url": "x"}]},
            {"type", "phoneNumber", "url", "displayText"},
        ),
        ({**BUTTONS, "buttons": [3, CALL, CALL]}, {"buttons", "0"}),
    ],
)
def test_an_unknown_kind_hides_no_other_mistake(document: object, expected: set[str]) -> None:
    """Where `type` names no kind, whatever holds for every kind is still checked, and nothing is guessed."""
    found = findings(document)

    assert {
        str(finding.path[-1]) if finding.code != "MF302" else finding.message.split("`")[1].rpartition(".")[2]
        for finding in found
    } == expected


@pytest.mark.parametrize(
    ("document", "path", "text", "hint"),
    [
        ({**TEXT, "name": 42}, ("name",), "0042", 'quote it: "0042"'),
        ({**TEXT, "labels": {"v": 1.1}}, ("labels", "v"), "1.10", 'quote it: "1.10"'),
        ({**TEXT, "body": 1200000.0}, ("body",), "12E5", 'quote it: "12E5"'),
        ({**TEXT, "footer": True}, ("footer",), "True", ""),
        ({**TEXT, "schedule": 1930118400}, ("schedule",), "1930118400", "for example `2099-11-27T09:00:00+01:00`"),
        (
            {**BUTTONS, "buttons": [{**CALL, "phoneNumber": 33612345678}]},
            ("buttons", 0, "phoneNumber"),
            "+33612345678",
            'quote it: "+33612345678"',
        ),
        (
            {**BUTTONS, "buttons": [{**CALL, "phoneNumber": 612345678}]},
            ("buttons", 0, "phoneNumber"),
            "0612345678",
            'the country code is missing; with that of France, for example, it is "+33612345678"',
        ),
    ],
)
def test_hint_quotes_the_text_of_the_file(document: object, path: ValuePath, text: str, hint: str) -> None:
    """A number that should be a text is quoted as the file spells it; where quotes do not help, the form is given."""
    (finding,) = findings(document, {path: text}.get)

    assert (finding.path, finding.hint) == (path, hint) if hint else finding.code == "MF308"
    assert not hint or text in finding.message


@pytest.mark.parametrize(
    ("policy", "hint"),
    [
        ({"min_lead_time": 10}, "for example `10m`"),
        ({"max_retires": 0.3}, "for example `30%`"),
        ({"max_creates": "many"}, None),
    ],
)
def test_form_is_given_where_a_number_cannot_do(policy: object, hint: str | None) -> None:
    """msgflash.yaml is explained like campaigns."""
    found = check({"version": 1, "policy": policy}, (ProjectFile,))

    assert isinstance(found, tuple)
    assert [finding.hint for finding in found] == [hint]
