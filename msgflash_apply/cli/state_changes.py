"""The commands of `state` that change it: each takes the lock, and leaves the former document as a backup."""

from pathlib import Path

import click

from msgflash_apply.campaign import Address, read_address
from msgflash_apply.cli import output, wiring
from msgflash_apply.cli.interrupts import INTERRUPTS
from msgflash_apply.cli.options import LOCK_TIMEOUT, Globals, pass_globals
from msgflash_apply.errors import MsgflashApplyError
from msgflash_apply.files.settings import PASSWORD, state_fits_file
from msgflash_apply.report.state_text import migrated_to_text, rekeyed_to_text
from msgflash_apply.state.backends.backend import open_backend, open_store
from msgflash_apply.state.backends.base import Location
from msgflash_apply.state.backends.encryption import DOCUMENT, RECOVERY
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
from msgflash_apply.state.migrate import migrate as migrate_state
from msgflash_apply.state.recovery import recover as recover_outcomes
from msgflash_apply.state.rekey import rekey as rekey_state

FILE = click.argument("file", type=click.Path(path_type=Path))


@click.command(short_help="Move a record to another address.")
@click.argument("previous", metavar="FROM")
@click.argument("address", metavar="TO")
@LOCK_TIMEOUT
@pass_globals
def mv(options: Globals, previous: str, address: str, lock_timeout_seconds: float) -> None:
    """
    Move the record, doubt and history of address FROM to address TO.

    Move its file too. `moved_from` in the file does the same with the next apply.
    """
    target = read_address(address)
    if target is None:
        raise MsgflashApplyError(f"{address} is no address.", "", 'One looks like promo/sale or promo/sale["fr"].')
    with wiring.ledger_of(wiring.settings_of(options), "state mv", lock_timeout_seconds) as ledger:
        source = move(ledger, Address(previous), target)
    what = f"campaign {source.record.id}" if source.record else "its create in doubt"
    output.result(
        f"{previous} is {target} now, {what} with it.\nMove its file too: without one, the next apply retires it."
    )


@click.command(short_help="Remove a campaign from the state.")
@click.argument("address")
@click.option("--auto-approve", is_flag=True, help="Skip the approval prompt.")
@LOCK_TIMEOUT
@pass_globals
def rm(options: Globals, address: str, lock_timeout_seconds: float, *, auto_approve: bool) -> None:
    """
    Remove ADDRESS from the campaigns; its record stays in the history.

    The campaign itself is left as it is on MsgFlash. The same mailing is blocked from then
    on, in any file; `import` brings it back.
    """
    if not auto_approve:
        wiring.fail_without_terminal(f"remove {address}")
    settings, key = wiring.settings_of(options), Address(address)
    record = removable(wiring.snapshot_of(settings), key)
    output.note(
        f"{address} is campaign {record.id}, {record.status} when it was last read.\n"
        "On MsgFlash it is left as it is: what it still has to send, it sends.\n"
        "The same mailing is blocked from then on; `import` brings it back. Another mailing at this address is new."
    )
    if not auto_approve and not click.confirm(f"\nRemove {address} from the campaigns?", err=True):
        output.note("Nothing was changed.")
        return
    with wiring.ledger_of(settings, "state rm", lock_timeout_seconds) as ledger:
        remove(ledger, key, record, wiring.now())  # if it still is the record that was shown
    output.result(f"{address} is managed no more; campaign {record.id} stays in the history.")


@click.command(short_help="Replace the state with a document.")
@FILE
@click.option("--force", is_flag=True, help="Accept another lineage or an older serial, and lose what the file lacks.")
@LOCK_TIMEOUT
@pass_globals
def push(options: Globals, file: Path, lock_timeout_seconds: float, *, force: bool) -> None:
    """
    Replace the state with the document FILE; the former document is kept as a backup.

    Refused for another lineage, for a serial that is not newer, and if campaigns would be lost, which are listed.
    """
    settings = wiring.settings_of(options)
    claim = wiring.claim(settings, "state push", lock_timeout_seconds)
    document = wiring.read_document(file, settings, context=DOCUMENT)
    with INTERRUPTS.holding():
        pushed = push_document(wiring.backend_of(settings), document, claim, where=str(file), force=force)
    if pushed.before is None:
        output.result(f"There was no state at {settings.state}; it is {file} now, at serial {pushed.after.serial}.")
        return
    for id_, address in lost_ids(pushed.before, pushed.after).items():
        output.note(f"Lost: {address}, campaign {id_}.")
    for address in lost_doubts(pushed.before, pushed.after):
        output.note(f"Lost: {address}, a create in doubt.")
    output.result(f"The state is {file} now: {summary(pushed.before, pushed.after)}.")


