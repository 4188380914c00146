"""
Drift: what changed on MsgFlash since the last run, by comparing the record with what a live refresh read. Pure.

That a campaign starts, or comes to its end, is no drift: it was sent to do so (reference 5.9). Everything else is:
paused, resumed or cancelled in the console, failed, out of quota, gone.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from msgflash_apply.campaign import Address, Status
from msgflash_apply.plan.refresh import RemoteStatus
from msgflash_apply.state.snapshot import Snapshot

_EXPECTED_NEXT: Mapping[str, frozenset[str]] = {
    Status.SCHEDULED: frozenset({Status.RUNNING, Status.COMPLETED}),
    Status.RUNNING: frozenset({Status.COMPLETED}),
    Status.PAUSED_QUOTA: frozenset({Status.SCHEDULED, Status.RUNNING, Status.COMPLETED}),
    Status.PAUSED_PLAN: frozenset({Status.SCHEDULED, Status.RUNNING, Status.COMPLETED}),
}


@dataclass(frozen=True, slots=True)
class Drift:
    """
    One campaign that is not as the record has it.

    Attributes:
        address: the campaign.
        id: on MsgFlash.
        recorded: its status as the last run left it.
        found: its status now; None where it is gone.
    """

    address: Address
    id: str
    recorded: str
    found: str | None


def drift_of(snapshot: Snapshot, readings: Mapping[str, RemoteStatus | None]) -> tuple[Drift, ...]:
    """
    Compare the record with what was read, sorted by address.

    Args:
        snapshot: as the last run left it.
        readings: by campaign id, None for one that is gone; a campaign that was not read has not drifted.
    """
    found = []
    for address, record in sorted(snapshot.campaigns.items()):
        if record.id not in readings:
            continue
        reading = readings[record.id]
        if reading is None:
            found.append(Drift(address, record.id, record.status, None))
        elif reading.status != record.status and reading.status not in _EXPECTED_NEXT.get(record.status, frozenset()):
            found.append(Drift(address, record.id, record.status, reading.status))
    return tuple(found)
