"""
What was approved is what goes out, or nothing does; and what changes afterwards is reported by `drift`.

A world is drawn (templates, groups, tags, contacts, instances), campaigns that use it, a way of approving, and one
change anywhere in it. What people would get is read off the sandbox's own data, which shares no code with the client:
words, number, start, and how many they are.
"""

import asyncio
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from msgflash_apply.campaign import GROUP, INSTANCE, TEMPLATE, Address, Desired
from msgflash_apply.errors import MsgflashApplyError, PlanStale
from msgflash_apply.findings import InvalidFiles
from msgflash_apply.operations.drift import Drift, drift_of
from msgflash_apply.plan.approval import refuse_other
from msgflash_apply.plan.audience import TOLERATED_PEOPLE, TOLERATED_SHARE
from msgflash_apply.plan.plan import Change, Plan
from msgflash_apply.plan.planfile import SavedPlan, decode_plan, encode_plan, refuse_stale
from msgflash_apply.plan.refresh import Refresh
from msgflash_apply.sandbox import world as sandbox_world
from msgflash_apply.sandbox.placeholders import render, values_for
from msgflash_apply.sandbox.seed import (
    BOUTIQUE_ID,
    EARLY_BIRDS_ID,
    LOYALTY_CARD_ID,
    TEST_PHONE_ID,
    WELCOME_ID,
    contact_id,
)
from msgflash_apply.sandbox.server import Sandbox
from msgflash_apply.sandbox.values import Campaign, Contact
from msgflash_apply.state.snapshot import Snapshot
from tests.support.builders import a_desired, a_payload
from tests.support.runs import LATER, STILL, World

QUICKLY: Final = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
BY_NAME: Final = {INSTANCE: "boutique-principale"}


def a_campaign(name: str, names: Mapping[str, str], max_people: int | None = None, **fields: object) -> Desired:
    """Build a campaign that starts tomorrow."""
    fields.setdefault("instanceId", None)
    payload = a_payload(name=name, starts_at=LATER, **fields)
    return a_desired(name, payload=payload, names=names, max_people=max_people)


CAMPAIGNS: Final[Mapping[str, Desired]] = {
    one.address: one
    for one in (
        a_campaign(
            "template-by-name",
            {**BY_NAME, TEMPLATE: "welcome"},
            type=None,
            body=None,
            variables={"brand": "Acme", "code": "B10"},
        ),
        a_campaign(
            "template-by-id",
            {},
            instanceId=TEST_PHONE_ID,
            templateId=LOYALTY_CARD_ID,
            type=None,
            body=None,
            variables={"points_name": "points"},
            recipients={"type": "explicit", "value": [contact_id(1), contact_id(2)]},
        ),
        a_campaign("group-by-name", {**BY_NAME, GROUP: "early-birds"}, 40, recipients={"type": "group"}),
        a_campaign("group-by-id", BY_NAME, recipients={"type": "group", "groupId": EARLY_BIRDS_ID}, body="Hi"),
        a_campaign("tags", BY_NAME, 60, recipients={"type": "tags", "value": ["vip"]}, body="Hello vip"),
        a_campaign("everyone", BY_NAME, 200, body="Hello all"),
    )
}


# One change anywhere.


def _edit_words(world: sandbox_world.World) -> None:
    world.templates[WELCOME_ID].body = "Buy now, {{contact.firstName}}! {{custom.brand}} {{custom.code}}"


def _edit_media(world: sandbox_world.World) -> None:
    world.templates[LOYALTY_CARD_ID].media_url = "https://cdn.example.com/other.png"


def _edit_variables(world: sandbox_world.World) -> None:
    world.templates[WELCOME_ID].body = "{{custom.day}}: {{custom.brand}}, {{custom.code}}"


def _delete_template(world: sandbox_world.World) -> None:
    del world.templates[WELCOME_ID]


