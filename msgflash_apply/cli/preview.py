"""`preview`: show the message of one campaign as a phone does. Changes nothing and sends no message."""

import sys
from contextlib import suppress

import click

from msgflash_apply.campaign import TEMPLATE, plain_id
from msgflash_apply.cli import output, wiring
from msgflash_apply.cli.options import Globals, pass_globals
from msgflash_apply.errors import ExitCode, StateMissing
from msgflash_apply.files.load import Loaded, place
from msgflash_apply.findings import InvalidFiles
from msgflash_apply.models.project import Settings
from msgflash_apply.operations.message import Account, fill_in_for, find, find_words, in_files, look_up
from msgflash_apply.plan.lookup import Lookups
from msgflash_apply.report.html.page import preview_to_html
from msgflash_apply.report.preview_text import Preview, preview_to_text
from msgflash_apply.state.snapshot import NO_STATE, Snapshot
from msgflash_apply.template import DesiredTemplate


@click.command
@click.argument("address")
@click.option("--contact", "contact_id", metavar="ID", help="Let MsgFlash fill in the template for this contact.")
@click.option("--format", "format_", type=click.Choice(["text", "html"]), default="text", help="Output format.")
@pass_globals
def command(options: Globals, address: str, contact_id: str | None, format_: str) -> int:
    """
    Show the message of the campaign at ADDRESS as a phone does, and who sends it when; or a template of the repo.

    What the files say is shown without a request. A template on MsgFlash is read, and --contact lets MsgFlash fill it
    in. Exits with 3 if something is missing for that contact.
    """
    settings = wiring.settings_of(options)
    loaded = wiring.load_files(settings)
    words = find_words(loaded, address)
    if isinstance(words, DesiredTemplate) and contact_id is None:
        print_preview(Preview(words), format_, options)
        return ExitCode.DONE
    desired = find(loaded, address)  # which says what fills a template in
    change = in_files(desired, loaded.templates)
    shown = Preview(change, contact_id)
    sends_template = TEMPLATE in desired.names or TEMPLATE in desired.payload
    if sends_template and (contact_id is not None or change.template is None):

        async def read() -> Preview:
            async with wiring.client_of(settings) as client:
                looked_up = await look_up(desired, account_of(settings, loaded, Lookups(client)))
                if contact_id is None:
                    return Preview(looked_up)
                filled_in = await fill_in_for(plain_id(contact_id), looked_up, client)
                return Preview(filled_in.change, contact_id, filled_in.missing)

        try:
            shown = wiring.run(read())
        except InvalidFiles as err:
            raise InvalidFiles(place(err.diagnostics, settings.root)) from err
    print_preview(shown, format_, options)
    return ExitCode.PERSON_NEEDED if shown.missing else ExitCode.DONE


def print_preview(shown: Preview, format_: str, options: Globals) -> None:
    """Print a message as the result of the command."""
    if format_ == "html":
        output.result(preview_to_html(shown, now=wiring.now()))
    else:
        paint = output.paint_for(sys.stdout, options.colour)
        output.result(preview_to_text(shown, now=wiring.now(), paint=paint, width=output.width()))


def account_of(settings: Settings, loaded: Loaded, lookups: Lookups) -> Account:
    """Gather what a message is looked up with; only templates of the repo need the state, and there may be none yet."""
    snapshot: Snapshot = NO_STATE
    if loaded.templates:
        with suppress(StateMissing):
            snapshot = wiring.snapshot_of(settings)
    return Account(lookups, snapshot, loaded.templates, wiring.now())
