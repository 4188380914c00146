"""A plan in which nothing changes, kept short: what is told of it is what the plan told."""

import asyncio
import json
from collections.abc import Sequence

import pytest

from msgflash_apply.campaign import Address, Desired, Record
from msgflash_apply.config.policy import Policy
from msgflash_apply.engine.make_plan import Planner, PlanOptions
from msgflash_apply.engine.names import INSTANCE, TEMPLATE, NameTable
from msgflash_apply.engine.plan import Action, Plan
from msgflash_apply.engine.standstill import Standstill, from_plain, standstill_of, to_plain
from msgflash_apply.errors import Diagnostic, Severity
from msgflash_apply.report.paint import PLAIN
from msgflash_apply.report.to_text import plan_to_text
from tests.support.builders import NOW, SOON, a_desired, a_payload, a_record, a_snapshot, some_facts

WARNING = Diagnostic(Severity.WARNING, "MF403", "odd", "look", "campaigns/a.yaml", 3, 9, "a")
NAMED = a_payload(name="named", instanceId="i-1", templateId="t-1", type=None, body=None)


def planned(desired: Sequence[Desired], records: dict[str, Record], *, has_state: bool = True) -> Plan:
    """Plan offline."""
    options = PlanOptions("default", Policy(), has_state=has_state)
    return asyncio.run(Planner(desired, [WARNING], options, None, lambda: NOW).plan(a_snapshot(records)))


def a_still_plan() -> Plan:
    """Plan two campaigns that stay as they are, one of them with names."""
    names = {INSTANCE: "shop", TEMPLATE: "welcome"}
    wanted = {name: value for name, value in NAMED.items() if name not in names}
    return planned(
        [a_desired("plain"), a_desired("named", payload=wanted, names=names)],
        {
            "plain": a_record(facts=some_facts(a_payload(name="plain"))),
            "named": a_record("named", facts=some_facts(NAMED, names=names)),
        },
    )


def a_standstill() -> Standstill:
    """Keep that plan short."""
    found = standstill_of(a_still_plan())
    assert found is not None
    return found


def test_what_is_kept() -> None:
    """The number of campaigns, what names stand for, whose state it was, and the warnings; all of it as plain JSON."""
    standstill = a_standstill()

    assert (standstill.campaigns, standstill.diagnostics) == (2, (WARNING,))
    assert standstill.names == ((INSTANCE, "shop", "i-1"), (TEMPLATE, "welcome", "t-1"))
    assert standstill.fields == {INSTANCE, TEMPLATE}
    assert from_plain(json.loads(json.dumps(to_plain(standstill)))) == standstill


def test_text_is_that_of_the_whole_plan() -> None:
    """To people it reads as the plan did, digest and counts included."""
    whole = a_still_plan()
    short = a_standstill().plan(environment="default", now=NOW, complete=False, requests_used=0)

    texts = [plan_to_text(plan, now=NOW, paint=PLAIN) for plan in (whole, short)]

    assert texts[0] == texts[1]
    assert (short.summary, short.digest, short.size, short.is_empty) == (whole.summary, whole.digest, 2, True)
    assert short.summary[Action.NO_OP] == 2
    assert (short.lineage, short.serial) == (whole.lineage, whole.serial)


@pytest.mark.parametrize(
    ("rows", "holds"),
    [
        ([(INSTANCE, "shop", "i-1", ""), (TEMPLATE, "welcome", "t-1", "")], True),
        ([(INSTANCE, "shop", "i-2", ""), (TEMPLATE, "welcome", "t-1", "")], False),
        ([(INSTANCE, "shop", "i-1", ""), (INSTANCE, "shop", "i-2", ""), (TEMPLATE, "welcome", "t-1", "")], False),
        ([(INSTANCE, "shop", "i-1", "")], False),
    ],
    ids=["same", "other", "ambiguous", "gone"],
)
def test_names_must_mean_what_they_meant(rows: list[tuple[str, str, str, str]], *, holds: bool) -> None:
    """It holds only while each name stands for just the id that it stood for."""
    assert a_standstill().holds_with(NameTable(rows)) is holds


def test_plan_that_does_something_is_not_kept() -> None:
    """A create, a campaign that left the files, or a plan without a state is no standstill."""
    record = a_record(facts=some_facts(a_payload(name="gone", starts_at=SOON)))

    assert standstill_of(planned([a_desired("new")], {})) is None
    assert standstill_of(planned([], {"gone": record})) is None
    assert standstill_of(planned([], {}, has_state=False)) is None


def test_campaign_that_stays_without_its_file_is_counted() -> None:
    """`on_remove: keep` leaves a campaign as it is, and it is among those that stay; its payload needs no name."""
    kept = a_record(facts=some_facts(a_payload(name="kept"), on_remove="keep"))

    standstill = standstill_of(planned([], {Address("kept"): kept}))

    assert standstill is not None
    assert (standstill.campaigns, standstill.names) == (1, ())


@pytest.mark.parametrize(
    "change",
    [
        {"campaigns": "2"},
        {"campaigns": True},
        {"names": [["instanceId", "shop"]]},
        {"names": [["instanceId", "shop", 1]]},
        {"names": ["abc"]},
        {"lineage": None},
        {"diagnostics": [["info", *to_plain(a_standstill())["diagnostics"][0][1:]]]},  # type: ignore[index]  # a row
        {"diagnostics": [[]]},
    ],
    ids=str,
)
def test_what_is_of_another_shape_is_none(change: dict[str, object]) -> None:
    """Only what was written by `to_plain` is read."""
    plain = json.loads(json.dumps(to_plain(a_standstill())))

    assert from_plain({**plain, **change}) is None
    assert from_plain(plain) == a_standstill()


def test_what_is_no_map_is_none() -> None:
    """A list is no standstill, nor is nothing."""
    assert (from_plain([]), from_plain(None)) == (None, None)
