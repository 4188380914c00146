"""
What the commands of `state_changes.py` do, under the lock, and what they say about it.

`state migrate`: the state goes to another place, and whoever still uses the old one is refused.

`state rekey`: encrypt the state, change its key, or go back to plain text.

The commands of `state` that change it: each takes the lock, and leaves the former document as a backup.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from msgflash_apply.campaign import Address, Record, read_address
from msgflash_apply.cli import output, wiring
from msgflash_apply.cli.options import Globals, pass_globals, seconds_from
from msgflash_apply.cli.recovery_file import recover_from
from msgflash_apply.cli.wiring import VARIABLE, decrypted, keys_of
from msgflash_apply.errors import MsgflashApplyError
from msgflash_apply.files.settings import PASSWORD, state_fits_file
from msgflash_apply.report.state_text import migrated_to_text, rekeyed_to_text
from msgflash_apply.state.backends.encrypted.envelope import DOCUMENT
from msgflash_apply.state.edits import (
    break_lock,
    lost_doubts,
    lost_ids,
    move,
    push_document,
    removable,
    remove,
    summary,
)
from msgflash_apply.state.ledger import Ledger, open_ledger
from msgflash_apply.state.migrate import migrate as migrate_state
from msgflash_apply.state.rekey import rekey as rekey_state


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
        raise MsgflashApplyError(f"{file} cannot be read.", f"{err.strerror}.") from err


@click.command(short_help="Move the state to another place.")
@click.argument("url")
@click.option("--lock-timeout", metavar="DURATION", default="0s", help="Wait for the locks, e.g. 5m.")
@pass_globals
def migrate(options: Globals, url: str, lock_timeout: str) -> None:
    """
    Move the state of the environment to URL: a path, or a URL of any storage; {environment} is filled in.

    All of it is copied and read back before the new place becomes the only live one. The old one stays as a last
    copy, marked as moved: whoever still uses it is refused. Interrupted, it is finished by running it again.
    """
    _refuse_password(url)
    settings = wiring.settings_of(options)
    target = wiring.backend_at(settings, url.replace("{environment}", settings.environment), is_trusted=True)
    claim = wiring.claim(settings, "state migrate", seconds_from(lock_timeout))
    state = migrate_state(wiring.backend_of(settings), target, claim)
    fits_file = state_fits_file(url, settings.root) and not settings.state_is_from_environment
    output.result(migrated_to_text(state, before=settings.state, after=url, fits_file=fits_file))


def _refuse_password(url: str) -> None:
    if PASSWORD.search(url):
        raise MsgflashApplyError(
            "The URL holds a password.",
            "Everybody on this machine sees a command line while it runs, and it stays in the shell's history.",
            "Nothing was moved. Give the URL without it, and the credentials in the environment.",
        )


@click.command(short_help="Encrypt the state, or change its key.")
@click.option("--decrypt", is_flag=True, help="Write plain text instead.")
@click.option("--lock-timeout", metavar="DURATION", default="0s", help="Wait for the lock, e.g. 5m.")
@pass_globals
def rekey(options: Globals, lock_timeout: str, *, decrypt: bool) -> None:
    """
    Write the state anew, encrypted with the first key of MSGFLASH_STATE_KEY or of state_key_file.

    The state may be plain text, or need any of the keys. To change the key, give both, the new one first.
    """
    settings = wiring.settings_of(options)
    keys = keys_of(settings, os.environ)
    if keys is None:
        fix = f"Make one, and set it, or name a file that holds it as state_key_file:\n    export {VARIABLE}=..."
        raise MsgflashApplyError("There is no state key.", "The state can neither be encrypted nor read without.", fix)
    claim = wiring.claim(settings, "state rekey", seconds_from(lock_timeout))
    done = rekey_state(wiring.storage_of(settings), keys, claim, decrypt=decrypt)
    output.result(rekeyed_to_text(done, unneeded=[key for key in keys.ids if key != done.after]))


LOCK_TIMEOUT = click.option("--lock-timeout", metavar="DURATION", default="0s", help="Wait for the lock, e.g. 5m.")

FILE = click.argument("file", type=click.Path(path_type=Path))


@click.command(short_help="Move what stands at an address.")
@click.argument("previous", metavar="FROM")
@click.argument("address", metavar="TO")
@LOCK_TIMEOUT
@pass_globals
def mv(options: Globals, previous: str, address: str, lock_timeout: str) -> None:
    """
    Move what stands at address FROM to address TO: record, doubt and history.

    Move its file too. `moved_from` in the file does the same with the next apply.
    """
    output.result(move_to(options, previous, address, lock_timeout))


@click.command(short_help="Take a campaign out; its id is kept.")
@click.argument("address")
@click.option("--auto-approve", is_flag=True, help="Do not ask.")
@LOCK_TIMEOUT
@pass_globals
def rm(options: Globals, address: str, lock_timeout: str, *, auto_approve: bool) -> None:
    """
    Take ADDRESS out of the campaigns; its record stays in the history.

    The campaign itself is left as it is on MsgFlash. The same mailing is blocked from then
    on, in whatever file; `import` brings it back.
    """
    if not auto_approve:
        wiring.fail_without_terminal(f"remove {address}")
    removal = removal_of(options, address)
    output.note(removal.consequences)
    if not auto_approve and not click.confirm(f"\nRemove {address} from the campaigns?", err=True):
        output.note("Nothing was changed.")
        return
    output.result(removal.carry_out(lock_timeout))


@click.command(short_help="Put a document in the place of the state.")
@FILE
@click.option(
    "--force", is_flag=True, help="Take another lineage or a serial that is not newer, and lose what it lacks."
)
@LOCK_TIMEOUT
@pass_globals
def push(options: Globals, file: Path, lock_timeout: str, *, force: bool) -> None:
    """
    Put the document FILE in the place of the state; the one there is kept as a backup.

    Refused for another lineage, a serial that is not newer, and where campaigns would be lost, each of them named.
    """
    output.result(push_file(options, file, lock_timeout, force=force))


@click.command(short_help="Take away the lock of a dead run.")
@click.argument("lock_id")
@click.option("--force", is_flag=True, help="Also from a process of this host that seems to be at work.")
@pass_globals
def unlock(options: Globals, lock_id: str, *, force: bool) -> None:
    """
    Take away the lock LOCK_ID, whose holder is certainly gone.

    A lock of this host is taken from a dead process only. However it ends, the serial keeps two writers apart.
    """
    backend = wiring.backend_of(wiring.settings_of(options))
    break_lock(backend, lock_id, by=wiring.holder("state unlock"), force=force)
    output.result(f"Lock {lock_id} is gone.")


@click.command(short_help="Bring in what an apply could not store.")
@FILE
@LOCK_TIMEOUT
@pass_globals
def recover(options: Globals, file: Path, lock_timeout: str) -> None:
    """Bring in outcomes that an apply could not store and left in FILE. Doing it twice does no harm."""
    settings = wiring.settings_of(options)
    claim = wiring.claim(settings, "state recover", seconds_from(lock_timeout))
    count = recover_from(settings, file, claim)
    output.result(f"{count} brought in from {file}.")


COMMANDS: tuple[click.Command, ...] = (mv, rm, push, unlock, recover, migrate, rekey)
