"""The state as one value: every campaign that was created, every create in doubt, and the history."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from msgflash_apply.campaign import Address, Intent, Record, plain_id

HOW_TO_RESTORE: Final = (
    "Restore its last good copy, and leave the journals where they are: the backup kept beside it and the journals "
    "together hold all that was sent.\n"
    "Never delete it, and do not start an empty one: it is the only record of what was sent."
)
"""What to do about a damaged state, whatever the damage."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """
    The state as one value.

    Attributes:
        lineage: UUID given at `init`; two states with different ones have nothing to do with each other.
        serial: of the document; grows with every commit, by one unless a state ahead of it was pushed.
        environment: whose state it is.
        campaigns: what was created and is not forgotten.
        in_doubt: creates that were announced and whose outcome is not known. An address may be in `campaigns` too:
            that record is the one being replaced.
        history: forgotten and removed records, oldest first.
        journal: id of the journal folded in last; None before the first.
        moved: URL of the place where the live state is; None in the live one itself. See `migrate.py`.
    """

    lineage: str
    serial: int
    environment: str
    campaigns: Mapping[Address, Record]
    in_doubt: Mapping[Address, Intent]
    history: Mapping[Address, tuple[Record, ...]]
    journal: str | None = None
    moved: str | None = None

    def records(self, *, in_history: bool = True) -> Iterator[tuple[Address, Record]]:
        """Give every record with its address; those of the history last."""
        yield from self.campaigns.items()
        if in_history:
            yield from ((address, record) for address, records in self.history.items() for record in records)

    def ids(self, *, in_history: bool = True) -> Iterator[tuple[str, Address]]:
        """Give every campaign id that is on record, former ones included, as `plain_id` spells it, with its address."""
        for address, record in self.records(in_history=in_history):
            for identifier in (record.id, *record.former_ids):
                yield plain_id(identifier), address
