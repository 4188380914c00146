"""
`state`: inspect the state. The commands that change it are in state_changes.py.

Each command reads the state, then prints what report/state_text.py (for people) or report/json_.py (for programs) makes
of it: a column of `state list` is added in `state_list_to_text` there.
"""

import sys

import click

from msgflash_apply.campaign import Address
from msgflash_apply.cli import output, state_changes, wiring
from msgflash_apply.cli.options import TEXT_OR_JSON, Globals, pass_globals
from msgflash_apply.errors import StateError
from msgflash_apply.report.json_ import backups_to_json, history_to_json, record_to_json, state_list_to_json
from msgflash_apply.report.state_text import (
    backups_to_text,
    history_to_text,
    record_to_text,
    state_list_to_text,
    state_templates_to_text,
    template_to_text,
)
from msgflash_apply.state.codec import encode
from msgflash_apply.state.edits import unknown
from msgflash_apply.state.reading import load_copy, past_of, read_former, read_state


@click.group(name="state")
def command() -> None:
    """Inspect the state, and repair it by hand if nothing else helps."""


@command.command(name="list")
@TEXT_OR_JSON
@pass_globals
def list_(options: Globals, format_: str) -> None:
    """List every campaign in the state, every create in doubt, and every template."""
    snapshot = wiring.snapshot_of(wiring.settings_of(options))
    if format_ == "json":
        output.result(state_list_to_json(snapshot))
        return
    paint = output.paint_for(sys.stdout, options.colour)
    output.result(
        state_list_to_text(snapshot.campaigns, snapshot.in_doubt, paint=paint)
        + state_templates_to_text(snapshot.templates, paint=paint)
    )


@command.command()
@click.argument("address")
@TEXT_OR_JSON
@pass_globals
def show(options: Globals, address: str, format_: str) -> None:
    """Show everything that the state has of ADDRESS."""
    settings = wiring.settings_of(options)
    snapshot, key = wiring.snapshot_of(settings), Address(address)
    record, doubt, template = snapshot.campaigns.get(key), snapshot.in_doubt.get(key), snapshot.templates.get(key)
    if record is None and doubt is None and template is None:
        raise unknown(snapshot, key)
    if format_ == "json":
        output.result(record_to_json(snapshot, key))
        return
    now, paint, width = wiring.now(), output.paint_for(sys.stdout, options.colour), output.width()
    texts = []
    if record is not None or doubt is not None:
        environment = settings.environment
        texts.append(record_to_text(key, record, doubt, now=now, environment=environment, paint=paint, width=width))
    if template is not None:
        texts.append(template_to_text(key, template, snapshot.contents, now=now, paint=paint, width=width))
    output.result("\n".join(texts))


@command.command(short_help="List campaigns that are no longer managed.")
@click.argument("address", required=False)
@click.option("--backups", is_flag=True, help="List the former documents that the storage keeps instead.")
@TEXT_OR_JSON
@pass_globals
def history(options: Globals, address: str | None, format_: str, *, backups: bool) -> None:
    """List campaigns that are no longer managed (replaced, forgotten or removed), of ADDRESS or of all."""
    if backups and address is not None:
        raise click.UsageError("--backups lists whole documents: give no ADDRESS.")
    settings = wiring.settings_of(options)
    paint = output.paint_for(sys.stdout, options.colour)
    if backups:
        former = wiring.backend_of(settings).backups()
        text = backups_to_text(former, environment=settings.environment, paint=paint)
        output.result(backups_to_json(former) if format_ == "json" else text)
        return
    snapshot = wiring.snapshot_of(settings)
    past = past_of(snapshot)
    if address is not None:
        key = Address(address)
        if key not in {*snapshot.campaigns, *snapshot.in_doubt, *snapshot.history}:
            raise unknown(snapshot, key)
        past = tuple(campaign for campaign in past if campaign.address == key)
    output.result(history_to_json(past) if format_ == "json" else history_to_text(past, paint=paint))


@command.command(short_help="Print the whole state, for a backup.")
@click.option("--backup", metavar="NAME", help="Print a former document; `state history --backups` lists them.")
@click.option("--moved", is_flag=True, help="Print the copy that `state migrate` left in the old place.")
@pass_globals
def pull(options: Globals, backup: str | None, *, moved: bool) -> None:
    """Print the state as one document, with the open journals folded in: a backup for `state push`."""
    if backup is not None and moved:
        raise click.UsageError("--backup and --moved are two documents: give one of them.")
    settings = wiring.settings_of(options)
    backend = wiring.backend_of(settings)
    if backup is not None:
        document = read_former(backend, backup, environment=settings.environment)
    elif moved:
        copy = load_copy(backend, settings.environment).snapshot
        if copy.moved is None:
            fix = "Without --moved it is printed with all that open journals hold."
            raise StateError("The state has not moved.", f"{backend.url}: it is live.", fix)
        document = encode(copy)
    else:
        document = encode(read_state(backend, environment=settings.environment))
    # As it is, byte for byte: a document that was redacted would not prove itself any more.
    sys.stdout.buffer.write(document)


for change in state_changes.COMMANDS:
    command.add_command(change)