@click.command(short_help="Release the lock of a dead run.")
@click.argument("lock_id")
@click.option("--force", is_flag=True, help="Release it even if its process on this host seems to be running.")
@pass_globals
def unlock(options: Globals, lock_id: str, *, force: bool) -> None:
    """
    Release the lock LOCK_ID, whose holder is certainly gone.

    A lock of this host is taken from a dead process only. In any case the serial keeps two writers apart.
    """
    backend = wiring.backend_of(wiring.settings_of(options))
    with INTERRUPTS.holding():
        break_lock(backend, lock_id, by=wiring.holder("state unlock"), force=force)
    output.result(f"Lock {lock_id} is gone.")


@click.command(short_help="Add the outcomes of a recovery file.")
@FILE
@LOCK_TIMEOUT
@pass_globals
def recover(options: Globals, file: Path, lock_timeout_seconds: float) -> None:
    """Add the outcomes in FILE, which an apply could not store. Doing it twice does no harm."""
    settings = wiring.settings_of(options)
    claim = wiring.claim(settings, "state recover", lock_timeout_seconds)
    lines = wiring.read_document(file, settings, context=RECOVERY)
    with INTERRUPTS.holding():
        added = recover_outcomes(wiring.backend_of(settings), lines, claim, where=str(file))
    output.result(f"{len(added)} brought in from {file}.")


@click.command(short_help="Move the state to another place.")
@click.argument("url")
@LOCK_TIMEOUT
@pass_globals
def migrate(options: Globals, url: str, lock_timeout_seconds: float) -> None:
    """
    Move the state of the environment to URL: a path, or a URL of any storage; {environment} is filled in.

    All of it is copied and read back before the new place becomes the only live one. The old one keeps a last copy,
    marked as moved, and refuses to be used. After an interruption, run the command again.
    """
    if PASSWORD.search(url):
        raise MsgflashApplyError(
            "The URL holds a password.",
            "Everybody on this machine sees a command line while it runs, and it stays in the shell's history.",
            "Nothing was moved. Give the URL without it, and the credentials in the environment.",
        )
    settings = wiring.settings_of(options)
    # Trusted: the user typed the URL, and no branch could.
    target = Location(
        url.replace("{environment}", settings.environment), settings.root, wiring.process_environ(), is_trusted=True
    )
    with INTERRUPTS.holding():
        state = migrate_state(
            wiring.backend_of(settings),
            open_backend(target, wiring.keys_of(settings, wiring.process_environ())),
            wiring.claim(settings, "state migrate", lock_timeout_seconds),
        )
    fits_file = state_fits_file(url, settings.root) and not settings.state_is_from_environment
    output.result(migrated_to_text(state, before=settings.state, after=url, fits_file=fits_file))


@click.command(short_help="Encrypt the state, or change its key.")
@click.option("--decrypt", is_flag=True, help="Write plain text instead.")
@LOCK_TIMEOUT
@pass_globals
def rekey(options: Globals, lock_timeout_seconds: float, *, decrypt: bool) -> None:
    """
    Encrypt the state with the first key of MSGFLASH_STATE_KEY or of state_key_file.

    The state may be plain text, or encrypted with any of the keys. To change the key, give both, the new one first.
    """
    settings = wiring.settings_of(options)
    keys = wiring.keys_of(settings, wiring.process_environ())
    if keys is None:
        raise MsgflashApplyError(
            "There is no state key.",
            "The state can neither be encrypted nor read without.",
            f"Make one, and set it, or name a file that holds it as state_key_file:\n    export {wiring.STATE_KEY}=...",
        )
    claim = wiring.claim(settings, "state rekey", lock_timeout_seconds)
    store = open_store(wiring.location_of(settings))
    with INTERRUPTS.holding():
        done = rekey_state(store, keys, claim, decrypt=decrypt)
    output.result(rekeyed_to_text(done, unneeded=[key for key in keys.ids if key != done.after]))


COMMANDS: tuple[click.Command, ...] = (mv, rm, push, unlock, recover, migrate, rekey)
