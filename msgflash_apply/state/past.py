"""Campaigns that a state manages no more: replaced, forgotten or removed. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from msgflash_apply.campaign import Address, Record
from msgflash_apply.state.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Past:
    """
    One campaign of the past.

    Attributes:
        address: where it stood last.
        id: on MsgFlash.
        record: what is known of it; None for a replaced one, of which the id alone is kept.
        replaced_by: id of the campaign that took its place; None for one that was forgotten or removed.
    """

    address: Address
    id: str
    record: Record | None
    replaced_by: str | None


def past_of(snapshot: Snapshot) -> tuple[Past, ...]:
    """List what a state knows of the past, sorted by address; at one address the oldest first."""
    found: list[Past] = []
    for address in sorted(snapshot.campaigns.keys() | snapshot.history.keys()):
        for record in snapshot.history.get(address, ()):
            found += [*_replaced(address, record), Past(address, record.id, record, None)]
        if address in snapshot.campaigns:
            found += _replaced(address, snapshot.campaigns[address])
    return tuple(found)


def _replaced(address: Address, record: Record) -> Iterator[Past]:
    successors = (*record.former_ids[1:], record.id)
    for former, successor in zip(record.former_ids, successors, strict=False):
        yield Past(address, former, None, successor)
