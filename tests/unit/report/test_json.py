"""The JSON for programs keeps to its published schema, whatever the campaigns hold."""

import json
from pathlib import Path

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from msgflash_apply.apply.result import Outcome, TemplateResult
from msgflash_apply.campaign import Address
from msgflash_apply.findings import Diagnostic
from msgflash_apply.plan.plan import Action, Audience, Reason, TemplateAction, UsedTemplate
from msgflash_apply.report.json_ import (
    apply_to_json,
    plan_to_json,
    record_to_json,
    state_list_to_json,
    validation_to_json,
)
from msgflash_apply.report.own_secrets import learn
from tests.support.builders import a_snapshot
from tests.unit.report.builders import (
    ADDRESS,
    CAMPAIGN_ID,
    PAYLOAD,
    SAYS,
    a_change,
    a_finding,
    a_payload,
    a_plan,
    a_record,
    a_report,
    a_result,
    a_template_change,
    a_version,
    an_intent,
)

SCHEMA = json.loads((Path(__file__).parents[3] / "schemas" / "plan.schema.json").read_text(encoding="utf-8"))
PLAN = jsonschema_rs.Draft202012Validator(SCHEMA, validate_formats=True)
SPELLED = {"type": SAYS.type, "body": SAYS.body, "media_url": SAYS.media_url}
CHANGES = (
    a_change(),
    a_change(Action.FORGET, address=Address("promo/old"), audience=Audience("all")),
    a_change(Action.BLOCKED, address=Address("promo/x"), reason=Reason.IN_DOUBT),
    a_change(Action.NO_OP, address=Address("promo/same")),
)


def part(name: str) -> jsonschema_rs.Draft202012Validator:
    """Build a validator for one of the schema's other outputs."""
    return jsonschema_rs.Draft202012Validator({**SCHEMA, "$ref": f"#/$defs/{name}", "required": [], "properties": {}})


def test_schema_is_itself_valid() -> None:
    """The published schema is a JSON Schema."""
    jsonschema_rs.meta.validate(SCHEMA)


@pytest.mark.parametrize("action", Action)
def test_plan_keeps_to_its_schema(action: Action) -> None:
    """A plan of any action keeps to the schema, with a state and without one."""
    with_state = a_plan(a_change(action), diagnostics=(a_finding(),))
    without = a_plan(a_change(action, timezone=None, source=None), lineage=None, serial=None)
    for plan in (with_state, without):
        PLAN.validate(json.loads(plan_to_json(plan, tool_version="1.2.3")))


def test_schema_refuses_what_is_not_promised() -> None:
    """The schema notices an unknown action, and a reason on a change that is not blocked."""
    for field, value in (("action", "explode"), ("reason", "in-doubt"), ("starts_at", "tomorrow")):
        plan = json.loads(plan_to_json(a_plan(a_change()), tool_version="1.2.3"))
        plan["changes"][0][field] = value
        assert not PLAN.is_valid(plan)


def test_plan_names_its_fields_in_the_contract_s_order() -> None:
    """The fields of a plan and of a change are those of the contract, in its order, additions last."""
    plan = json.loads(plan_to_json(a_plan(*CHANGES), tool_version="1.2.3"))
    assert list(plan) == [
        *("format_version", "tool_version", "environment", "server", "lineage", "serial", "created_at", "complete"),
        *("digest", "changes", "templates", "summary", "diagnostics", "requests"),
    ]
    people, templates = plan["summary"].pop("people"), plan["summary"].pop("templates")
    assert (people, plan["templates"]) == (120, [])
    assert templates == {action.value: 0 for action in TemplateAction}
    assert plan["summary"] == {action.value: int(action in {change.action for change in CHANGES}) for action in Action}
    assert plan["changes"][0]["after"] == PAYLOAD
    assert plan["changes"][0]["starts_at"] == "2026-11-27T08:00:00.000Z"


def test_order_of_payload_keys_is_nothing() -> None:
    """Two equal plans make one text, whatever the order their payloads were built in; it ends with a line break."""
    backwards = dict(reversed(list(PAYLOAD.items())))
    texts = {plan_to_json(a_plan(a_change(after=payload)), tool_version="1") for payload in (PAYLOAD, backwards)}
    assert len(texts) == 1
    assert texts.pop().endswith("}\n")


def test_changes_only() -> None:
    """Unchanged campaigns can be left out, and are still counted."""
    plan = json.loads(plan_to_json(a_plan(*CHANGES), tool_version="1.2.3", changes_only=True))
    assert [change["action"] for change in plan["changes"]] == ["create", "forget", "blocked"]
    assert plan["summary"]["no-op"] == 1


