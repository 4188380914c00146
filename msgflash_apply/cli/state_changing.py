"""What the commands of `state_changes.py` do, under the lock, and what they say about it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from msgflash_apply.campaign import Address, Record
from msgflash_apply.cli import output, wiring
from msgflash_apply.cli.context import Globals
from msgflash_apply.cli.durations import seconds_from
from msgflash_apply.cli.state_keys import decrypted
from msgflash_apply.config.addresses import read_address
from msgflash_apply.errors import MsgflashApplyError
from msgflash_apply.state.backends.encrypted.envelope import DOCUMENT
from msgflash_apply.state.edits import move, removable, remove
from msgflash_apply.state.ledger import Ledger, open_ledger
from msgflash_apply.state.push import lost_doubts, lost_ids, push_document, summary


def move_to(options: Globals, previous: str, address: str, lock_timeout: str) -> str:
    """Move what stands at one address to another one that files can have; returns what to tell."""
    target = read_address(address)
    if target is None:
        raise MsgflashApplyError(f"{address} is no address.", "", 'One looks like promo/sale or promo/sale["fr"].')
    with _ledger(options, "state mv", lock_timeout) as ledger:
        source = move(ledger, Address(previous), target)
    what = f"campaign {source.record.id}" if source.record else "its create in doubt"
    return f"{previous} is {target} now, {what} with it.\nMove its file too: without one, the next apply retires it."


@dataclass(frozen=True, slots=True)
class Removal:
    """A record that is about to leave the campaigns: what a person should know, and the deed."""

    options: Globals
    address: Address
    record: Record

    @property
    def consequences(self) -> str:
        """Say what it means, before anybody agrees to it."""
        return (
            f"{self.address} is campaign {self.record.id}, {self.record.status} when it was last read.\n"
            "On MsgFlash it is left as it is: what it still has to send, it sends.\n"
            "The same mailing is blocked from then on; `import` brings it back. Another mailing at this address is new."
        )

    def carry_out(self, lock_timeout: str) -> str:
        """Remove it, if it still is the one that was shown; returns what to tell."""
        with _ledger(self.options, "state rm", lock_timeout) as ledger:
            remove(ledger, self.address, self.record, wiring.now())
        return f"{self.address} is managed no more; campaign {self.record.id} stays in the history."


def removal_of(options: Globals, address: str) -> Removal:
    """Look up what would be removed; StateError where nothing can be."""
    snapshot = wiring.snapshot_of(wiring.settings_of(options))
    return Removal(options, Address(address), removable(snapshot, Address(address)))


def push_file(options: Globals, file: Path, lock_timeout: str, *, force: bool) -> str:
    """Put a file in the place of the state, and name on stderr what was lost by it; returns what to tell."""
    settings = wiring.settings_of(options)
    claim = wiring.claim(settings, "state push", seconds_from(lock_timeout))
    document = decrypted(_read(file), settings, os.environ, context=DOCUMENT, where=str(file))
    pushed = push_document(wiring.backend_of(settings), document, claim, where=str(file), force=force)
    if pushed.before is None:
        return f"There was no state at {settings.state}; it is {file} now, at serial {pushed.after.serial}."
    for id_, address in lost_ids(pushed.before, pushed.after).items():
        output.note(f"Lost: {address}, campaign {id_}.")
    for address in lost_doubts(pushed.before, pushed.after):
        output.note(f"Lost: {address}, a create in doubt.")
    return f"The state is {file} now: {summary(pushed.before, pushed.after)}."


@contextmanager
def _ledger(options: Globals, what: str, lock_timeout: str) -> Iterator[Ledger]:
    settings = wiring.settings_of(options)
    claim = wiring.claim(settings, what, seconds_from(lock_timeout))
    with open_ledger(wiring.backend_of(settings), claim) as ledger:
        yield ledger
    for warning in ledger.warnings:
        output.note(f"Warning: {warning}")


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as err:
        raise MsgflashApplyError(f"{file} can not be read.", f"{err.strerror}.") from err
