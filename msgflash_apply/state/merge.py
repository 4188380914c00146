"""
Merge what a run did into a document that somebody else replaced meanwhile, losing no campaign of either side.

Needed only when the rules failed: a state restored, pushed or checked out under a run that is at work. Pure.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from msgflash_apply.campaign import Address, Intent, Record
from msgflash_apply.state.replay import Draft, Slot


def merge_into(theirs: Draft, *, base: Draft, ours: Draft, touched: Iterable[Address]) -> list[str]:
    """
    Merge the addresses that a run touched into `theirs`, one by one; see `merge`.

    Returns:
        What a person should look at: the addresses that both sides changed.
    """
    warnings: list[str] = []
    for address in sorted(touched):
        sides = base.slot(address), ours.slot(address), theirs.slot(address)
        theirs.put({address: merge(*sides)})
        warnings += _warn(address, *sides)
    return warnings


def merge(base: Slot, ours: Slot, theirs: Slot) -> Slot:
    """
    Merge one address: the side that changed wins; where both did, whatever is cautious.

    Args:
        base: as this run found it.
        ours: as this run left it.
        theirs: as it stands in the document now.

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


def _warn(address: Address, base: Slot, ours: Slot, theirs: Slot) -> Iterator[str]:
    if base in (ours, theirs) or ours == theirs:
        return
    if ours.record and theirs.record and ours.record.id != theirs.record.id:
        yield (
            f"{address}: two campaigns were created, {theirs.record.id} and {ours.record.id}. "
            "The later one is on record, the other one among its former ids: pause one of them on MsgFlash."
        )
    else:
        yield f"{address}: somebody else changed its record during this run; what both did was kept as far as can be."


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
