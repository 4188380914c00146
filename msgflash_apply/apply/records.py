"""What a plan writes down without a request: moves, forgotten ones, statuses that were read, descriptions. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from msgflash_apply.apply.result import Result
from msgflash_apply.campaign import UNKNOWN, Address, Facts, Record, Seen
from msgflash_apply.findings import Code, Diagnostic, Severity
from msgflash_apply.plan.lookup import path_of
from msgflash_apply.plan.plan import Action, Change, Plan, finding
from msgflash_apply.state.journal import Approved, Bound, Described, Entry, Forgotten, Kept, Moved, Observed, Restored
from msgflash_apply.state.snapshot import Snapshot

BACK_WITHOUT_RESUME: Final = frozenset({Action.NO_OP, Action.MOVE, Action.PAUSE, Action.ACCEPT})
DESCRIBED: Final = BACK_WITHOUT_RESUME | {Action.RESUME}
"""What keeps the campaign that was sent; a create or replace brings its own description."""


def entries_without_requests(plan: Plan, before: Snapshot, now: datetime) -> Mapping[Address, tuple[Entry, ...]]:
    """
    Give, by address, the entries that need no request, in the order in which they must be written.

    They are written before anything else, so that everything after it finds each record at its own address. A blocked
    campaign moves as well: its address must be free for the one that takes its place.

    Args:
        plan: of this run.
        before: the state as it was when the run began.
        now: the time that the entries carry.
    """
    entries = {}
    for change in in_order_of_moves(plan.changes):
        record = record_before(before, change)
        wanted: list[Entry] = []
        if change.previous_address is not None:
            wanted.append(Moved(change.previous_address, change.address))
        if record is not None and change.action is not Action.BLOCKED:
            wanted += _changes_of(record, change, now)
        if change.action is Action.FORGET:
            wanted.append(Forgotten(change.address, now))
        if wanted:
            entries[change.address] = tuple(wanted)
    return entries


def refusals(results: Iterable[tuple[Change, Result]]) -> tuple[Diagnostic, ...]:
    """Say what MsgFlash refused at the fields that it is about, once per cause."""
    causes: dict[tuple[str, str], list[Change]] = {}
    for change, result in results:
        for cause in result.refused:
            causes.setdefault(cause, []).append(change)
    found = []
    for (path, said), changes in causes.items():
        others = f"; {len(changes)} campaigns were refused for it" if len(changes) > 1 else ""
        message, place = f"MsgFlash: {f'{path} {said}'.strip()}{others}", path_of(changes[0], path)
        found.append(finding(Severity.ERROR, Code.REFUSED, changes[0], message, None, place))
    return tuple(found)


def record_before(before: Snapshot, change: Change) -> Record | None:
    """Look up the record of a change as it was when the run began, at the address it had then."""
    return before.campaigns.get(change.previous_address or change.address)


def in_order_of_moves(changes: Sequence[Change]) -> Iterator[Change]:
    """Put what leaves an address before what takes it; such chains are never closed (`renames.py`)."""
    leaving = {change.previous_address: change for change in changes if change.previous_address is not None}
    given: set[Address] = set()
    for change in changes:
        chain: list[Change] = []
        following: Change | None = change
        while following is not None and following.address not in given:
            given.add(following.address)
            chain.append(following)
            following = leaving.get(following.address)
        yield from reversed(chain)


def _changes_of(record: Record, change: Change, now: datetime) -> Iterator[Entry]:
    status = change.status or record.status
    if status != UNKNOWN and (status != record.status or record.is_unsettled):
        yield Observed(change.address, status, now)
    if record.retired and change.source is not None and change.action in BACK_WITHOUT_RESUME:
        yield Restored(change.address, now, status)
    if change.action not in DESCRIBED:
        return
    facts = record.facts
    if change.source is not None:
        facts = replace(
            facts,
            names=dict(change.names),
            file=change.source.file,
            timezone=change.timezone,
            on_remove=change.lifecycle.on_remove,
            labels=dict(change.labels),
            line=change.source.line,
        )
    is_approved = change.action in {Action.RESUME, Action.ACCEPT}
    if (change.instance or change.template) and (is_approved or facts.seen is None):
        facts = replace(facts, seen=_seen_now(change, facts))
    if replace(facts, line=record.facts.line) != record.facts:  # another line alone is no reason to write
        yield Described(change.address, facts)


def _seen_now(change: Change, facts: Facts) -> Seen:
    """What is approved of a campaign that exists; how many people it is for was counted when it was created."""
    counted = change.seen if change.seen.people is not None or facts.seen is None else facts.seen
    return replace(change.seen, people=counted.people)


def entries_of_all(plan: Plan, before: Snapshot, at: datetime) -> tuple[Entry, ...]:
    """Give what is written first: whose server it is, what was approved, and what its templates say."""
    entries: list[Entry] = [] if before.server == plan.server else [Bound(plan.server)]
    contents = {
        template.content.digest: template.content
        for change in plan.changes
        if (template := change.template) is not None and change.action is not Action.BLOCKED
    }
    entries += [Kept(digest, content) for digest, content in contents.items() if digest not in before.contents]
    if not plan.is_empty:
        entries.append(Approved(plan.digest, {c.address: c.action.value for c in plan.effective}, at))
    return tuple(entries)
