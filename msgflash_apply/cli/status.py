"""`status`: how far campaigns are. Changes nothing."""

import click

from msgflash_apply.cli.context import Globals, pass_globals
from msgflash_apply.errors import ExitCode


@click.command(short_help="Show how far campaigns are.")
@click.argument("addresses", nargs=-1)
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", help="How to print.")
@click.option("--watch", "watching", is_flag=True, help="Read again and again, until nothing is at work any more.")
@click.option("--interval", default="15s", show_default=True, help="Between the rounds of --watch.")
@pass_globals
def command(options: Globals, addresses: tuple[str, ...], format_: str, interval: str, *, watching: bool) -> int:
    """
    Read the counters of ADDRESSES, or of every campaign that is not over. One request each; changes nothing.

    Exits 3 when something is in doubt.
    """
    import asyncio
    import sys

    from msgflash_apply.campaign import Address
    from msgflash_apply.cli import output, wiring
    from msgflash_apply.cli.durations import seconds_from
    from msgflash_apply.cli.watching import watch
    from msgflash_apply.engine.status import StatusReport, read_status
    from msgflash_apply.report.status_text import status_to_json, status_to_text

    settings = wiring.settings_of(options)
    snapshot = wiring.snapshot_of(settings)

    if watching and format_ == "json":
        raise click.UsageError("--watch is for people: it does not go with --format json.")

    def show(report: StatusReport) -> str:
        if format_ == "json":
            return status_to_json(report)
        paint = output.paint_for(sys.stdout, options.colour)
        return status_to_text(report, environment=settings.environment, paint=paint)

    async def run() -> StatusReport:
        async with wiring.client_of(settings) as client:

            async def read() -> StatusReport:
                return await read_status(snapshot, client, [Address(address) for address in addresses])

            if watching:
                return await watch(read, show, seconds_from(interval, "--interval"))
            report = await read()
            output.result(show(report))
            return report

    report = asyncio.run(run())
    return ExitCode.PERSON_NEEDED if report.in_doubt else ExitCode.DONE
