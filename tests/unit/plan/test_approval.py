"""Whether a plan is the one that was approved, and what is said where it is not."""

from dataclasses import replace

import pytest

from msgflash_apply.campaign import Address, Content
from msgflash_apply.errors import PlanStale
from msgflash_apply.plan.approval import refuse_other, what_differs
from msgflash_apply.plan.plan import (
    Action,
    Audience,
    Change,
    Plan,
    Reason,
    Sender,
    TemplateAction,
    TemplateChange,
    UsedTemplate,
)
from msgflash_apply.state.snapshot import LastApproval, Snapshot
from msgflash_apply.template import TemplateLifecycle, Version
from tests.support.builders import INSTANCE_ID, NOW, SOON, a_payload, a_snapshot
from tests.unit.plan.test_plan import BLOCKED, CREATE, NO_OP, a_plan

WELCOME = UsedTemplate("t", "welcome", Content("text", "Hello"))
FULL = replace(
    CREATE,
    instance=Sender(INSTANCE_ID, "shop", "+33600000001"),
    template=WELCOME,
    max_people=500,
    audience=Audience("all", 100),
)


def refused(
    now: Plan, approved: Plan | None = None, *, digest: str | None = None, state: Snapshot | None = None
) -> str:
    """Refuse a plan that is not the approved one, and give the words."""
    digest = approved.digest if approved is not None and digest is None else digest
    with pytest.raises(PlanStale) as caught:
        refuse_other(now, digest, shown=approved, snapshot=state or a_snapshot())
    return str(caught.value)


def begun(approved: Plan) -> Snapshot:
    """Build a state that remembers a plan that was begun."""
    changes = {change.address: change.action.value for change in approved.effective}
    return replace(a_snapshot(), approved=LastApproval(approved.digest, changes, NOW))


@pytest.mark.parametrize("digest", [None, a_plan(FULL).digest])
def test_the_approved_plan_is_carried_out(digest: str | None) -> None:
    """The same plan, and one more contact in its audience, are what was approved."""
    now = a_plan(replace(FULL, audience=Audience("all", 101)))

    assert refuse_other(now, digest, shown=a_plan(FULL), snapshot=a_snapshot()) is False
    assert refuse_other(now, digest, shown=None, snapshot=a_snapshot()) is False


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (replace(FULL, after=a_payload(body="Bye")), "a: body was 'Hello', and is 'Bye'"),
        (replace(FULL, template=replace(WELCOME, content=Content("text", "Bye"))), "a: its template says something"),
        (
            replace(FULL, instance=Sender(INSTANCE_ID, "shop", "+33600000002")),
            "a: the number was +33600000001, and is +33600000002",
        ),
        (replace(FULL, max_people=None), "a: the limit of people was 500, and is None"),
        (replace(FULL, id="id-a"), "a: the id was None, and is id-a"),
        (FULL.blocked(Reason.LIMIT, "too many"), "a: create was approved, it is blocked now: too many"),
        (replace(FULL, action=Action.REPLACE), "a: create was approved, it is replace now\n"),
        (replace(FULL, address=Address("z")), "a: create is not needed any more\n  z: create was not part of it"),
    ],
)
def test_refusal_says_in_what_the_plans_differ(now: Change, words: str) -> None:
    """Each thing that people were shown and that is another one now is named, campaign by campaign."""
    assert words in refused(a_plan(now), a_plan(FULL)) + "\n"


MADE = TemplateChange(Address("a"), TemplateAction.CREATE, "a@1", after=Content("text", "Hello"))


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (replace(MADE, after=Content("text", "Bye")), "template a: it says something else"),
        (replace(MADE, name="a@2"), "template a: the name was a@1, and is a@2"),
        (
            replace(MADE, unused=(Version("t-1", "a@0", "sha256:0", NOW),)),
            "template a: the list of deletions was [], and is ['t-1']",
        ),
        (
            replace(MADE, lifecycle=TemplateLifecycle("in_place")),
            "template a: the lifecycle was ['version', 'keep'], and is ['in_place', 'keep']",
        ),
        (MADE.blocked(Reason.LIMIT, "too many"), "template a: create was approved, it is blocked now: too many"),
        (replace(MADE, action=TemplateAction.ADOPT), "template a: create was approved, it is adopt now\n"),
        (replace(MADE, action=TemplateAction.NO_OP), "template a: create is not needed any more"),
        (replace(MADE, address=Address("z")), "template z: create was not part of it"),
    ],
)
def test_refusal_says_in_what_templates_differ(now: TemplateChange, words: str) -> None:
    """A template is named as one, since a campaign may have the same address; what is the same is not named."""
    approved, fresh = replace(a_plan(FULL), templates=(MADE,)), replace(a_plan(FULL), templates=(now,))
    said = refused(fresh, approved) + "\n"

    assert words in said
    assert "  a: " not in said


