"""Who would get each create, how many that may be, and whether the month suffices."""

from dataclasses import replace
from datetime import timedelta

import pytest

from msgflash_apply.campaign import GROUP, Address, Status
from msgflash_apply.findings import InvalidFiles
from msgflash_apply.models.project import MaxMessages, Policy
from msgflash_apply.plan.audience import Counting, grown
from msgflash_apply.plan.plan import Audience, Plan, Reason
from msgflash_apply.plan.planner import Planner, PlanOptions
from tests.support.builders import NOW, SOON, a_desired, a_payload, a_record, a_snapshot, an_intent, some_facts
from tests.unit.plan.accounts import Account, Object


def planned(
    account: Account, *recipients: Object, counting: Counting = Counting.ALWAYS, policy: Policy | None = None
) -> Plan:
    """Plan one create per kind of recipients."""
    desired = [
        a_desired(f"c{number}", payload=a_payload(name=f"c{number}", recipients=one))
        for number, one in enumerate(recipients)
    ]
    options = PlanOptions("default", policy or Policy(), counting=counting)
    return account.use(lambda client: Planner(desired, (), options, client, lambda: NOW).plan(a_snapshot()))


def tags(*names: str) -> Object:
    """Address tags."""
    return {"type": "tags", "value": list(names)}


def test_people_of_tags_are_counted_once_each() -> None:
    """A contact with several of the tags counts once; contacts are read once for all campaigns."""
    account = Account(tagged=[["vip", "paris"], ["vip"], ["lyon"], []])
    plan = planned(account, tags("vip", "paris"), tags("lyon"))

    assert [change.audience for change in plan.changes] == [Audience("tags", 2), Audience("tags", 1)]
    assert account.asked.count("/contacts") == 1
    assert plan.requests.messages == 3


@pytest.mark.parametrize(("contacts", "count", "requests"), [(2000, 1, 1), (2001, None, 1)])
def test_tags_are_counted_where_that_takes_few_requests(contacts: int, count: int | None, requests: int) -> None:
    """Up to twenty requests are spent on counting; beyond, nothing is claimed, and a warning says so."""
    account = Account(tagged=[["vip"]], contacts=contacts)
    plan = planned(account, tags("vip"), counting=Counting.AUTO)

    assert [change.audience for change in plan.changes] == [Audience("tags", count)]
    assert account.asked.count("/contacts") == requests
    assert [found.code for found in plan.diagnostics] == ([] if count else ["MF520"])
    assert (plan.people, plan.uncounted) == (count, 0 if count else 1)


def test_contacts_are_read_whatever_it_takes() -> None:
    """`--audience always` reads page after page."""
    account = Account(tagged=[["vip"]] * 2150, contacts=None)

    assert planned(account, tags("vip")).people == 2150
    assert account.asked.count("/contacts") == 22


def test_pages_without_a_total_are_read_up_to_the_limit() -> None:
    """Where MsgFlash does not say how many contacts there are, twenty pages are read, and no more."""
    account = Account(tagged=[["vip"]] * 2150, contacts=None)

    assert planned(account, tags("vip"), counting=Counting.AUTO).people is None
    assert account.asked.count("/contacts") == 20


def test_nothing_is_counted_where_that_is_not_wanted() -> None:
    """`--audience never` sends no request for it, and warns of nothing."""
    account = Account(groups={"g": {"id": "g", "name": "g", "contactCount": 5}})
    plan = planned(account, tags("vip"), {"type": "all"}, {"type": "group", "groupId": "g"}, counting=Counting.NEVER)

    assert [change.audience and change.audience.count for change in plan.changes] == [None, None, None]
    assert not [path for path in account.asked if "contacts" in path or "health" in path]
    assert not plan.diagnostics


def test_contact_ids_are_looked_for_one_by_one() -> None:
    """A few ids take a request each, and all contacts are not read."""
    account = Account(known=["a", "b"])
    plan = planned(account, {"type": "explicit", "value": ["a", "b"]}, counting=Counting.AUTO)

    assert plan.people == 2
    assert "/contacts" not in account.asked
    assert [path for path in account.asked if path.startswith("/contacts/")] == ["/contacts/a", "/contacts/b"]


@pytest.mark.parametrize("many", [1, 30])
def test_unknown_contact_ids_are_errors_at_their_place(many: int) -> None:
    """Each of the first unknown ids is an error at its line; ids beyond the budget are compared with all contacts."""
    value = ["c0", *(f"x{number}" for number in range(many))]
    account = Account(tagged=[["vip"]], known=["c0"])
    with pytest.raises(InvalidFiles) as refused:
        planned(account, {"type": "explicit", "value": value})

    found = refused.value.diagnostics
    assert [each.path for each in found] == [("recipients", "value", index + 1) for index in range(min(many, 5))]
    assert {each.code for each in found} == {"MF519"}
    assert ("30 of this list" in found[0].message) is (many == 30)


