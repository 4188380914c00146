"""Resolving doubt and watching campaigns, against the sandbox; contract sections 6 and 9."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from msgflash_apply.api.client import LONGEST_REQUEST, Client
from msgflash_apply.campaign import Address, Desired
from msgflash_apply.errors import MsgflashApplyError
from msgflash_apply.operations.resolve import probe, resolve_created, resolve_not_created
from msgflash_apply.operations.status import read_status
from msgflash_apply.sandbox.server import Sandbox
from msgflash_apply.state.backends.base import Holder
from msgflash_apply.state.ledger import Ledger, open_ledger
from msgflash_apply.state.lock import Claim
from tests.support.builders import a_desired, a_payload, an_intent
from tests.support.runs import ENVIRONMENT, LATER, STILL, World
from tests.support.states import a_run

T = TypeVar("T")
DOUBT, PLAIN = Address("doubt"), Address("plain")


def campaign(address: str, **fields: object) -> Desired:
    """Build a campaign to a few people."""
    few = {"recipients": {"type": "tags", "value": ["vip", "paris"]}}
    return a_desired(address, payload=a_payload(name=address, starts_at=LATER, **(few | fields)))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Create `plain`, and lose the answer about `doubt`."""
    with Sandbox(STILL) as sandbox:
        made = World(sandbox, tmp_path)
        made.apply([campaign("plain")])
        sandbox.add_fault("POST /api/v1/campaigns drop_after")
        made.apply([campaign("plain"), campaign("doubt")])
        assert made.snapshot().in_doubt.keys() == {DOUBT}
        yield made


def server_id(world: World, name: str) -> str:
    """Look into the console."""
    return next(str(one["id"]) for one in world.sandbox.campaigns() if one["name"] == name)


def with_client(world: World, call: Callable[[Client], Awaitable[T]]) -> T:
    """Run one call against the sandbox."""

    async def run() -> T:
        async with world.client() as client:
            return await call(client)

    return asyncio.run(run())


def under_lock(world: World, call: Callable[[Ledger, Client], Awaitable[T]]) -> T:
    """Run one call with the lock held, and commit."""
    holder = Holder(str(uuid.uuid4()), "tester", "here", 1, "resolve", world.now())
    with open_ledger(world.backend, Claim(ENVIRONMENT, holder, world.now)) as ledger:
        return with_client(world, lambda client: call(ledger, client))


def say_created(world: World, address: Address, identifier: str) -> None:
    """Resolve as `resolve ADDRESS --created ID` does."""
    under_lock(world, lambda ledger, client: resolve_created(ledger, client, address, identifier, world.now))


def test_the_right_id_ends_the_doubt(world: World) -> None:
    """The campaign that was made is recorded, and the next plan has nothing to do."""
    say_created(world, DOUBT, server_id(world, "doubt"))

    assert world.snapshot().in_doubt == {}
    assert world.plan([campaign("plain"), campaign("doubt")]).is_empty


@pytest.mark.parametrize(("address", "which"), [(DOUBT, "plain"), (PLAIN, "doubt"), (Address("nowhere"), "doubt")])
def test_the_wrong_id_or_address_is_refused(world: World, address: Address, which: str) -> None:
    """Another address's id, and an address that is not in doubt, change nothing."""
    before = world.snapshot()

    with pytest.raises(MsgflashApplyError):
        say_created(world, address, server_id(world, which))

    assert world.snapshot().in_doubt == before.in_doubt


def test_an_unknown_id_is_refused(world: World) -> None:
    """An id that MsgFlash does not know is refused."""
    with pytest.raises(MsgflashApplyError, match="no campaign"):
        say_created(world, DOUBT, str(uuid.uuid4()))


def test_another_campaign_is_refused_with_its_differences(world: World) -> None:
    """A campaign of the same account that is not this one is told apart by its attributes."""
    stranger = with_client(world, lambda client: client.create(campaign("stranger", body="Other").payload))
    assert stranger is not None

    with pytest.raises(MsgflashApplyError, match="body: 'Hello' was sent, it has 'Other'"):
        say_created(world, DOUBT, server_id(world, "stranger"))


def test_another_campaign_is_recorded_after_its_differences(world: World) -> None:
    """A person may take a campaign that was edited: what differs is shown, and the record keeps what was sent."""
    identifier = server_id(world, "doubt")
    shown: list[str] = []
    world.sandbox.world.campaigns[identifier].payload["body"] = "Edited"

    async def accept(ledger: Ledger, client: Client) -> None:
        await resolve_created(
            ledger, client, DOUBT, identifier, world.now, accept=lambda differing: shown.extend(map(str, differing))
        )

    under_lock(world, accept)

    assert len(shown) == 1
    assert "'Edited'" in shown[0]
    assert world.snapshot().campaigns[DOUBT].facts.payload == campaign("doubt").payload


def test_a_repeating_campaign_is_known_after_its_schedule_moved_on(tmp_path: Path) -> None:
    """A weekly campaign whose schedule has moved to the next week is still the one that was announced."""
    with Sandbox(STILL) as sandbox:
        world = World(sandbox, tmp_path)
        sandbox.add_fault("POST /api/v1/campaigns drop_after")
        world.apply([campaign("doubt", repeat="weekly")])
        sandbox.advance(2 * 86400)
        say_created(world, DOUBT, server_id(world, "doubt"))

        assert world.snapshot().in_doubt == {}


