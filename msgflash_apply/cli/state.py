"""
Which document `state pull` prints.

`state`: look at the record of what was sent. The commands that change it are in `state_changes.py`.
"""

import sys

import click

from msgflash_apply.campaign import Address
from msgflash_apply.cli import output, state_changes, wiring
from msgflash_apply.cli.options import Globals, pass_globals
from msgflash_apply.errors import StateError
from msgflash_apply.report.json_ import backups_to_json, history_to_json, record_to_json, state_list_to_json
from msgflash_apply.report.state_text import backups_to_text, history_to_text, record_to_text, state_list_to_text
from msgflash_apply.state.codec import encode
from msgflash_apply.state.edits import unknown
from msgflash_apply.state.reading import load_copy, past_of, read_former, read_state


def pulled(options: Globals, backup: str | None, *, moved: bool) -> bytes:
    """
    Give the live state with its journals folded in; or a former document; or the copy of a state that has moved.

    Args:
        options: global ones.
        backup: name of a former document; None for none.
        moved: the copy is wanted, and nothing else.
    """
    settings = wiring.settings_of(options)
    backend = wiring.backend_of(settings)
    if backup is not None:
        return read_former(backend, backup, environment=settings.environment)
    if not moved:
        return encode(read_state(backend, environment=settings.environment))
    copy = load_copy(backend, settings.environment).snapshot
    if copy.moved is None:
        fix = "Without --moved it is printed with all that open journals hold."
        raise StateError("The state has not moved.", f"{backend.url}: it is live.", fix)
    return encode(copy)


FORMAT = click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", help="How to print.")


@click.group(name="state", short_help="Look at the record of what was sent.")
def command() -> None:
    """Look at the record of what was sent, and put it right by hand where nothing else helps."""


@command.command(name="list")
@FORMAT
@pass_globals
def list_(options: Globals, format_: str) -> None:
    """List every campaign on record and every create in doubt."""
    snapshot = wiring.snapshot_of(wiring.settings_of(options))
    if format_ == "json":
        output.result(state_list_to_json(snapshot.campaigns, snapshot.in_doubt))
        return
    paint = output.paint_for(sys.stdout, options.colour)
    output.result(state_list_to_text(snapshot.campaigns, snapshot.in_doubt, paint=paint))


@command.command()
@click.argument("address")
@FORMAT
@pass_globals
def show(options: Globals, address: str, format_: str) -> None:
    """Show all that is on record for ADDRESS."""
    settings = wiring.settings_of(options)
    snapshot, key = wiring.snapshot_of(settings), Address(address)
    record, doubt = snapshot.campaigns.get(key), snapshot.in_doubt.get(key)
    if record is None and doubt is None:
        raise unknown(snapshot, key)
    if format_ == "json":
        output.result(record_to_json(key, record, doubt))
        return
    output.result(
        record_to_text(
            key,
            record,
            doubt,
            now=wiring.now(),
            environment=settings.environment,
            paint=output.paint_for(sys.stdout, options.colour),
            width=output.width(),
        )
    )


@command.command(short_help="List campaigns that are managed no more.")
@click.argument("address", required=False)
@click.option("--backups", is_flag=True, help="List the former documents that the storage keeps instead.")
@FORMAT
@pass_globals
def history(options: Globals, address: str | None, format_: str, *, backups: bool) -> None:
    """List campaigns that are managed no more: replaced, forgotten or removed, of ADDRESS or of all."""
    if backups:
        if address is not None:
            raise click.UsageError("--backups lists whole documents: give no ADDRESS.")
        _list_backups(options, format_)
        return

    snapshot = wiring.snapshot_of(wiring.settings_of(options))
    past = past_of(snapshot)
    if address is not None:
        key = Address(address)
        if key not in {*snapshot.campaigns, *snapshot.in_doubt, *snapshot.history}:
            raise unknown(snapshot, key)
        past = tuple(campaign for campaign in past if campaign.address == key)
    paint = output.paint_for(sys.stdout, options.colour)
    output.result(history_to_json(past) if format_ == "json" else history_to_text(past, paint=paint))


def _list_backups(options: Globals, format_: str) -> None:
    settings = wiring.settings_of(options)
    backups = wiring.backend_of(settings).backups()
    if format_ == "json":
        output.result(backups_to_json(backups))
        return
    paint = output.paint_for(sys.stdout, options.colour)
    output.result(backups_to_text(backups, environment=settings.environment, paint=paint))


@command.command(short_help="Print the whole state, for a backup.")
@click.option("--backup", metavar="NAME", help="Print a former document; `state history --backups` lists them.")
@click.option("--moved", is_flag=True, help="Print the copy that a state left where it has moved away from.")
@pass_globals
def pull(options: Globals, backup: str | None, *, moved: bool) -> None:
    """Print the state as one document, with what open journals hold folded in: a backup that `push` takes back."""
    if backup is not None and moved:
        raise click.UsageError("--backup and --moved are two documents: give one of them.")

    # As it is, byte for byte: a document that was redacted would not prove itself any more.
    sys.stdout.buffer.write(pulled(options, backup, moved=moved))


for change in state_changes.COMMANDS:
    command.add_command(change)
