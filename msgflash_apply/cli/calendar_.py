"""`calendar`: list what goes out when, from the files and the state, without a request."""

import sys
from contextlib import suppress
from datetime import datetime

import click

from msgflash_apply.cli import output, wiring
from msgflash_apply.cli.options import Globals, pass_globals
from msgflash_apply.errors import StateMissing
from msgflash_apply.operations.calendar_ import Period, agenda, starts_within
from msgflash_apply.report.icalendar import agenda_to_ics, agenda_to_text

DAY = click.DateTime(formats=["%Y-%m-%d"])
LONGEST_DAYS = 3660


@click.command(name="calendar")
@click.option("--ics", is_flag=True, help="Print iCalendar.")
@click.option("--from", "first", type=DAY, metavar="DAY", help="First day, such as 2026-11-27 [default: today].")
@click.option("--to", "last", type=DAY, metavar="DAY", help="Last day; lists every run of repeating campaigns.")
@click.option("--no-state", is_flag=True, help="Ignore the state, and list the files alone.")
@pass_globals
def command(options: Globals, first: datetime | None, last: datetime | None, *, ics: bool, no_state: bool) -> None:
    """
    List the campaigns that are not over by day, each in its own time zone.

    Sends no requests and changes nothing.
    """
    settings = wiring.settings_of(options)
    loaded = wiring.load_files(settings)
    snapshot = None
    if not no_state:
        with suppress(StateMissing):
            snapshot = wiring.snapshot_of(settings)
    occasions = agenda(loaded.campaigns, snapshot)
    begin = first.date() if first else wiring.now().date()
    period = Period(begin, last.date() if last else None)
    if period.last is not None and (period.last - begin).days > LONGEST_DAYS:
        raise click.BadParameter("More than ten years.", param_hint="--to")
    starts = starts_within(occasions, period)
    if ics:
        soon = {one.address for one in starts}
        chosen = [one for one in occasions if one.address in soon]
        text = agenda_to_ics(chosen, environment=settings.environment, stamped_at=wiring.now())
    else:
        text = agenda_to_text(starts, paint=output.paint_for(sys.stdout, options.colour))
    output.result(text)