def _swap_templates(world: sandbox_world.World) -> None:
    """Another template takes the name."""
    one, other = world.templates[WELCOME_ID], world.templates[LOYALTY_CARD_ID]
    one.name, other.name = other.name, one.name


def _grow_group(world: sandbox_world.World) -> None:
    _add_contacts(world, 1000)
    world.groups[EARLY_BIRDS_ID].members |= dict.fromkeys(world.contacts, world.now)


def _rename_group(world: sandbox_world.World) -> None:
    world.groups[EARLY_BIRDS_ID].name = "late-birds"


def _grow_tag(world: sandbox_world.World) -> None:
    _add_contacts(world, 1000)
    for contact in world.contacts.values():
        contact.tags = ["vip"]


def _add_contacts(world: sandbox_world.World, count: int = 300) -> None:
    for number in range(5000, 5000 + count):
        identifier = contact_id(number)
        world.contacts[identifier] = Contact(identifier, f"N {number}", f"+336{number:08d}", world.now, world.now)


def _delete_contact(world: sandbox_world.World) -> None:
    del world.contacts[contact_id(1)]


def _change_number(world: sandbox_world.World) -> None:
    world.instances[BOUTIQUE_ID].wa_number = "+33799999999"


def _swap_instances(world: sandbox_world.World) -> None:
    """Another instance takes the name."""
    one, other = world.instances[BOUTIQUE_ID], world.instances[TEST_PHONE_ID]
    one.name, other.name = other.name, one.name


def _leave(_world: sandbox_world.World) -> None:
    """Change nothing."""


CHANGES: Final[Sequence[Callable[[sandbox_world.World], None]]] = (
    _edit_words,
    _edit_media,
    _edit_variables,
    _delete_template,
    _swap_templates,
    _grow_group,
    _rename_group,
    _grow_tag,
    _add_contacts,
    _delete_contact,
    _change_number,
    _swap_instances,
    _leave,
)


# What people get, by the server's own data.


@dataclass(frozen=True)
class Reach:
    """What a campaign brings to people."""

    words: str | None
    media: str | None
    number: str | None
    start: str
    people: int


def reach_of(sandbox: Sandbox, campaign: Campaign) -> Reach:
    """Read off the server what a campaign would bring to people now, their own names left out."""
    world, payload = sandbox.world, campaign.payload
    words = None if "body" not in payload else str(payload["body"])
    media = None if "mediaUrl" not in payload else str(payload["mediaUrl"])
    if campaign.template_id is not None:
        template = world.templates.get(campaign.template_id)
        custom = dict(campaign.variables or {})
        values = values_for(world.account, instance=None, contact=None, custom=custom)
        words = None if template is None or template.body is None else render(template.body, values).text
        media = None if template is None else template.media_url
    number = world.instances[campaign.instance_id].wa_number
    people = len(world.audience_of(campaign.recipients))
    return Reach(words, media, number, str(payload["schedule"]), people)


def reaches(sandbox: Sandbox) -> dict[str, Reach]:
    """Say of every campaign on the server what it would bring to people, by name."""
    return {str(one.payload["name"]): reach_of(sandbox, one) for one in sandbox.world.campaigns.values()}


def shown_in(change: Change) -> Reach:
    """Say what a plan showed of a change."""
    words, instance, audience = change.words, change.instance, change.audience
    assert words is not None
    assert instance is not None
    assert audience is not None
    # The owner's own placeholders are the server's to fill in; the demo account's templates have none.
    start = str((change.after or {})["schedule"])
    return Reach(words.body, words.media_url, instance.number, start, audience.count or 0)


def is_what_was_shown(real: Reach, shown: Reach, most: int) -> bool:
    """Whether people get what was shown, and are no more than may be."""
    return replace(real, people=0) == replace(shown, people=0) and real.people <= most


def most_people(change: Change, mode: str) -> float:
    """How many people may get it: those shown and a few more where that is at hand, and never more than the limit."""
    count = change.audience.count if change.audience is not None else None
    limit = float("inf") if change.max_people is None else change.max_people
    tolerated = (count or 0) * TOLERATED_SHARE + TOLERATED_PEOPLE if mode != "digest" else float("inf")
    return min(limit, tolerated)


