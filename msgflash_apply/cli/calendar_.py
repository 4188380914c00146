"""`calendar`: what goes out when, from the files and the record, without a request."""

import sys
from datetime import datetime

import click

from msgflash_apply.cli import output, wiring
from msgflash_apply.cli.options import Globals, pass_globals
from msgflash_apply.errors import StateMissing
from msgflash_apply.models.project import Settings
from msgflash_apply.operations.calendar_ import Period, agenda, starts_within
from msgflash_apply.report.icalendar import agenda_to_ics, agenda_to_text
from msgflash_apply.state.snapshot import Snapshot

DAY = click.DateTime(formats=["%Y-%m-%d"])
LONGEST_DAYS = 3660


@click.command(name="calendar", short_help="Show what goes out when.")
@click.option("--ics", is_flag=True, help="Print iCalendar, for calendar programs.")
@click.option("--from", "first", type=DAY, metavar="DAY", help="From this day on, e.g. 2026-11-27; else from today.")
@click.option("--to", "last", type=DAY, metavar="DAY", help="Up to this day; lists every run of repeating campaigns.")
@click.option("--no-state", is_flag=True, help="Go by the files alone.")
@pass_globals
def command(options: Globals, first: datetime | None, last: datetime | None, *, ics: bool, no_state: bool) -> None:
    """List the campaigns that are not over, by day, each in its own time zone. Sends nothing, writes nothing."""
    settings = wiring.settings_of(options)
    loaded = wiring.load_files(settings)
    occasions = agenda(loaded.campaigns, None if no_state else _state_if_there(settings))
    begin = first.date() if first else wiring.now().date()
    period = Period(begin, last.date() if last else None)
    if period.last is not None and (period.last - begin).days > LONGEST_DAYS:
        raise click.BadParameter("More than ten years.", param_hint="--to")
    if ics:
        soon = {one.address for one in starts_within(occasions, period)}
        chosen = [one for one in occasions if one.address in soon]
        text = agenda_to_ics(chosen, environment=settings.environment, stamped_at=wiring.now())
    else:
        starts = starts_within(occasions, period)
        text = agenda_to_text(starts, paint=output.paint_for(sys.stdout, options.colour))
    output.result(text)


def _state_if_there(settings: Settings) -> Snapshot | None:
    try:
        return wiring.snapshot_of(settings)
    except StateMissing:
        return None