def test_groups_are_known_by_name() -> None:
    """A group in a file may be given by its name; its people are counted by MsgFlash."""
    account = Account(groups={"g": {"id": "g", "name": "early-birds", "contactCount": 25}})
    desired = a_desired("c", payload=a_payload(name="c", recipients={"type": "group"}), names={GROUP: "early-birds"})
    options = PlanOptions("default", Policy())
    plan = account.use(lambda client: Planner([desired], (), options, client, lambda: NOW).plan(a_snapshot()))

    assert plan.changes[0].recipients == {"type": "group", "groupId": "g"}
    assert plan.changes[0].audience == Audience("group", 25, name="early-birds")
    assert account.asked.count("/contacts/groups") == 1


def test_people_in_all() -> None:
    """Campaigns to the same recipients reach the same people, and one to all contacts reaches everyone."""
    account = Account(tagged=[["vip", "paris"], ["vip"], ["lyon"], []], contacts=4)

    assert planned(account, tags("vip"), tags("vip"), tags("lyon")).people == 3
    assert planned(account, tags("vip"), {"type": "all"}).people == 4
    assert planned(account).people is None


# Limits.


@pytest.mark.parametrize(
    ("policy", "own", "counting", "why"),
    [
        (Policy(max_audience=2), None, Counting.AUTO, None),
        (Policy(max_audience=1), None, Counting.AUTO, "2 people would receive it, and at most 1 may"),
        (Policy(), 1, Counting.AUTO, "2 people would receive it, and at most 1 may"),
        (Policy(max_audience=1), 5, Counting.AUTO, "2 people would receive it, and at most 1 may"),
        (Policy(max_audience=5), None, Counting.NEVER, "were not counted"),
        (Policy(max_audience=1).without(["max-audience"]), 1, Counting.AUTO, None),
    ],
)
def test_more_people_than_allowed_block(policy: Policy, own: int | None, counting: Counting, why: str | None) -> None:
    """A create above its own limit or the policy's is blocked, and so is one of which that cannot be said."""
    account = Account(tagged=[["vip"], ["vip"]])
    desired = a_desired("c", payload=a_payload(name="c", recipients=tags("vip")), max_people=own)
    options = PlanOptions("default", policy, counting=counting)
    plan = account.use(lambda client: Planner([desired], (), options, client, lambda: NOW).plan(a_snapshot()))
    (change,) = plan.changes

    assert change.reason is (Reason.LIMIT if why else None)
    assert (why or "") in change.explanation


def test_the_limit_is_part_of_the_approval_and_the_count_is_not() -> None:
    """Another limit is another plan; one contact more is not."""
    few, more = Account(tagged=[["vip"]]), Account(tagged=[["vip"], ["vip"]])

    assert planned(few, tags("vip")).digest == planned(more, tags("vip")).digest
    assert planned(few, tags("vip")).digest != planned(few, tags("vip"), policy=Policy(max_audience=9)).digest


@pytest.mark.parametrize(
    ("recipients", "repeat", "blocked"),
    [
        ((tags("a"), tags("a")), None, []),
        ((tags("a"), tags("a"), tags("a", "b")), None, ["c2"]),
        ((tags("a"), {"type": "all"}, tags("a")), None, ["c2"]),
        (({"type": "all"}, {"type": "all"}, {"type": "all"}), None, ["c2"]),
        (({"type": "group", "groupId": "g"},) * 3, None, ["c2"]),
        ((tags("a"), tags("b"), tags("c")), None, []),
        (({"type": "explicit", "value": ["c0"]},) * 3, None, []),
        ((tags("a"),), "daily", ["c0"]),
        ((tags("a"),), "weekly", []),
    ],
)
def test_an_audience_is_not_written_to_too_often(
    recipients: tuple[Object, ...], repeat: str | None, blocked: list[str]
) -> None:
    """The campaigns beyond the limit within its time are blocked; repetitions count."""
    groups = {"g": {"id": "g", "name": "g", "contactCount": 1}}
    account = Account(tagged=[["a", "b", "c"]], contacts=1, groups=groups, known=["c0"])
    desired = [
        a_desired(f"c{n}", payload=a_payload(name=f"c{n}", recipients=one, repeat=repeat))
        for n, one in enumerate(recipients)
    ]
    options = PlanOptions("default", Policy(max_messages=MaxMessages(2, timedelta(days=7))))
    plan = account.use(lambda client: Planner(desired, (), options, client, lambda: NOW).plan(a_snapshot()))

    assert [change.address for change in plan.blocked] == blocked
    assert all("within 7 days, and `policy.max_messages` allows 2" in change.explanation for change in plan.blocked)


