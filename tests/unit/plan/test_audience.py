"""Who would get each create, how many that may be, and whether the month suffices."""

import pytest

from msgflash_apply.models.project import Policy
from msgflash_apply.plan.plan import Audience, Plan
from msgflash_apply.plan.planner import Planner, PlanOptions
from tests.support.builders import NOW, a_desired, a_payload, a_snapshot
from tests.unit.plan.accounts import Account, Object


def planned(account: Account, *recipients: Object, count_tags: bool = True) -> Plan:
    """Plan one create per kind of recipients."""
    desired = [
        a_desired(f"c{number}", payload=a_payload(name=f"c{number}", recipients=one))
        for number, one in enumerate(recipients)
    ]
    options = PlanOptions("default", Policy(), count_tags=count_tags)
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


def test_tags_are_not_counted_unasked() -> None:
    """Without `--audience` no contact is read, and nothing is claimed about their number."""
    account = Account(tagged=[["vip"]])
    plan = planned(account, tags("vip"), count_tags=False)

    assert [change.audience for change in plan.changes] == [Audience("tags", None)]
    assert "/contacts" not in account.asked
    assert plan.requests.messages is None


def test_contacts_are_not_read_where_no_tag_is_used() -> None:
    """`--audience` spends nothing where nothing needs it."""
    account = Account()
    planned(account, {"type": "explicit", "value": ["a", "b"]})

    assert "/contacts" not in account.asked


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


def test_contacts_are_read_once_by_both_plans() -> None:
    """Planning again under the lock counts from what is known."""
    account = Account(tagged=[["vip"]])
    desired = [a_desired("c", payload=a_payload(name="c", recipients=tags("vip")))]
    options = PlanOptions("default", Policy(), count_tags=True)

    async def twice(planner: Planner) -> None:
        await planner.plan(a_snapshot())
        await planner.plan(a_snapshot())

    account.use(lambda client: twice(Planner(desired, (), options, client, lambda: NOW)))

    assert account.asked.count("/contacts") == 1


def test_warm_up_that_may_not_be_read_is_left_out() -> None:
    """A key that may not ask for an instance's health plans all the same: it is advice."""
    plan = planned(Account(health_is_forbidden=True), {"type": "all"})

    assert plan.changes[0].audience == Audience("all", 120)
