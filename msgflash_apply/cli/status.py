"""`status`: show the delivery progress of campaigns; with `--watch`, until all of them are over. Changes nothing."""

import asyncio
import sys
from contextlib import nullcontext

import click
from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from msgflash_apply.campaign import TERMINAL, Address
from msgflash_apply.cli import output, wiring
from msgflash_apply.cli.options import TEXT_OR_JSON, Globals, pass_globals, seconds_from
from msgflash_apply.errors import ExitCode
from msgflash_apply.operations.status import StatusReport, read_status
from msgflash_apply.report.safe_text import shown
from msgflash_apply.report.status_text import progress_of, status_to_json, status_to_text

BAR_WIDTH = 24


@click.command
@click.argument("addresses", nargs=-1)
@TEXT_OR_JSON
@click.option("--watch", "watching", is_flag=True, help="Repeat until every campaign is over.")
@click.option(
    "--interval",
    "interval_seconds",
    metavar="DURATION",
    default="15s",
    callback=seconds_from,
    help="Time between two rounds of --watch.",
)
@pass_globals
def command(
    options: Globals, addresses: tuple[str, ...], format_: str, interval_seconds: float, *, watching: bool
) -> int:
    """
    Show the counters of ADDRESSES, or of every campaign that is not over.

    Sends one request per campaign and changes nothing. Exits with 3 if something is in doubt.
    """
    if watching and format_ == "json":
        raise click.UsageError("--watch is for people: it does not go with --format json.")
    settings = wiring.settings_of(options)
    snapshot = wiring.snapshot_of(settings)
    paint = output.paint_for(sys.stdout, options.colour)
    # On a terminal one table is drawn anew; in a log each round is printed below the last.
    live = Live(console=Console(highlight=False), auto_refresh=False) if watching and sys.stdout.isatty() else None

    async def show() -> StatusReport:
        async with wiring.client_of(settings) as client:
            with live or nullcontext():
                while True:
                    report = await read_status(snapshot, client, [Address(address) for address in addresses])
                    if live:
                        live.update(_table(report), refresh=True)
                    elif format_ == "json":
                        output.result(status_to_json(report))
                    else:
                        output.result(status_to_text(report, environment=settings.environment, paint=paint))
                    is_over = all(one.stats is None or one.stats.status in TERMINAL for one in report.campaigns)
                    if is_over or not watching:
                        return report
                    await asyncio.sleep(interval_seconds)

    report = wiring.run(show())
    return ExitCode.PERSON_NEEDED if report.in_doubt else ExitCode.DONE


def _table(report: StatusReport) -> Table:
    table = Table("ADDRESS", "STATUS", "PROGRESS", "PLANNED", "SENT", "DELIVERED", "READ", "FAILED", box=None)
    for one in report.campaigns:
        # Text, never str: rich would take [brackets] in an address for markup.
        if one.stats is None:
            table.add_row(Text(shown(one.address)), Text("gone on MsgFlash"))
            continue
        counters = one.stats.stats
        numbers = (counters.planned, counters.sent, counters.delivered, counters.read, counters.failed)
        bar = ProgressBar(total=100, completed=progress_of(one.stats), width=BAR_WIDTH)
        cells = (Text(str(number)) for number in numbers)
        table.add_row(Text(shown(one.address)), Text(shown(one.stats.status)), bar, *cells)
    for address in report.in_doubt:
        table.add_row(Text(shown(address)), Text("in doubt"))
    return table