@pytest.mark.parametrize(
    ("days", "status", "is_blocked"),
    [(1, Status.COMPLETED, True), (8, Status.COMPLETED, False), (1, Status.FAILED, False)],
)
def test_what_the_state_sent_counts(days: int, status: str, *, is_blocked: bool) -> None:
    """Campaigns of the state count, those in its history too, unless they never went out."""
    facts = some_facts(a_payload(name="old", starts_at=SOON - timedelta(days=days), recipients=tags("a")))
    sent = a_record("old", status=status, facts=facts)
    state = replace(a_snapshot(), history={Address("old"): (sent,)})
    desired = a_desired("c", payload=a_payload(name="c", recipients=tags("a")))
    options = PlanOptions("default", Policy(max_messages=MaxMessages(1, timedelta(days=7))))
    account = Account(tagged=[["a"]])
    plan = account.use(lambda client: Planner([desired], (), options, client, lambda: NOW).plan(state))

    assert bool(plan.blocked) is is_blocked


def test_what_is_in_doubt_counts() -> None:
    """A create whose outcome is unknown may have reached the audience."""
    state = a_snapshot({}, {"old": an_intent("old", facts=some_facts(a_payload(name="old", recipients=tags("a"))))})
    desired = [a_desired("c", payload=a_payload(name="c", recipients=tags("a")))]
    options = PlanOptions("default", Policy(max_messages=MaxMessages(1, timedelta(days=7))))
    account = Account(tagged=[["a"]])
    plan = account.use(lambda client: Planner(desired, (), options, client, lambda: NOW).plan(state))

    assert {change.address: change.reason for change in plan.blocked} == {"c": Reason.LIMIT, "old": Reason.IN_DOUBT}


@pytest.mark.parametrize(
    ("then", "words"), [(9, []), (21, []), (22, ["c0: 10 people were shown, 22 would receive it now"])]
)
def test_growth_since_the_approval(then: int, words: list[str]) -> None:
    """An audience that has grown by more than a tenth and ten people is not what was shown."""
    before = planned(Account(tagged=[["vip"]] * 10), tags("vip"))
    after = planned(Account(tagged=[["vip"]] * then), tags("vip"))

    assert list(grown(before, after)) == words


@pytest.mark.parametrize(
    ("account", "recipients", "words"),
    [
        (Account(tagged=[["vip"]]), tags("press", "lyon"), "no contact is tagged lyon or press"),
        (Account(contacts=0), {"type": "all"}, "the account has no contacts"),
        (Account(groups={"g": {"id": "g", "contactCount": 0}}), {"type": "group", "groupId": "g"}, "the group has no"),
    ],
)
def test_nobody_is_a_warning(account: Account, recipients: Object, words: str) -> None:
    """A campaign without recipients is a warning."""
    [found] = planned(account, recipients).diagnostics

    assert (found.code, found.is_error) == ("MF511", False)
    assert words in found.message


@pytest.mark.parametrize(("limit", "codes"), [(119, ["MF514"]), (120, []), (None, [])])
def test_more_than_the_warm_up_advises_is_a_warning(limit: int | None, codes: list[str]) -> None:
    """An audience above the number's warm-up is a warning with both numbers."""
    account = Account(health={"warmupPolicy": {"maxCampaignRecipients": limit}})
    plan = planned(account, {"type": "all"})

    assert [found.code for found in plan.diagnostics] == codes
    assert plan.changes[0].audience == Audience("all", 120, limit)


@pytest.mark.parametrize(("left", "codes"), [(120, []), (119, ["MF515"])])
def test_messages_beyond_the_month_are_a_warning(left: int, codes: list[str]) -> None:
    """A plan that sends more than the month has left says so before it begins."""
    plan = planned(Account(messages_left=left), {"type": "all"})

    assert [found.code for found in plan.diagnostics] == codes
    assert (plan.requests.messages, plan.requests.messages_left) == (120, left)


def test_each_plan_counts_anew() -> None:
    """The plan under the lock counts again: what was shown may have grown since."""
    account = Account(tagged=[["vip"]])
    desired = [a_desired("c", payload=a_payload(name="c", recipients=tags("vip")))]
    options = PlanOptions("default", Policy())

    async def twice(planner: Planner) -> list[int | None]:
        first = await planner.plan(a_snapshot())
        account.tagged = [["vip"]] * 40
        return [first.people, (await planner.plan(a_snapshot())).people]

    counts = account.use(lambda client: twice(Planner(desired, (), options, client, lambda: NOW)))

    assert counts == [1, 40]


def test_warm_up_that_may_not_be_read_is_left_out() -> None:
    """A key that may not ask for an instance's health plans all the same: it is advice."""
    plan = planned(Account(health_is_forbidden=True), {"type": "all"})

    assert plan.changes[0].audience == Audience("all", 120)
