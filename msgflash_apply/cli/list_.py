"""`list`: show what the account has, with the names and ids that files hold. Changes nothing."""

import sys

import click

from msgflash_apply.cli import output, wiring
from msgflash_apply.cli.options import TEXT_OR_JSON, Globals, pass_globals
from msgflash_apply.operations.listing import KINDS, Item, Kind, list_account
from msgflash_apply.report.listing_text import listing_to_json, listing_to_text


@click.command(name="list")
@click.argument("kind", type=click.Choice(KINDS))
@TEXT_OR_JSON
@pass_globals
def command(options: Globals, kind: Kind, format_: str) -> None:
    """
    List the instances, templates, groups or tags of the account: names and ids to write into files.

    Tags are those of all contacts, a hundred of which take one request.
    """
    settings = wiring.each_settings_of(options)[0]

    async def read() -> tuple[Item, ...]:
        async with wiring.client_of(settings) as client:
            return await list_account(kind, client)

    items = wiring.run(read())
    if format_ == "json":
        output.result(listing_to_json(kind, items))
    else:
        paint = output.paint_for(sys.stdout, options.colour)
        output.result(listing_to_text(kind, items, paint=paint, width=min(output.width(), 80)))
