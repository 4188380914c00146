"""
`status --watch`: the same table again and again, until everything on it is over or somebody stops it.

`status`: how far campaigns are. Changes nothing.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable

import click
from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from msgflash_apply.campaign import TERMINAL, Address
from msgflash_apply.cli import output, wiring
from msgflash_apply.cli.options import Globals, pass_globals, seconds_from
from msgflash_apply.errors import ExitCode
from msgflash_apply.operations.status import StatusReport, read_status
from msgflash_apply.report.safe_text import shown
from msgflash_apply.report.status_text import progress_of, status_to_json, status_to_text

BAR_WIDTH = 24


async def watch(
    read: Callable[[], Awaitable[StatusReport]], show: Callable[[StatusReport], str], interval_seconds: float
) -> StatusReport:
    """
    Read and show until nothing is at work any more.

    Args:
        read: one round of requests.
        show: the table as text, for a log.
        interval_seconds: between the rounds; each costs one request per campaign.

    Returns:
        The last report.
    """
    if not sys.stdout.isatty():
        return await _watch_in_a_log(read, show, interval_seconds)

    report = await read()
    with Live(_table(report), console=Console(highlight=False), auto_refresh=False) as live:
        while not _is_over(report):
            await asyncio.sleep(interval_seconds)
            report = await read()
            live.update(_table(report), refresh=True)
    return report


async def _watch_in_a_log(
    read: Callable[[], Awaitable[StatusReport]], show: Callable[[StatusReport], str], interval_seconds: float
) -> StatusReport:
    while True:
        report = await read()
        output.result(show(report))
        if _is_over(report):
            return report
        await asyncio.sleep(interval_seconds)


def _is_over(report: StatusReport) -> bool:
    return all(one.stats is None or one.stats.status in TERMINAL for one in report.campaigns)


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
