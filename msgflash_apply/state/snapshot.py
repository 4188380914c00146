"""The state as one value: every campaign that was created, every create in doubt, and the history."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from msgflash_apply.campaign import Address, Content, Facts, Intent, Record, plain_id
from msgflash_apply.template import TemplateRecord

HOW_TO_RESTORE: Final = (
    "Restore its last good copy, and leave the journals where they are: the backup kept beside it and the journals "
    "together hold all that was sent.\n"
    "Never delete it, and do not start an empty one: it is the only record of what was sent."
)
"""What to do about a damaged state, whatever the damage."""

INIT: Final = "init"
"""In `Snapshot.runs` where `init` looked at the account, and found no other state or was to make another one."""

MOST_RUNS: Final = 1000
"""That a state remembers."""


@dataclass(frozen=True, slots=True)
class LastApproval:
    """The plan that was carried out last, or begun: its digest, what it does by address, and since when."""

    digest: str
    changes: Mapping[Address, str]
    at: datetime


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
        server: origin of the MsgFlash that its campaigns are on; None until an apply fills it in.
        contents: what the templates of its campaigns said when they were approved, and those of the repo, by digest;
            each once.
        approved: the plan that was carried out last; None before the first.
        runs: that wrote the account's marker of this state, or were about to; the latest last. See `plan/marker.py`.
        templates: of the repo, as far as MsgFlash has them by this state.
    """

    lineage: str
    serial: int
    environment: str
    campaigns: Mapping[Address, Record]
    in_doubt: Mapping[Address, Intent]
    history: Mapping[Address, tuple[Record, ...]]
    journal: str | None = None
    moved: str | None = None
    server: str | None = None
    contents: Mapping[str, Content] = field(default_factory=dict)
    approved: LastApproval | None = None
    runs: tuple[str, ...] = ()
    templates: Mapping[Address, TemplateRecord] = field(default_factory=dict)

    @property
    def is_bound(self) -> bool:
        """Whether it has anything that belongs to one server."""
        return bool(self.campaigns or self.in_doubt or self.history or self.templates)

    def facts(self) -> Iterator[Facts]:
        """Give the facts of everything that was sent, or may have been."""
        for _, record in self.records():
            yield record.facts
        for intent in self.in_doubt.values():
            yield intent.facts

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


NO_STATE: Final = Snapshot("", 0, "", campaigns={}, in_doubt={}, history={})
"""For a preview that compares with nothing."""
