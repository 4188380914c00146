"""
Putting the record right by hand: moving what stands at an address, taking it out, and breaking a lock.

Each edit looks before it writes, so that a person is told in their own words what a journal would only call damage.
"""

import errno
import os
from datetime import datetime
from difflib import get_close_matches

from msgflash_apply.campaign import Address, Record
from msgflash_apply.errors import StateConflict, StateError, StateLocked
from msgflash_apply.state.backends.base import Backend, Holder, not_the_lock
from msgflash_apply.state.journal import Moved, Removed
from msgflash_apply.state.ledger import Ledger
from msgflash_apply.state.replay import Slot
from msgflash_apply.state.snapshot import Snapshot

SEE_LIST = "See: msgflash-apply state list"


def move(ledger: Ledger, previous: Address, address: Address) -> Slot:
    """
    Move record, doubt and history to another address; history that is there already stays in front.

    Returns:
        What stood at `previous`.

    Raises:
        StateError: nothing stands at `previous`, or something at `address`.
    """
    source, target = ledger.slot(previous), ledger.slot(address)
    if not source.is_taken:
        raise unknown(ledger.snapshot, previous)
    if target.is_taken:
        found = f"campaign {target.record.id}" if target.record else "a create in doubt"
        raise StateError(f"{address} is taken.", f"There is {found}; {previous} stays where it is.", SEE_LIST)
    ledger.append(Moved(previous, address))
    return source


def removable(snapshot: Snapshot, address: Address) -> Record:
    """
    Look up the record that `remove` would take out.

    Raises:
        StateError: there is none, or a create of this address is in doubt.
    """
    if address in snapshot.in_doubt:
        raise StateError(
            f"{address} is in doubt.",
            "A create was sent, and nobody knows whether it arrived. Removed, it would be sent again.",
            f"Say first how it ended:\n    msgflash-apply resolve '{address}' (--created ID | --not-created | --probe)",
        )
    if address not in snapshot.campaigns:
        raise unknown(snapshot, address)
    return snapshot.campaigns[address]


def remove(ledger: Ledger, address: Address, seen: Record, at: datetime) -> None:
    """
    Take a record out of the campaigns, into the history.

    Args:
        ledger: of this run.
        address: where it stands.
        seen: the record that a person agreed to remove.
        at: now.

    Raises:
        StateError: as for `removable`.
        StateConflict: another campaign stands there by now.
    """
    found = removable(ledger.snapshot, address)
    if found.id != seen.id:
        raise StateConflict(
            "The state moved on.",
            f"{address}: it was campaign {seen.id}, and is {found.id} now. Nothing was removed.",
            "Look at it again, and decide anew.",
        )
    ledger.append(Removed(address, at))


def unknown(snapshot: Snapshot, address: Address) -> StateError:
    """Say that nothing stands at an address, and what was probably meant."""
    if address in snapshot.history:
        hint = f"It is in the history:\n    msgflash-apply state history '{address}'"
    else:
        near = get_close_matches(address, sorted({*snapshot.campaigns, *snapshot.in_doubt}), n=3)
        hint = f"Near it: {', '.join(near)}." if near else SEE_LIST
    return StateError(f"The state has no campaign {address}.", "", hint)


def break_lock(backend: Backend, lock_id: str, *, by: Holder, force: bool) -> None:
    """
    Take a lock away from a run that is dead.

    A run that is at work on this host is not robbed by mistake: where its lock would have died with it, the lock is
    taken over rather than removed; elsewhere its process is looked for. End it with a signal, and it finishes what is
    in flight. Of another host nothing can be known, and its lock is removed on a person's word.

    Args:
        backend: where the state is.
        lock_id: of the lock to break.
        by: who asks; `host` is compared with the holder's.
        force: remove it even from a living process. The serial and the journals still keep two runs apart.

    Raises:
        StateError: there is no lock of this id; says whose there is.
        StateLocked: a process of this host has it.
    """
    found = backend.holder()
    if found is None or found.lock_id != lock_id:
        raise not_the_lock(backend.url, lock_id, found)
    is_proof = backend.lock_dies_with_its_holder
    if force or found.host != by.host or not (is_proof or _is_alive(found.pid)):
        backend.break_lock(lock_id)
        return
    try:
        backend.lock(by)
    except StateLocked as err:
        raise StateLocked(
            "That run seems to be at work.",
            f"{err.detail}\nThe lock can not be taken over from it, as it could from a process that died.",
            f"Wait for it, or end it and let it finish what is in flight:\n    kill {found.pid}\n"
            f"Only if it is surely dead:\n    msgflash-apply state unlock {lock_id} --force",
        ) from err
    backend.unlock(by.lock_id)


def _is_alive(pid: int) -> bool:
    """Whether a process of this host has this number; also where it is another one that was given it since."""
    try:
        os.kill(pid, 0)
    except OSError as err:
        return err.errno != errno.ESRCH  # that of another user may not be signalled, and lives
    return True