@pytest.mark.parametrize("action", TemplateAction)
def test_templates_keep_to_the_schema(action: TemplateAction) -> None:
    """A template's change of any action keeps to the schema, and says before, after and what nothing uses."""
    change = a_template_change(action, unused=(a_version("t-1"),), campaigns=(ADDRESS,), labels={"team": "crm"})
    sends = a_change(template=UsedTemplate("", change.name, SAYS), template_address=change.address)
    plan = json.loads(plan_to_json(a_plan(sends, templates=(change,)), tool_version="1.2.3"))
    PLAN.validate(plan)
    [template] = plan["templates"]
    assert template["after"] == (change.after and {**SPELLED, "digest": SAYS.digest})
    assert template["before"] == (change.before and {**template["before"], "digest": change.before.digest})
    assert template["unused"] == [{"id": "t-1", "name": change.unused[0].name}]
    assert template["campaigns"] == [ADDRESS]
    assert plan["summary"]["templates"] == {each.value: int(each is action) for each in TemplateAction}
    assert plan["changes"][0]["content"]["template"] == {"name": change.name, "id": None}
    assert plan["changes"][0]["template_address"] == "promo/relance"


def test_unchanged_templates_can_be_left_out() -> None:
    """`--changes-only` leaves out unchanged templates; they are still counted."""
    templates = (a_template_change(), a_template_change(TemplateAction.NO_OP, address=Address("promo/same")))
    plan = json.loads(plan_to_json(a_plan(templates=templates), tool_version="1.2.3", changes_only=True))
    assert [template["action"] for template in plan["templates"]] == ["create"]
    assert plan["summary"]["templates"]["no-op"] == 1


@given(st.text().filter(lambda text: "msgf" not in text.lower() and "@" not in text and "auth" not in text.lower()))
def test_texts_survive(text: str) -> None:
    """A program reads back what the campaign holds, and a terminal that shows the JSON is not acted upon."""
    spelled = plan_to_json(a_plan(a_change(after=a_payload(body=text))), tool_version="1")
    assert json.loads(spelled)["changes"][0]["after"]["body"] == text
    assert not set(spelled) & set("\x1b\x7f\x9b\r\t\u202e\u2066\ud800")


def test_escapes_are_lossless() -> None:
    """Controls, bidi controls and half characters are escaped so that a reader gets them back."""
    text = "\x1b\x7f\x9b\u202e\ud800\U000e0041"
    spelled = plan_to_json(a_plan(a_change(after=a_payload(body=text))), tool_version="1")
    assert r"\u001b\u007f\u009b\u202e\ud800\udb40\udc41" in spelled
    assert json.loads(spelled)["changes"][0]["after"]["body"] == text


def test_secrets_are_redacted_everywhere() -> None:
    """Our key is redacted in payloads, their keys, labels, findings and advice, and the text stays JSON."""
    key = 'abcdef"\\-of-test-json'
    learn(key)
    change = a_change(after=a_payload(body=key, variables={key: [key]}), labels={"owner": key}, explanation=key)
    texts = [
        plan_to_json(a_plan(change, diagnostics=(a_finding(message=key, hint=key),)), tool_version="1"),
        apply_to_json(a_report(a_result(error=key, safety={"reasons": [key]}), stopped=key)),
        record_to_json(a_snapshot({ADDRESS: a_record(status=key)}), ADDRESS),
    ]
    assert all(json.loads(text) for text in texts)
    assert not any("abcdef" in text for text in texts)


@pytest.mark.parametrize(("findings", "valid"), [((), True), ((a_finding(),), False)])
def test_validation(findings: tuple[Diagnostic, ...], *, valid: bool) -> None:
    """Findings keep to the schema and say whether the files are valid."""
    document = json.loads(validation_to_json(12, findings))
    part("validation").validate(document)
    assert document["valid"] is valid
    assert document["campaigns"] == 12


@pytest.mark.parametrize("outcome", Outcome)
def test_apply(outcome: Outcome) -> None:
    """The end of an apply keeps to the schema and counts by outcome."""
    report = a_report(a_result(outcome=outcome, safety={"decision": "allow"}), interrupted_by=2)
    document = json.loads(apply_to_json(report))
    part("apply").validate(document)
    assert document["summary"] == {each.value: int(each is outcome) for each in Outcome}
    assert document["requests"] == {"sent": 12}
    assert document["templates"] == []


@pytest.mark.parametrize("action", TemplateAction)
def test_apply_of_templates(action: TemplateAction) -> None:
    """What became of templates keeps to the schema, and is not counted with the campaigns."""
    result = TemplateResult(Address("promo/relance"), action, Outcome.FAILED, error="no")
    document = json.loads(apply_to_json(a_report(templates=(result,))))
    part("apply").validate(document)
    assert document["templates"] == [
        {"address": "promo/relance", "action": action.value, "outcome": "failed", "id": None, "error": "no"}
    ]
    assert not any(document["summary"].values())


def test_state_list() -> None:
    """The state's campaigns come sorted by address, with null for what there is not."""
    document = json.loads(state_list_to_json(a_snapshot({"b": a_record()}, {"a": an_intent()})))
    first, second = document["campaigns"]
    assert (first["address"], first["record"], first["in_doubt"]["attempt"]) == ("a", None, 1)
    assert (second["address"], second["record"]["id"], second["in_doubt"]) == ("b", CAMPAIGN_ID, None)
