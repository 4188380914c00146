"""The calendar: a table that reads well, and iCalendar that another program reads."""

from datetime import UTC, datetime

import pytest
from icalendar import Calendar

from msgflash_apply.campaign import Address
from msgflash_apply.operations.calendar_ import Occasion
from msgflash_apply.report.icalendar import agenda_to_ics, agenda_to_text
from msgflash_apply.report.layout import PLAIN, Paint

STARTS_AT = datetime(2026, 11, 27, 8, 0, tzinfo=UTC)
STAMPED_AT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SALE = Occasion(Address("promo/sale"), "Acme: Sale", STARTS_AT, "Europe/Paris", "none", "shop", "tags", "scheduled")
DAILY = Occasion(Address('promo/each["fr"]'), "Every day", STARTS_AT, None, "daily", "", "all")
HOSTILE = (
    "a;b,c\\d\nBEGIN:VEVENT",
    "END:VEVENT\r\nEND:VCALENDAR\r\n",
    "日本語" * 60,
    "\x00\x1b[31m\u202e\u2028",
    'x" RRULE:FREQ=SECONDLY',
)


def read(*occasions: Occasion, environment: str = "default") -> Calendar:
    """Write a calendar and read it with another program's reader."""
    text = agenda_to_ics(occasions, environment=environment, stamped_at=STAMPED_AT)
    found = Calendar.from_ical(text.encode())
    assert isinstance(found, Calendar)
    return found


def test_table_by_day() -> None:
    """Day and weekday head their starts; each line has zone, address, name, instance, audience, repeat and status."""
    text = agenda_to_text([SALE, DAILY], paint=PLAIN)
    assert text == (
        "Fri 27 Nov 2026\n"
        "  09:00 Europe/Paris  promo/sale        Acme: Sale  shop                    to tags         scheduled\n"
        '  08:00 UTC           promo/each["fr"]  Every day   the only connected one  to all   daily  not created yet\n'
        "\n"
        "2 starts.\n"
    )


def test_nothing_is_said_too() -> None:
    """A time without starts says so."""
    assert agenda_to_text([], paint=Paint(colour=True)) == "Nothing goes out in this time.\n"


def test_event_as_a_calendar_program_reads_it() -> None:
    """Start, name, what it is about and whether it is confirmed are where RFC 5545 wants them."""
    calendar = read(SALE)
    [event] = calendar.events
    assert calendar["VERSION"] == "2.0"
    assert event.start == STARTS_AT
    assert event["SUMMARY"] == "Acme: Sale"
    assert event["STATUS"] == "CONFIRMED"
    assert event.DTSTAMP == STAMPED_AT
    assert "Start: Fri 27 Nov 2026 09:00 Europe/Paris\nInstance: shop" in str(event["DESCRIPTION"])


def test_repeats_are_rules() -> None:
    """A daily campaign is one event that repeats; what is not created yet is tentative."""
    [event] = read(DAILY).events
    assert event["RRULE"].to_ical() == b"FREQ=DAILY"
    assert event["STATUS"] == "TENTATIVE"


def test_uid_is_stable_and_of_its_environment() -> None:
    """The next export updates the same event; another environment's campaign is another one."""
    first, again, other = (read(SALE, environment=name).events[0]["UID"] for name in ("a", "a", "b"))
    assert first == again != other


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_in_its_property(text: str) -> None:
    """Whatever a campaign is called, there is one event with its one start, and every line has its length."""
    one = Occasion(Address(text), text, STARTS_AT, None, "none", text, text, text)
    [event] = read(one).events
    assert sorted(event) == sorted(["UID", "DTSTAMP", "DTSTART", "SUMMARY", "DESCRIPTION", "STATUS", "TRANSP"])
    written = agenda_to_ics([one], environment=text, stamped_at=STAMPED_AT)
    assert all(len(line.encode()) <= 75 for line in written.split("\r\n"))
    assert "\n" not in written.replace("\r\n", "")


def test_doubt_is_shown() -> None:
    """It is unknown whether it goes out, and the table says so."""
    doubted = Occasion(Address("x"), "x", STARTS_AT, None, "none", "", "all", None, in_doubt=True)
    assert "in doubt" in agenda_to_text([doubted], paint=PLAIN)
