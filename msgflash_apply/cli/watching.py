"""`status --watch`: the same table again and again, until everything on it is over or somebody stops it."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from msgflash_apply.campaign import TERMINAL
from msgflash_apply.cli import output
from msgflash_apply.engine.status import StatusReport
from msgflash_apply.report.status_text import progress_of
from msgflash_apply.report.untrusted import shown

if TYPE_CHECKING:  # only where somebody looks at a terminal
    from rich.table import Table

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
    from rich.console import Console
    from rich.live import Live

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


def _table(report: StatusReport) -> "Table":
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

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