def test_not_created_lets_the_next_apply_create_it(world: World) -> None:
    """A person's word that nothing was made opens the way for one more create."""

    async def say_not_created(ledger: Ledger, _client: Client) -> None:
        resolve_not_created(ledger, DOUBT, lambda: world.now() + timedelta(minutes=10))

    under_lock(world, say_not_created)

    assert [change.address for change in world.plan([campaign("plain"), campaign("doubt")]).effective] == [DOUBT]


@pytest.mark.parametrize("is_of_an_earlier_version", [True, False])
def test_not_created_is_refused_while_it_may_arrive(world: World, *, is_of_an_earlier_version: bool) -> None:
    """Until half a minute and the longest request have passed since the announcement, which the refusal says."""
    snapshot = world.snapshot()
    intent = snapshot.in_doubt[DOUBT]
    assert intent.send_before == intent.announced_at + timedelta(seconds=30)
    if is_of_an_earlier_version:
        with a_run(world.backend) as ledger:
            ledger.replace(replace(snapshot, in_doubt={DOUBT: replace(intent, send_before=None)}))
    possible_at = (intent.announced_at + timedelta(seconds=31) + LONGEST_REQUEST).replace(microsecond=0)

    async def say_not_created(ledger: Ledger, _client: Client) -> None:
        with pytest.raises(MsgflashApplyError, match=f"until {possible_at:%Y-%m-%d %H:%M:%S} UTC"):
            resolve_not_created(ledger, DOUBT, lambda: possible_at - timedelta(seconds=1))
        assert ledger.snapshot.in_doubt.keys() == {DOUBT}
        resolve_not_created(ledger, DOUBT, lambda: possible_at)

    under_lock(world, say_not_created)

    assert world.snapshot().in_doubt == {}


def test_probe_before_the_start_is_refused(world: World) -> None:
    """Before its start a campaign has sent nothing to find it by."""
    with pytest.raises(MsgflashApplyError, match="cannot be probed yet"):
        with_client(world, lambda client: probe(world.snapshot(), client, DOUBT, world.now()))


def test_probe_finds_the_campaign_by_its_messages(world: World) -> None:
    """After the start the campaign is found among the messages, and not mistaken for a known or another one."""
    with_client(world, lambda client: client.create(campaign("stranger").payload))
    world.sandbox.advance(2 * 86400)
    found = with_client(world, lambda client: probe(world.snapshot(), client, DOUBT, world.now()))

    assert found.id == server_id(world, "doubt")
    assert found.messages > 0


def test_probe_names_what_is_similar(world: World) -> None:
    """An edited campaign with instance, name and start of the doubt is not taken, but named with what differs."""
    identifier = server_id(world, "doubt")
    world.sandbox.world.campaigns[identifier].payload["body"] = "Edited"
    world.sandbox.advance(2 * 86400)
    found = with_client(world, lambda client: probe(world.snapshot(), client, DOUBT, world.now()))

    assert (found.id, found.others) == (None, 1)
    assert [diff.path for diff in found.similar[identifier]] == ["body"]


def test_probe_skips_what_is_gone(world: World) -> None:
    """A message may name a campaign that MsgFlash does not have any more."""
    world.sandbox.advance(2 * 86400)
    world.sandbox.add_fault("GET /api/v1/campaigns/* 404 times=*")
    found = with_client(world, lambda client: probe(world.snapshot(), client, DOUBT, world.now()))

    assert (found.id, found.others, found.similar) == (None, 1, {})


def test_word_about_another_create_is_refused(world: World) -> None:
    """Who was asked about one create has said nothing about the next one."""

    async def say_not_created(ledger: Ledger, _client: Client) -> None:
        resolve_not_created(ledger, DOUBT, world.now, shown=an_intent("doubt"))

    with pytest.raises(MsgflashApplyError, match="Another create is in doubt"):
        under_lock(world, say_not_created)
    assert world.snapshot().in_doubt.keys() == {DOUBT}


def test_probe_that_finds_nothing_says_so(tmp_path: Path) -> None:
    """A create that never arrived leaves no message, and the probe proves nothing."""
    with Sandbox(STILL) as sandbox:
        world = World(sandbox, tmp_path)
        sandbox.add_fault("POST /api/v1/campaigns drop_before")
        world.apply([campaign("doubt")])
        everybody = campaign("stranger", recipients={"type": "all"})
        with_client(world, lambda client: client.create(everybody.payload))
        sandbox.advance(2 * 86400)
        found = with_client(world, lambda client: probe(world.snapshot(), client, DOUBT, world.now()))

    assert (found.id, found.others) == (None, 1)
    assert found.messages == 120


def test_status_counts_what_is_at_work(world: World) -> None:
    """Every campaign that is not over is read, and what is in doubt is named."""
    world.sandbox.advance(86400 + 30)
    report = with_client(world, lambda client: read_status(world.snapshot(), client))

    assert [(one.address, one.stats and one.stats.status) for one in report.campaigns] == [(PLAIN, "running")]
    assert report.campaigns[0].stats is not None
    assert report.campaigns[0].stats.stats.planned > 0
    assert list(report.in_doubt) == [DOUBT]


def test_status_of_one_address(world: World) -> None:
    """Addresses narrow what is read; one that the state does not know is refused."""
    report = with_client(world, lambda client: read_status(world.snapshot(), client, [DOUBT]))

    assert (report.campaigns, list(report.in_doubt)) == ((), [DOUBT])
    with pytest.raises(MsgflashApplyError, match="no campaign nowhere"):
        with_client(world, lambda client: read_status(world.snapshot(), client, [Address("nowhere")]))