def test_templates_come_first_in_what_is_left() -> None:
    """Templates that are still to be made are named with the campaigns that are left, or that would be carried out."""
    now = replace(a_plan(CREATE), templates=(MADE, replace(MADE, action=TemplateAction.NO_OP, address=Address("b"))))
    approved = a_plan(CREATE, replace(CREATE, address=Address("b")))

    assert "Left:\n  create template a\n  create a" in refused(now, digest=approved.digest, state=begun(approved))
    assert "now:\n  create template a\n  create a" in refused(now, digest="sha256:unknown")


@pytest.mark.parametrize("name", ["environment", "server"])
def test_another_place_is_another_plan(name: str) -> None:
    """What was approved for one environment or server is not for another."""
    approved, now = a_plan(FULL), a_plan(FULL)
    now = replace(now, environment="staging") if name == "environment" else replace(now, server="http://127.0.0.1:1")

    assert f"the {name} was " in refused(now, approved)


def test_a_long_list_of_differences_is_cut() -> None:
    """Twenty lines are shown, and it is said how many more there are."""
    now = a_plan(*(replace(CREATE, address=Address(f"c{number:02}")) for number in range(25)))
    words = refused(now, a_plan())

    assert "c19: create was not part of it\n  and 5 more" in words
    assert len(list(what_differs(a_plan(), now))) == 25


def test_a_plan_that_was_carried_out_is_done() -> None:
    """Nothing is left to do, and the state remembers why: no refusal."""
    assert refuse_other(a_plan(NO_OP), a_plan(FULL).digest, shown=None, snapshot=begun(a_plan(FULL))) is True


def test_a_plan_that_was_carried_out_in_part_says_what_is_left() -> None:
    """Of a plan that was begun it is said when, what is done, what is left, and what is new."""
    approved = a_plan(CREATE, replace(CREATE, address=Address("b")))
    now = a_plan(NO_OP, CREATE, replace(CREATE, address=Address("n"), action=Action.RETIRE))
    words = refused(now, digest=approved.digest, state=begun(approved))

    assert "It was begun on 2026-11-23 12:00 UTC. Done: 1 of 2. Left:" in words
    assert "  create a\n  retire n (was not part of it)" in words


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (a_plan(NO_OP), "the state does not know that the approved plan was carried out"),
        (a_plan(CREATE, BLOCKED), "The one that would be carried out now:\n  create a"),
    ],
)
@pytest.mark.parametrize("state", [a_snapshot(), begun(a_plan(FULL))], ids=["none", "of another plan"])
def test_a_digest_alone_is_compared_with_what_would_be_done(now: Plan, words: str, state: Snapshot) -> None:
    """Where nothing is known of the approved plan, the one of now is shown."""
    assert words in refused(now, digest="sha256:unknown", state=state)


def test_a_plan_that_was_shown_and_is_not_the_approved_one_explains_nothing() -> None:
    """In what the approved plan differs is not read from another one that happens to be at hand."""
    words = refused(a_plan(CREATE), a_plan(FULL), digest="sha256:unknown")

    assert "The approved plan is not at hand" in words


@pytest.mark.parametrize("digest", [None, a_plan(FULL).digest])
def test_a_grown_audience_is_refused(digest: str | None) -> None:
    """The digest is the same, and many more people would receive it than were shown."""
    words = refused(a_plan(replace(FULL, audience=Audience("all", 121))), a_plan(FULL), digest=digest)

    assert "a: 100 people were shown, 121 would receive it now" in words


def test_starts_are_part_of_what_is_sent() -> None:
    """Another start is another payload, whatever the plan says beside it."""
    later = replace(FULL, after=a_payload(starts_at=SOON.replace(hour=18)))

    assert "a: schedule was '2026-11-27T12:00:00.000Z', and is '2026-11-27T18:00:00.000Z'" in refused(
        a_plan(later), a_plan(FULL)
    )
