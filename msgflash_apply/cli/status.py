"""`status`: how far campaigns are. Changes nothing."""

import click

from msgflash_apply.cli.context import Globals, pass_globals
from msgflash_apply.errors import ExitCode


@click.command(short_help="Show how far campaigns are.")
@click.argument("addresses", nargs=-1)
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", help="How to print.")
@pass_globals
def command(options: Globals, addresses: tuple[str, ...], format_: str) -> int:
    """
    Read the counters of ADDRESSES, or of every campaign that is not over. One request each; changes nothing.

    Exits 3 when something is in doubt.
    """
    import asyncio
    import sys

    from msgflash_apply.campaign import Address
    from msgflash_apply.cli import output, wiring
    from msgflash_apply.engine.status import StatusReport, read_status
    from msgflash_apply.report.status_text import status_to_json, status_to_text

    settings = wiring.settings_of(options)
    snapshot = wiring.snapshot_of(settings)

    async def read() -> StatusReport:
        async with wiring.client_of(settings) as client:
            return await read_status(snapshot, client, [Address(address) for address in addresses])

    report = asyncio.run(read())
    if format_ == "json":
        output.result(status_to_json(report))
    else:
        paint = output.paint_for(sys.stdout, options.colour)
        output.result(status_to_text(report, environment=settings.environment, paint=paint))
    return ExitCode.PERSON_NEEDED if report.in_doubt else ExitCode.DONE
