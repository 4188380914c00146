"""Delivery progress: live counters of the campaigns on record. Changes nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from msgflash_apply.api.client import Client
from msgflash_apply.api.models import CampaignStats
from msgflash_apply.campaign import TERMINAL, Address, Intent, Record
from msgflash_apply.errors import MsgflashApplyError
from msgflash_apply.plan.refresh import read_concurrently
from msgflash_apply.state.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class CampaignStatus:
    """
    One campaign as it is now.

    Attributes:
        address: the campaign.
        record: as the state has it.
        stats: as MsgFlash counts; None where the campaign is gone.
    """

    address: Address
    record: Record
    stats: CampaignStats | None


@dataclass(frozen=True, slots=True)
class StatusReport:
    """Campaigns by address, and what is in doubt."""

    campaigns: tuple[CampaignStatus, ...]
    in_doubt: Mapping[Address, Intent]


async def read_status(snapshot: Snapshot, client: Client, addresses: Sequence[Address] = ()) -> StatusReport:
    """
    Read the counters of some campaigns, one request each.

    Args:
        snapshot: the state.
        client: MsgFlash.
        addresses: which; none means every campaign that was not over when it was last read.

    Raises:
        MsgflashApplyError: the state knows nothing at an address.
        ApiError: MsgFlash could not be asked.
    """
    for address in addresses:
        if address not in snapshot.campaigns and address not in snapshot.in_doubt:
            raise MsgflashApplyError(f"The state has no campaign {address}.", "", "See: msgflash-apply state list")
    records = {
        address: record
        for address, record in sorted(snapshot.campaigns.items())
        if (address in addresses if addresses else record.status not in TERMINAL)
    }
    stats = await read_concurrently(client.campaign_stats, (record.id for record in records.values()))
    campaigns = tuple(CampaignStatus(address, record, stats[record.id]) for address, record in records.items())
    in_doubt = {a: intent for a, intent in sorted(snapshot.in_doubt.items()) if not addresses or a in addresses}
    return StatusReport(campaigns, in_doubt)
