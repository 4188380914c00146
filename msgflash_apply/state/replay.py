"""
Replay: what each journal entry does to the state. Pure: no I/O, no clock.

The state is one `Slot` per address, and an entry changes the slot of its address (`Moved`: of two addresses):

| Entry | Needs | Does |
|---|---|---|
| Opened | to be the first; lineage and environment of this state, a serial not ahead of it | nothing |
| Intended | no open intent | opens the intent: in doubt |
| Created | an open intent | closes it; the new record keeps the id of the one it replaces in `former_ids` |
| NotCreated | an open intent | closes it |
| Announced | a record | its status is unknown, until one of the next three |
| Observed | a record | status and time of reading |
| Retired, Restored | a record | the same, and whether it is retired |
| Described | a record | file, names, time zone, on_remove and labels; the payload stays as sent |
| Forgotten | a record | moves the record to the history |
| Removed | a record, no open intent | the same, because a person said so |
| Adopted | neither record nor open intent | the record is there, behind the history that is there |
| Moved | something at `previous`, nothing at `address` | moves record, intent and history |
| Kept, Bound, Approved | nothing | the contents have it; the state is of this server; this plan was begun last |
| Templated | nothing | that is known of the template now |

An entry that does not find what it needs is damage: it was written for another state than this one.

`merge_into` brings what a run did into a document that was replaced meanwhile, and loses no campaign of either side. It
is needed only when the rules failed: a state was restored, pushed or checked out under a run that is at work.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias, TypeVar

from msgflash_apply.campaign import Address, Intent, Record, Status
from msgflash_apply.errors import StateDamaged
from msgflash_apply.state.journal import (
    Adopted,
    Announced,
    Approved,
    Bound,
    Created,
    Described,
    Entry,
    Forgotten,
    Intended,
    Kept,
    Marked,
    Moved,
    NotCreated,
    Observed,
    OfAll,
    Opened,
    Removed,
    Restored,
    Retired,
    Templated,
)
from msgflash_apply.state.snapshot import HOW_TO_RESTORE, MOST_RUNS, LastApproval, Snapshot


@dataclass(frozen=True, slots=True)
class Slot:
    """All that the state knows of one address; see `Snapshot` for the parts."""

    record: Record | None = None
    intent: Intent | None = None
    history: tuple[Record, ...] = ()

    @property
    def is_taken(self) -> bool:
        """Whether there is a campaign, or may be one."""
        return self.record is not None or self.intent is not None


_VACANT = Slot()

_Part = TypeVar("_Part")

_Slots: TypeAlias = Mapping[Address, Slot]

_IntentEntry: TypeAlias = Intended | Created | NotCreated

_OfOne: TypeAlias = "Opened | Moved | Adopted | _IntentEntry | _RecordEntry"

_RecordEntry: TypeAlias = Announced | Observed | Retired | Restored | Described | Forgotten | Removed


class Draft:
    """
    A state being written: takes entries one by one, each at the same cost however many campaigns there are.

    Not a value: `snapshot` gives one.
    """

    def __init__(self, base: Snapshot) -> None:
        self._base = base
        self._campaigns = dict(base.campaigns)
        self._in_doubt = dict(base.in_doubt)
        self._history = dict(base.history)
        self._contents = dict(base.contents)
        self._server = base.server
        self._approved = base.approved
        self._runs = base.runs
        self._templates = dict(base.templates)

    def slot(self, address: Address) -> Slot:
        """What is at an address; an empty slot where nothing is."""
        return Slot(self._campaigns.get(address), self._in_doubt.get(address), self._history.get(address, ()))

    def preview(self, entries: Iterable[Entry]) -> dict[Address, Slot]:
        """
        Say which slots the entries would change and how, and change nothing.

        Raises:
            StateDamaged: an entry does not find what it needs.
        """
        changed: dict[Address, Slot] = {}

        def look(address: Address) -> Slot:
            return changed.get(address) or self.slot(address)

        for entry in entries:
            if not isinstance(entry, OfAll):
                changed |= _step(entry, look)
        return changed

    def put(self, slots: _Slots) -> None:
        """Replace the slots of some addresses."""
        for address, slot in slots.items():
            _put(self._campaigns, address, slot.record)
            _put(self._in_doubt, address, slot.intent)
            _put(self._history, address, slot.history or None)

    def keep(self, entries: Iterable[Entry]) -> None:
        """Take in what is said of no campaign."""
        for entry in entries:
            if isinstance(entry, Kept):
                self._contents[entry.digest] = entry.content
            elif isinstance(entry, Bound):
                self._server = entry.server
            elif isinstance(entry, Approved):
                self._approved = LastApproval(entry.digest, entry.changes, entry.at)
            elif isinstance(entry, Marked):
                self._add_runs(entry.run)
            elif isinstance(entry, Templated):
                _put(self._templates, entry.address, entry.record)

    def keep_of(self, other: Snapshot) -> None:
        """Take in the same of another state, where this one lacks it; of two approvals the later one."""
        self._contents = {**other.contents, **self._contents}
        self._server = self._server or other.server
        both = [one for one in (self._approved, other.approved) if one is not None]
        self._approved = max(both, key=lambda one: one.at, default=None)
        self._add_runs(*other.runs)
        for address, record in other.templates.items():
            mine = self._templates.get(address, record)
            versions = {version.id: version for version in (*record.versions, *mine.versions)}
            effects = dict.fromkeys((*record.effects, *mine.effects))
            self._templates[address] = replace(mine, versions=tuple(versions.values()), effects=tuple(effects))

    def _add_runs(self, *runs: str) -> None:
        self._runs = tuple(dict.fromkeys([*self._runs, *runs]))[-MOST_RUNS:]

    def snapshot(self) -> Snapshot:
        """A copy of the state as it is now, with the serial and journal of its base; contents in use alone."""
        snapshot = replace(
            self._base,
            campaigns=dict(self._campaigns),
            in_doubt=dict(self._in_doubt),
            history=dict(self._history),
            server=self._server,
            approved=self._approved,
            runs=self._runs,
            templates=dict(self._templates),
        )
        used = {facts.seen.content for facts in snapshot.facts() if facts.seen is not None} if self._contents else set()
        for record in self._templates.values():
            used |= {version.content for version in record.versions} | {effect.content for effect in record.effects}
        return replace(snapshot, contents={key: self._contents[key] for key in sorted(self._contents) if key in used})


def fold(snapshot: Snapshot, entries: Iterable[Entry]) -> Snapshot:
    """
    Replay a journal over the snapshot it was written on. The serial does not move: that is the ledger's to do.

    Raises:
        StateDamaged: the journal belongs to another state, or was folded already.
    """
    draft = Draft(snapshot)
    match tuple(entries):
        case (Opened() as head, *rest):
            _check_head(head, snapshot)
        case all_:
            rest = list(all_)
    draft.put(draft.preview(rest))
    draft.keep(rest)
    return draft.snapshot()


def _put(values: dict[Address, _Part], address: Address, value: _Part | None) -> None:
    if value is None:
        values.pop(address, None)
    else:
        values[address] = value


def _step(entry: _OfOne, look: Callable[[Address], Slot]) -> dict[Address, Slot]:
    match entry:
        case Opened():
            raise _misfit(f"journal {entry.journal} begins in the middle of another one")
        case Moved():
            source, target = look(entry.previous), look(entry.address)
            if not source.is_taken:
                raise _misfit(f"there is nothing at {entry.previous}, from where {entry.address} was moved")
            if target.is_taken:
                raise _misfit(f"{entry.address} is taken, so {entry.previous} cannot have moved there")
            return {entry.previous: _VACANT, entry.address: replace(source, history=target.history + source.history)}
        case Adopted():
            slot = look(entry.address)
            if slot.is_taken:
                raise _misfit(f"{entry.address} is taken, so {entry.record.id} cannot have been adopted there")
            return {entry.address: replace(slot, record=entry.record)}
        case Intended() | Created() | NotCreated():
            return {entry.address: _about_intent(entry, look(entry.address))}
        case _:
            return {entry.address: _about_record(entry, look(entry.address))}


def _check_head(head: Opened, base: Snapshot) -> None:
    if (head.lineage, head.environment) != (base.lineage, base.environment):
        raise _misfit(
            f"journal {head.journal} is of lineage {head.lineage}, environment {head.environment!r}; "
            f"the state is of lineage {base.lineage}, environment {base.environment!r}",
        )
    if head.serial > base.serial:
        raise _misfit(
            f"journal {head.journal} began at serial {head.serial}, and the state is back at {base.serial}: "
            "it was replaced by an older copy",
        )


def _about_intent(entry: _IntentEntry, slot: Slot) -> Slot:
    if isinstance(entry, Intended):
        if slot.intent is not None:
            raise _misfit(f"{entry.address}: a create was announced while another one was in doubt")
        return replace(slot, intent=entry.intent)
    if slot.intent is None:
        raise _misfit(f"{entry.address}: a create has an outcome ({entry.kind}) and was never announced")
    if isinstance(entry, NotCreated):
        return replace(slot, intent=None)
    created = Record(
        id=entry.id,
        status=entry.status,
        read_at=entry.at,
        created_at=entry.at,
        facts=slot.intent.facts,
        former_ids=(*slot.record.former_ids, slot.record.id) if slot.record else (),
        differs=entry.differs,
    )
    return replace(slot, record=created, intent=None)


def _about_record(entry: _RecordEntry, slot: Slot) -> Slot:
    record = slot.record
    if record is None:
        raise _misfit(f"{entry.address}: there is no campaign that could be {entry.kind}")
    match entry:
        case Announced():
            after = replace(slot, record=replace(record, effect=entry.effect))
        case Observed():
            # The one that is replaced is paused, and waits for the new one.
            waits = record.effect == "replace" and entry.status == Status.PAUSED
            seen = replace(record, status=entry.status, read_at=entry.at, effect=record.effect if waits else None)
            after = replace(slot, record=seen)
        case Retired() | Restored():
            retired = isinstance(entry, Retired)
            settled = replace(record, status=entry.status, read_at=entry.at, retired=retired, effect=None)
            after = replace(slot, record=settled)
        case Described():
            sent = record.facts
            facts = replace(entry.facts, payload=sent.payload, fingerprint=sent.fingerprint)
            after = replace(slot, record=replace(record, facts=facts))
        case _:
            if isinstance(entry, Removed) and slot.intent is not None:
                raise _misfit(f"{entry.address}: it was removed while a create was in doubt")
            after = replace(slot, record=None, history=(*slot.history, record))
    return after


def _misfit(what: str) -> StateDamaged:
    return StateDamaged("A journal does not fit the state.", f"{what}.", HOW_TO_RESTORE)


def merge_into(theirs: Draft, *, base: Draft, ours: Draft, touched: Iterable[Address]) -> list[str]:
    """
    Merge the addresses that a run touched into `theirs`, one by one; see `merge`.

    Returns:
        What a person should look at: the addresses that both sides changed.
    """
    warnings: list[str] = []
    theirs.keep_of(ours.snapshot())
    for address in sorted(touched):
        before, mine, others = base.slot(address), ours.slot(address), theirs.slot(address)
        theirs.put({address: merge(before, mine, others)})
        if before in (mine, others) or mine == others:
            continue
        if mine.record and others.record and mine.record.id != others.record.id:
            warnings.append(
                f"{address}: two campaigns were created, {others.record.id} and {mine.record.id}. "
                "The later one is on record, the other one among its former ids: pause one of them on MsgFlash."
            )
        else:
            warnings.append(
                f"{address}: another run changed its record during this run; both changes were kept as far as possible."
            )
    return warnings


def merge(base: Slot, ours: Slot, theirs: Slot) -> Slot:
    """
    Merge one address: the side that changed wins; where both did, whatever is cautious.

    Args:
        base: as this run found it.
        ours: as this run left it.
        theirs: as it is in the document now.

    Returns:
        Of two campaigns the one created later as the record, the other among its former ids. A create in doubt on
        either side stays in doubt.
    """
    if theirs == base:
        return ours
    if ours in (base, theirs):
        return theirs
    return Slot(
        record=_merge_records(ours.record, theirs.record),
        intent=_merge_intents(base.intent, ours.intent, theirs.intent),
        history=theirs.history + tuple(record for record in ours.history if record not in theirs.history),
    )


def _merge_records(ours: Record | None, theirs: Record | None) -> Record | None:
    if ours is None or theirs is None:
        return ours or theirs
    former, later = sorted((theirs, ours), key=lambda record: (record.created_at, record.read_at))
    ids = dict.fromkeys((*former.former_ids, *later.former_ids, former.id))
    ids.pop(later.id, None)
    return replace(later, former_ids=tuple(ids))


def _merge_intents(base: Intent | None, ours: Intent | None, theirs: Intent | None) -> Intent | None:
    if theirs == base:
        return ours
    if ours == base:
        return theirs
    return ours or theirs
