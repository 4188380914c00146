"""
The prior state: what the last run left, brought up to date by what MsgFlash says now. Changes nothing.

A plan reads only the campaigns on which it would act, unless `--refresh` asks for more or less; contract section 7,
"Reads".
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from msgflash_apply.api.client import Client
from msgflash_apply.campaign import TEMPLATE, TERMINAL, UNKNOWN, Address, Content, Facts, Payload, Record, plain_id_in
from msgflash_apply.plan.plan import Action, Change, UsedTemplate
from msgflash_apply.state.snapshot import Snapshot

CONCURRENT_READS = 16

ACTING = frozenset({Action.PAUSE, Action.RESUME, Action.REPLACE, Action.RETIRE})
"""Actions on a campaign that exists: its status must be known when they are decided."""

Read = TypeVar("Read")


class Refresh(StrEnum):
    """Which campaigns a plan reads: those it would act on, every one that is not over, or none."""

    CHANGED = "changed"
    LIVE = "live"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class RemoteStatus:
    """A campaign as MsgFlash has it right now: its status, and whether anyone may have been sent anything."""

    status: str
    has_sent: bool = False


@dataclass(frozen=True, slots=True)
class PriorState:
    """
    The state as the last run left it, and what was read since.

    Attributes:
        snapshot: as the last run left it.
        readings: by campaign id; None for one that is gone on the server, absent for one that was not read.
        templates: of MsgFlash, by id; None for one that does not exist, absent for one that was not asked for. One that
            this plan changes says what it will say.
        made: templates of the repo by address, as campaigns will send them.
        in_place: ids of those that this plan changes, and with them what campaigns say.
    """

    snapshot: Snapshot
    readings: Mapping[str, RemoteStatus | None] = field(default_factory=dict)
    templates: Mapping[str, UsedTemplate | None] = field(default_factory=dict)
    made: Mapping[Address, UsedTemplate] = field(default_factory=dict)
    in_place: frozenset[str] = frozenset()

    def template(self, payload: Payload, address: Address | None = None) -> UsedTemplate | None:
        """
        What a campaign sends in template mode; None in direct mode, and where it is not known.

        Args:
            payload: of the campaign.
            address: of the template of the repo that it sends, which may have no id yet.
        """
        identifier = plain_id_in(payload, TEMPLATE)
        if not identifier and address is not None:
            return self.made.get(address)
        return self.templates.get(identifier)

    def is_changed_here(self, facts: Facts) -> bool:
        """Whether the plan itself changes what the template of a campaign says."""
        return plain_id_in(facts.payload, TEMPLATE) in self.in_place

    def approved_content(self, facts: Facts) -> Content | None:
        """What the template of a campaign said when it was approved; None where that is not on record."""
        return self.snapshot.contents.get((facts.seen and facts.seen.content) or "")

    def is_edited(self, facts: Facts) -> bool:
        """Whether the template of a campaign says something else than when it was approved."""
        approved = facts.seen and facts.seen.content
        template = self.template(facts.payload) if approved else None
        return template is not None and template.content.digest != approved

    def is_gone(self, record: Record) -> bool:
        """Whether MsgFlash answered that there is no such campaign."""
        return record.id in self.readings and self.readings[record.id] is None

    def status(self, record: Record) -> str:
        """Return the status as last known; `UNKNOWN` where something was sent since, and nothing was read."""
        reading = self.readings.get(record.id)
        if reading is None:
            return UNKNOWN if record.is_unsettled else record.status
        return reading.status

    def has_sent(self, record: Record) -> bool:
        """Whether a reading says that anyone may have been sent anything."""
        reading = self.readings.get(record.id)
        return reading is not None and reading.has_sent


def ids_to_read(refresh: Refresh, changes: Iterable[Change], snapshot: Snapshot) -> set[str]:
    """Select the ids of the campaigns that must be read, given what was decided from the state alone."""
    unsettled = {record.id for record in snapshot.campaigns.values() if record.is_unsettled}
    if refresh is Refresh.NONE:
        return unsettled
    acting = {change.id for change in changes if change.action in ACTING and change.id is not None}
    if refresh is Refresh.CHANGED:
        return acting | unsettled
    return acting | unsettled | {record.id for record in snapshot.campaigns.values() if record.status not in TERMINAL}


async def read_campaigns(client: Client, identifiers: Iterable[str]) -> dict[str, RemoteStatus | None]:
    """
    Read the status of some campaigns; None for one that is gone.

    One that is not found is looked for again: taken for gone by mistake, it would be created anew, and sent twice.
    """
    found = await read_concurrently(client.campaign, sorted(identifiers))
    readings = {
        identifier: None if campaign is None else RemoteStatus(campaign.status, campaign.has_sent)
        for identifier, campaign in found.items()
    }
    if absent := [identifier for identifier, reading in readings.items() if reading is None]:
        for identifier, stats in (await client.second_look(absent)).items():
            if stats is not None:
                readings[identifier] = RemoteStatus(stats.status, stats.stats.is_moving)
    return readings


async def read_concurrently(read: Callable[[str], Awaitable[Read]], identifiers: Iterable[str]) -> dict[str, Read]:
    """Call `read` for each id, a few at a time; what it returned, by id and in their order."""
    free_slots = asyncio.Semaphore(CONCURRENT_READS)

    async def read_one(identifier: str) -> tuple[str, Read]:
        async with free_slots:
            return identifier, await read(identifier)

    return dict(await asyncio.gather(*(read_one(identifier) for identifier in identifiers)))
