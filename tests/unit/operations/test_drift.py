"""What counts as drift, and what a campaign does by itself."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from msgflash_apply.campaign import Address, Content, Record, Seen
from msgflash_apply.operations.drift import Drift, drift_of
from msgflash_apply.plan.plan import AttributeDiff, Sender, UsedTemplate
from msgflash_apply.plan.refresh import PriorState, RemoteStatus
from msgflash_apply.state.snapshot import Snapshot
from tests.support.builders import INSTANCE_ID, a_payload, a_record, a_snapshot, some_facts

WELCOME = Content("text", "Hello")
APPROVED = Seen(WELCOME.digest, "+33600000001", 100, 150)


def drifted(state: Snapshot, readings: Mapping[str, RemoteStatus | None]) -> tuple[Drift, ...]:
    """Compare what was read of campaigns alone."""
    return drift_of(PriorState(state, readings), {}, {})


def approved(status: str = "scheduled", *, seen: Seen | None = APPROVED, retired: bool = False) -> Record:
    """Build the record of a campaign in template mode, as it was approved."""
    facts = some_facts(a_payload(type=None, body=None, templateId="t", name="sale"), names={"templateId": "welcome"})
    return a_record(facts=replace(facts, seen=seen), status=status, retired=retired)


def found_of(
    record: Record,
    *,
    template: UsedTemplate | None = None,
    number: str | None = "+33600000001",
    people: int | None = None,
    knows_template: bool = True,
) -> list[tuple[str, str, str | None]]:
    """Say what differs from the record of a campaign, given what the account has now."""
    state = replace(a_snapshot({"sale": record}), contents={WELCOME.digest: WELCOME})
    prior = PriorState(state, templates={"t": template} if knows_template else {})
    found = drift_of(prior, {INSTANCE_ID: Sender(INSTANCE_ID, "shop", number)}, {Address("sale"): people})
    return [(one.what, one.recorded, one.found) for one in found]


def a_template(body: str = "Hello") -> UsedTemplate:
    """Build a template of the account."""
    return UsedTemplate("t", "welcome", Content("text", body))


@pytest.mark.parametrize(
    ("recorded", "found"),
    [
        ("scheduled", "scheduled"),
        ("scheduled", "running"),
        ("scheduled", "completed"),
        ("running", "completed"),
        ("paused_quota", "running"),
    ],
)
def test_what_a_campaign_does_by_itself_is_no_drift(recorded: str, found: str) -> None:
    """A campaign that starts, ends or gets its quota back was sent to do so."""
    record = a_record(status=recorded)
    assert drifted(a_snapshot({"sale": record}), {record.id: RemoteStatus(found)}) == ()


@pytest.mark.parametrize(
    ("recorded", "found"),
    [
        ("scheduled", "paused"),
        ("paused", "running"),
        ("running", "cancelled"),
        ("scheduled", "failed"),
        ("running", "paused_plan"),
        ("scheduled", "something-new"),
    ],
)
def test_what_people_or_trouble_did_is_drift(recorded: str, found: str) -> None:
    """Paused, resumed, cancelled, failed: the record does not know, so it is drift."""
    record = a_record(status=recorded)
    assert drifted(a_snapshot({"sale": record}), {record.id: RemoteStatus(found)}) == (
        Drift(next(iter(a_snapshot({"sale": record}).campaigns)), record.id, recorded, found),
    )


def test_gone_campaign_is_drift_and_unread_one_is_not() -> None:
    """A campaign that MsgFlash does not know any more is drift; one that was not read is none."""
    gone, unread = a_record("b"), a_record("a")
    found = drifted(a_snapshot({"b": gone, "a": unread}), {gone.id: None})
    assert [(one.address, one.found) for one in found] == [("b", None)]


# What was approved beside the campaign.


def test_nothing_else_is_no_drift() -> None:
    """The same words, the same number, about as many people."""
    assert found_of(approved(), template=a_template(), people=120) == []


def test_edited_words_are_drift_with_their_difference() -> None:
    """Another body of the template is drift, and shown."""
    state = replace(a_snapshot({"sale": approved()}), contents={WELCOME.digest: WELCOME})
    (found,) = drift_of(PriorState(state, templates={"t": a_template("Bye")}), {}, {})

    assert (found.what, found.recorded, found.found) == ("content", "template welcome", "edited")
    assert found.diff == (AttributeDiff("template.body", "Hello", "Bye"),)


def test_a_template_that_is_gone_is_drift() -> None:
    """A deleted template is drift; one that was not asked for is none."""
    assert found_of(approved()) == [("content", "template welcome", None)]
    assert found_of(approved(), knows_template=False) == []


@pytest.mark.parametrize("number", ["+33600000002", None])
def test_another_number_is_drift(number: str | None) -> None:
    """Another number behind the same instance is drift, and so is none."""
    found = found_of(approved(), template=a_template(), number=number)

    assert found == [("number", "+33600000001", number)]


@pytest.mark.parametrize(("people", "is_drift"), [(None, False), (120, False), (121, True), (151, True)])
def test_many_more_people_are_drift(people: int | None, *, is_drift: bool) -> None:
    """A tenth and ten people more than were approved are drift."""
    found = found_of(approved(), template=a_template(), people=people)

    assert found == ([("people", "100", str(people))] if is_drift else [])


def test_above_the_limit_is_drift_however_little() -> None:
    """More people than the campaign's limit are drift."""
    seen = replace(APPROVED, people=149, max_people=150)

    assert found_of(approved(seen=seen), template=a_template(), people=151) == [("people", "149", "151")]


def test_above_the_limit_is_drift_of_those_who_were_never_counted() -> None:
    """Where people were not counted for the approval, it says how many it allowed."""
    seen = replace(APPROVED, people=None, max_people=150)

    assert found_of(approved(seen=seen), template=a_template(), people=150) == []
    assert found_of(approved(seen=seen), template=a_template(), people=151) == [("people", "at most 150", "151")]


@pytest.mark.parametrize("record", [approved("completed"), approved("gone"), approved(retired=True)])
def test_what_is_over_does_not_drift(record: Record) -> None:
    """What is over, gone or retired reaches no one any more."""
    assert found_of(record, template=a_template("Bye"), number=None, people=9999) == []


def test_what_was_not_recorded_does_not_drift() -> None:
    """A record of an earlier version knows nothing of words, number and people."""
    assert found_of(approved(seen=None), template=a_template("Bye"), number=None, people=9999) == []
