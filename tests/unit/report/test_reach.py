"""The first lines of a plan: how many people get what, from which numbers, from when on, and what waits."""

from datetime import timedelta

import pytest

from msgflash_apply.campaign import Address
from msgflash_apply.findings import Code, Severity
from msgflash_apply.plan.plan import Action, Audience, Change, Plan, Reason, Sender
from msgflash_apply.report.wording import reach, where
from tests.unit.report.builders import INSTANCE_ID, NOW, STARTS_AT, a_change, a_finding, a_payload, a_plan

BOUTIQUE = Sender(INSTANCE_ID, "boutique-principale", "+33612345678")


def to(name: str, count: int | None, action: Action = Action.CREATE, **fields: object) -> Change:
    """Build a change to the people of one tag."""
    after = a_payload(recipients={"type": "tags", "value": [name]})
    told = {"address": Address(f"{name}-{action}"), "after": after, "audience": Audience("tags", count)}
    return a_change(action, **{"instance": BOUTIQUE, **told, **fields})


def test_people_messages_number_and_first_start() -> None:
    """Campaigns to the same people count them once, and their messages each time."""
    plan = a_plan(to("vip", 65), to("vip", 65, Action.REPLACE, starts_at=STARTS_AT + timedelta(days=1)))

    start = "the first on Fri 27 Nov 2026 09:00 Europe/Paris, in 3 d 22 h."
    assert reach(plan, NOW) == [
        f"65 people get 130 messages in 2 campaigns, from boutique-principale (+33612345678); {start}"
    ]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ([to("a", 1)], ["1 person gets 1 message in 1 campaign"]),
        ([to("a", 65), to("b", 7)], ["At most 72 people get 72 messages in 2 campaigns"]),
        (
            [to("a", 65), to("b", 7), to("all", 900, audience=Audience("all", 900))],
            ["900 people get 972 messages in 3 campaigns"],
        ),
        (
            [to("a", None), to("all", 900, audience=Audience("all", 900))],
            ["900 people get at least 900 messages in 2 campaigns", "The people of 1 campaign were not counted."],
        ),
        (
            [to("a", 65), to("b", None)],
            [
                "At least 65 people get at least 65 messages in 2 campaigns",
                "The people of 1 campaign were not counted.",
            ],
        ),
        (
            [to("a", 65), to("b", 7), to("c", None)],
            [
                "As far as they were counted, at most 72 people get at least 72 messages in 3 campaigns",
                "The people of 1 campaign were not counted.",
            ],
        ),
        (
            [to("a", None)],
            [
                "An unknown number of people get messages in 1 campaign",
                "The people of 1 campaign were not counted.",
            ],
        ),
    ],
)
def test_how_sure_the_count_is(changes: list[Change], said: list[str]) -> None:
    """Audiences may overlap, and may not have been counted: the number says in which direction it may be wrong."""
    first, *others = reach(a_plan(*changes), NOW)

    assert [first.split(", from")[0], *others] == said


def test_numbers_are_named_as_far_as_they_are_known() -> None:
    """A number that MsgFlash did not give is named as the files do."""
    nameless = a_payload(instanceId=None)
    plan = a_plan(
        to("a", 1, instance=Sender("2", "test-phone", None)),
        to("b", 1, instance=None, names={"instanceId": "from the file"}),
        to("c", 1, instance=None),
        to("d", 1, instance=None, after=nameless),
    )

    numbers = f"test-phone (no number yet), from the file, {INSTANCE_ID}, the account's only connected number;"
    assert f" from {numbers} the first on " in reach(plan, NOW)[0]


def test_what_starts_at_once() -> None:
    """A campaign that is resumed after its start sends at once."""
    plan = a_plan(to("a", 1, Action.RESUME, starts_at=NOW))

    assert reach(plan, NOW)[0].endswith("; it starts at once.")


def test_what_is_not_in_the_numbers() -> None:
    """Repetitions, new words of created campaigns, what waits for a person and what will fail have a sentence each."""
    plan = a_plan(
        to("a", 5, after=a_payload(repeat="daily")),
        to("b", None, Action.ACCEPT),
        to("c", None, Action.BLOCKED, reason=Reason.IN_DOUBT),
        to("d", None, Action.BLOCKED, address=Address("d"), reason=Reason.LIMIT),
        diagnostics=(a_finding(severity=Severity.WARNING, code=Code.TEMPLATE_GONE),),
    )

    assert reach(plan, NOW)[1:] == [
        "1 campaign repeats: people get a message each time.",
        "The words of 1 created campaign were edited on MsgFlash.",
        "2 campaigns wait for a person, 1 in doubt.",
        "1 warning says that created campaigns will fail.",
    ]


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        (a_plan(a_change(Action.PAUSE)), ["No messages go out."]),
        (
            a_plan(a_change(Action.BLOCKED, reason=Reason.LIMIT)),
            ["No messages go out.", "1 campaign waits for a person."],
        ),
        (a_plan(a_change(Action.NO_OP)), []),
    ],
)
def test_plans_that_send_nothing(plan: Plan, said: list[str]) -> None:
    """That nothing goes out is said where there is something to approve."""
    assert reach(plan, NOW) == said


def test_where() -> None:
    """Another server than MsgFlash's own is named: what is approved for a sandbox is nothing for people."""
    assert where(a_plan(environment="production")) == "environment production"
    assert where(a_plan(server="http://127.0.0.1:8400"), repr) == "environment 'default' on 'http://127.0.0.1:8400'"


def test_strangers_texts_are_quoted() -> None:
    """Names of instances are strangers' text: they go through the caller's quoting, and are escaped without any."""
    plan = a_plan(to("a", 1, instance=Sender("1", "\x1b[31mred", "\x07")))

    assert "from \\x1b[31mred (\\x07);" in reach(plan, NOW)[0]
    assert "from <> (<>);" in reach(plan, NOW, lambda _: "<>")[0]
