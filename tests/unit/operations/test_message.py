"""A message as `POST /messages/send` takes it, what it lacks, and what an answer to it proves."""

from dataclasses import replace

import httpx
import pytest

from msgflash_apply.api.outcome import NotCreated, Unknown
from msgflash_apply.campaign import Content
from msgflash_apply.operations.message import NUMBER, fill_in_for, in_files, message_to, send, unfilled
from msgflash_apply.plan.plan import Change, UsedTemplate
from tests.support.builders import a_desired, a_payload
from tests.unit.api.test_client import ask, ok, problem

ME = "+33699999999"


def a_change(**payload: object) -> Change:
    """Describe a campaign of the files, with other fields in its payload; None takes one away."""
    given = {name: value for name, value in {**a_payload(), **payload}.items() if value is not None}
    return in_files(a_desired("sale", payload=given), ())


def with_template(body: str, **payload: object) -> Change:
    """Describe a campaign that sends a template which says this."""
    change = a_change(type=None, body=None, templateId="t1", **payload)
    return replace(change, template=UsedTemplate("t1", "hello", Content("text", body)))


def test_body_is_text_and_the_kind_of_a_button_is_its_title() -> None:
    """Direct content has other names in messages than in campaigns; what belongs to a campaign alone is left out."""
    buttons = [{"type": "reply", "displayText": "Yes", "id": "yes"}]
    text = message_to(ME, a_change(type="text", body="Hello"), None)
    pressed = message_to(ME, a_change(type="buttons", body=None, title="A", description="B", buttons=buttons), None)

    assert text == {"instanceId": a_payload()["instanceId"], "to": ME, "type": "text", "text": "Hello"}
    assert pressed["buttons"] == [{"title": "reply", "displayText": "Yes", "id": "yes"}]
    assert {"title", "description"} < pressed.keys()


def test_template_goes_by_its_id() -> None:
    """In template mode there are variables and a contact, as far as they are given, and no direct content."""
    plain, whole = with_template("Hello"), with_template("Hi {{custom.code}}", variables={"code": "A1"})

    assert message_to(ME, plain, None).keys() == {"instanceId", "to", "templateId"}
    assert message_to(ME, whole, "c1")["variables"] == {"code": "A1"}
    assert message_to(ME, whole, "c1")["contactId"] == "c1"


def test_what_cannot_be_filled_in_is_named() -> None:
    """Variables that the campaign lacks, and the contact's fields as long as there is no contact."""
    change = with_template("{{contact.name}} {{custom.code}} {{custom.day}} {{user.email}}", variables={"code": "A1"})

    assert unfilled(change, None) == ("contact.name", "custom.day")
    assert unfilled(change, "c1") == ("custom.day",)
    assert unfilled(a_change(), None) == ()


@pytest.mark.parametrize("number", ["0699999999", "+0699999999", "+336", "+3369999999999999", "+33 6", "+٣٣٦٩٩٩٩٩٩٩"])
def test_numbers_are_whole_ones(number: str) -> None:
    """Only E.164 is a number."""
    assert NUMBER.fullmatch(number) is None


def test_direct_content_is_filled_in_for_no_one() -> None:
    """Nothing is asked for it."""
    filled_in, script = ask([], lambda client: fill_in_for("c1", a_change(), client))

    assert filled_in.change == a_change()
    assert script.requests == []


def test_what_was_filled_in_in_part_counts_for_nothing() -> None:
    """Where a preview is not valid the words stay those of the template (reference 10.4)."""
    change = with_template("Hi {{contact.name}}")
    answer = ok({"rendered": "Hi ", "missingVariables": ["contact.name"], "valid": False})
    filled_in, _ = ask([ok({"id": "c1"}), answer], lambda client: fill_in_for("c1", change, client))

    assert (filled_in.change, filled_in.missing) == (change, ("contact.name",))


def test_refusals_for_the_rate_alone_are_sent_again() -> None:
    """Nothing was sent where the rate was refused; a lost answer proves nothing, and ends it."""
    limited = problem(429, "API_RATE_LIMIT_EXCEEDED")
    lost, first = ask([limited, httpx.ReadTimeout("slow")], lambda client: send({"to": ME}, client))
    quota, second = ask([problem(429, "MONTHLY_OUTBOUND_QUOTA_EXCEEDED")], lambda client: send({"to": ME}, client))

    assert isinstance(lost, Unknown)
    assert isinstance(quota, NotCreated)
    assert (len(first.requests), len(second.requests)) == (2, 1)