def approving(plan: Plan, desired: Sequence[Desired], mode: str) -> Callable[[Plan, Snapshot], None]:
    """Give the check of `apply`, after a prompt, with `--expect`, or with a saved plan."""
    saved = decode_plan(encode_plan(SavedPlan(plan, tuple(desired))), where="plan") if mode == "saved" else None
    shown = plan if mode == "prompt" else saved.plan if saved is not None else None

    def check(now: Plan, snapshot: Snapshot) -> None:
        if saved is not None:
            refuse_stale(saved, snapshot, environment="default", server=now.server)
        refuse_other(now, plan.digest, shown=shown, snapshot=snapshot)

    return check


@QUICKLY
@given(
    st.lists(st.sampled_from(sorted(CAMPAIGNS)), min_size=1, unique=True),
    st.sampled_from(CHANGES),
    st.sampled_from(["prompt", "digest", "saved"]),
)
def test_what_was_shown_goes_out_or_nothing(
    addresses: list[str], change: Callable[[sandbox_world.World], None], mode: str
) -> None:
    """Whatever changes after an approval, an apply does what was shown, or sends nothing."""
    desired = [CAMPAIGNS[address] for address in addresses]
    with tempfile.TemporaryDirectory() as folder, Sandbox(STILL) as sandbox:
        world = World(sandbox, Path(folder))
        plan = world.plan(desired)
        assert not plan.blocked
        shown = {one.address: one for one in plan.changes}
        change(sandbox.world)

        with suppress(PlanStale, InvalidFiles):
            world.apply(desired, approve=approving(plan, desired, mode))

        sent = reaches(sandbox)
        assert sent.keys() in (set(), set(shown))
        assert change is not _leave or sent
        for name, real in sent.items():
            one = shown[Address(name)]
            limit = most_people(one, mode)
            assert is_what_was_shown(real, shown_in(one), int(min(limit, 1e9))), (name, real, shown_in(one))


@QUICKLY
@given(st.lists(st.sampled_from(sorted(CAMPAIGNS)), min_size=1, unique=True), st.sampled_from(CHANGES))
def test_what_changes_afterwards_is_drift(addresses: list[str], change: Callable[[sandbox_world.World], None]) -> None:
    """After the create, other words, another number and many more people are reported, and nothing else is."""
    desired = [CAMPAIGNS[address] for address in addresses]
    with tempfile.TemporaryDirectory() as folder, Sandbox(STILL) as sandbox:
        world = World(sandbox, Path(folder))
        world.apply(desired)
        before = reaches(sandbox)
        assert drifts(world, desired) == set()
        change(sandbox.world)

        after = reaches(sandbox)
        differing = {name for name, reach in after.items() if differs(before[name], reach, CAMPAIGNS[name].max_people)}

        assert drifts(world, desired) == differing


def differs(before: Reach, after: Reach, limit: int | None) -> bool:
    """Whether people get something else, or many more people do."""
    is_more = after.people > before.people * TOLERATED_SHARE + TOLERATED_PEOPLE
    is_above = limit is not None and after.people > limit
    return replace(before, people=0) != replace(after, people=0) or is_more or is_above


def drifts(world: World, desired: Sequence[Desired]) -> set[str]:
    """Run what `drift` does, and say which campaigns it reports."""
    found: list[Drift] = []

    async def look() -> None:
        async with world.client() as client:
            planner = world.planner(desired, client, Refresh.LIVE)
            snapshot = world.snapshot()
            with suppress(MsgflashApplyError):  # names that mean something else now are errors of their own
                await planner.plan(snapshot)
            audiences = await planner.recount(snapshot)
            found.extend(drift_of(planner.prior, planner.instances, audiences))

    asyncio.run(look())
    return {one.address for one in found}


pytestmark = pytest.mark.slow
