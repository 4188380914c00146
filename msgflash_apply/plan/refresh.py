"""Reading campaigns before deciding for good: which ones, and what they are now. Changes nothing."""

import asyncio
from collections.abc import Iterable
from enum import StrEnum

from msgflash_apply.api.client import Client
from msgflash_apply.api.models import RemoteCampaign
from msgflash_apply.campaign import TERMINAL
from msgflash_apply.plan.decide import Reading
from msgflash_apply.plan.plan import Action, Change
from msgflash_apply.state.snapshot import Snapshot

READS_SIDE_BY_SIDE = 16

ACTING = frozenset({Action.PAUSE, Action.RESUME, Action.REPLACE, Action.RETIRE})


class Refresh(StrEnum):
    """Which campaigns a plan reads: those it would act on, every one that is not over, or none."""

    CHANGED = "changed"
    LIVE = "live"
    NONE = "none"


def ids_to_read(refresh: Refresh, changes: Iterable[Change], snapshot: Snapshot) -> set[str]:
    """Select the ids of the campaigns that must be read, given what a first look decided."""
    if refresh is Refresh.NONE:
        return set()
    acting = {change.id for change in changes if change.action in ACTING and change.id is not None}
    if refresh is Refresh.CHANGED:
        return acting
    return acting | {record.id for record in snapshot.campaigns.values() if record.status not in TERMINAL}


async def read(client: Client, identifiers: Iterable[str]) -> dict[str, Reading | None]:
    """Read some campaigns side by side; None for one that is gone."""
    turn = asyncio.Semaphore(READS_SIDE_BY_SIDE)

    async def read_one(identifier: str) -> tuple[str, Reading | None]:
        async with turn:
            return identifier, reading_of(await client.campaign(identifier))

    return dict(await asyncio.gather(*(read_one(identifier) for identifier in sorted(identifiers))))


def reading_of(campaign: RemoteCampaign | None) -> Reading | None:
    """Keep of an answer what the decision table asks about."""
    return None if campaign is None else Reading(campaign.status, campaign.has_sent)
