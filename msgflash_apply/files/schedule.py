"""
Local time and zone -> instant: a campaign's `schedule` says one moment, or an error says how to write it.

One spelling is accepted, ISO 8601's extended one with a `T`; `respell` turns others into it, so that a hint can say
what to write. Contract section 2. Read `start_of` first.
"""

import re
from datetime import UTC, date, datetime, timedelta, tzinfo
from datetime import timezone as fixed_offset
from difflib import get_close_matches
from functools import lru_cache
from typing import cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from msgflash_apply.campaign import FIRST_YEAR, LAST_YEAR
from msgflash_apply.findings import Code, Finding
from msgflash_apply.models.campaign_file import Fields

_FORM = re.compile(
    r"(?P<date>\d{4}-\d{2}-\d{2})T(?P<hour>\d{2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.(?P<fraction>\d+))?)?"
    r"(?P<offset>Z|[+-]\d{2}:\d{2})?",
    re.ASCII,
)

_EXAMPLE = "write it like 2026-11-27T09:00, or with an offset like 2026-11-27T09:00+01:00"

_DATE_ONLY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)

_SHOWN_CHARACTERS = 60

_MILLISECOND_DIGITS = 3

_MAX_OFFSET = timedelta(hours=14)  # the widest offset that any zone has had since 1970

LONGEST_ZONE = 64
"""Characters; twice the longest. Looking for a zone goes down folder by folder, however many a name has."""

_ZONE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)*", re.ASCII)

_NOT_ZONES = ("posix/", "right/", "Factory", "localtime", "posixrules")


class BadSchedule(Exception):
    """
    A text that does not name one instant, or a time zone that does not exist.

    Attributes:
        message: what is wrong, without a full stop.
        hint: what to write instead, exactly where that can be known.
    """

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def start_of(fields: Fields, default_timezone: str | None) -> datetime | Finding:
    """The instant of `schedule`, in UTC; what is wrong with it, or with `timezone`, as a finding."""
    timezone = cast("str | None", fields.get("timezone", default_timezone))
    code, path = Code.BAD_TIMEZONE, "timezone"
    try:
        if "timezone" in fields:
            check_timezone(str(timezone))
        code, path = Code.BAD_SCHEDULE, "schedule"
        return to_instant(str(fields["schedule"]), timezone)
    except BadSchedule as err:
        return Finding(code, (path,), err.message, err.hint)


def to_instant(text: str, timezone: str | None) -> datetime:
    """
    Say which instant a schedule means.

    Args:
        text: ISO 8601, seconds and milliseconds optional; with an offset, or local to `timezone`.
        timezone: IANA name, or None. Beside an offset it is not looked at: it only says how people read the time.

    Returns:
        An aware datetime in UTC, exact to the millisecond, in the years 1970 to 9998.

    Raises:
        BadSchedule: not of that form, no zone, a zone that does not exist, or a local time that a clock change
            skips or repeats.
    """
    found = _FORM.fullmatch(text)
    if found is None:
        if _DATE_ONLY.fullmatch(text):
            raise BadSchedule(f"`{text}` has no time of day", f"add one: {text}T09:00")
        respelt = respell(text)
        hint = f"write {respelt}" if _FORM.fullmatch(respelt) else _EXAMPLE
        raise BadSchedule(f"`{text[:_SHOWN_CHARACTERS]}` is not a date and time in the form that is wanted", hint)
    moment = _local(found, text)
    if found["offset"] is not None:
        moment = moment.replace(tzinfo=_offset(found["offset"], text))
    elif timezone is not None:
        moment = _once(moment.replace(tzinfo=_zone(timezone)), text)
    else:
        hint = f"add `timezone:`, or write {text}Z for UTC"
        raise BadSchedule(f"`{text}` has neither an offset nor a time zone", hint)
    try:
        instant = moment.astimezone(UTC)
    except OverflowError:
        instant = None
    if instant is None or not FIRST_YEAR <= instant.year <= LAST_YEAR:
        message = f"`{text}` lies outside the years {FIRST_YEAR} to {LAST_YEAR} in UTC"
        raise BadSchedule(message, "write a time inside them")
    return instant


def check_timezone(name: str) -> None:
    """
    Refuse a name that is not an IANA time zone.

    Raises:
        BadSchedule: with the names that come near.
    """
    _zone(name)


@lru_cache(maxsize=1024)
def _zone(name: str) -> ZoneInfo:
    # A name of another form could lead out of the folders where zones are.
    if len(name) <= LONGEST_ZONE and _ZONE_NAME.fullmatch(name) and not name.startswith(_NOT_ZONES):
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):  # a folder of zones, such as `Europe`, is an OSError
            pass
    raise BadSchedule(f"`{name[:LONGEST_ZONE]}` is not a time zone", _near_zones(name[:LONGEST_ZONE]))


@lru_cache(maxsize=1024)  # looking takes long, and many campaigns may have the same mistake
def _near_zones(name: str) -> str:
    """The nearest names, by the whole name or by its city alone, whatever the case."""
    wanted = name.lower().replace(" ", "_")
    by_spelling: dict[str, str] = {}
    for known in sorted(zone for zone in available_timezones() if not zone.startswith(_NOT_ZONES)):
        by_spelling.setdefault(known.rpartition("/")[2].lower(), known)
        by_spelling[known.lower()] = known
    if wanted in by_spelling:
        return f"did you mean {by_spelling[wanted]}?"
    near = dict.fromkeys(by_spelling[match] for match in get_close_matches(wanted, by_spelling, n=3, cutoff=0.7))
    return "did you mean " + " or ".join(near) + "?" if near else "write an IANA name such as Europe/Paris"


def _local(found: re.Match[str], text: str) -> datetime:
    """The wall clock's date and time, without a zone."""
    try:
        day = date.fromisoformat(found["date"])
    except ValueError:
        raise BadSchedule(f"`{found['date']}` is not a day of the calendar", _EXAMPLE) from None
    if day.year < FIRST_YEAR:
        raise BadSchedule(f"`{text}` lies before {FIRST_YEAR}", f"write a year from {FIRST_YEAR} to {LAST_YEAR}")
    hour, minute, second = int(found["hour"]), int(found["minute"]), int(found["second"] or 0)
    if hour == 24 and minute == second == 0 and day < date.max:
        midnight = f"{day + timedelta(days=1)}T00:00{found['offset'] or ''}"
        raise BadSchedule("24:00 is not a time of day", f"write {midnight} for the midnight that ends {day}")
    fraction = found["fraction"] or "0"
    if len(fraction) > _MILLISECOND_DIGITS:
        shorter = text.replace("." + fraction, "." + fraction[:_MILLISECOND_DIGITS])
        raise BadSchedule("a schedule is exact to the millisecond", f"write {shorter}")
    microsecond = int(fraction.ljust(6, "0"))
    try:
        return datetime(day.year, day.month, day.day, hour, minute, second, microsecond)  # noqa: DTZ001 - zone follows
    except ValueError:
        clock = text.partition("T")[2]
        raise BadSchedule(f"`{clock}` is not a time of day", "write 00:00 to 23:59, seconds 00 to 59") from None


def _offset(text: str, whole: str) -> tzinfo:
    if text == "Z":
        return UTC
    hours, minutes = int(text[1:3]), int(text[4:6])
    offset = timedelta(hours=hours, minutes=minutes)
    if minutes > 59 or offset > _MAX_OFFSET:
        raise BadSchedule(f"`{text}` in `{whole}` is not an offset from UTC", "write -12:00 to +14:00")
    return fixed_offset(-offset if text[0] == "-" else offset)


def _once(moment: datetime, text: str) -> datetime:
    """Refuse a local time that its zone's clocks skip or show twice; the round trip shows which."""
    second = moment.replace(fold=1)
    if moment.utcoffset() == second.utcoffset():
        return moment
    zone = moment.tzinfo
    there = [each.astimezone(UTC).astimezone(zone) for each in (moment, second)]
    units = ("milliseconds" if one.microsecond else "seconds" if one.second else "minutes" for one in there)
    choices = "write " + " or ".join(one.isoformat(timespec=unit) for one, unit in zip(there, units, strict=True))
    if there[0].replace(tzinfo=None) == moment.replace(tzinfo=None):
        raise BadSchedule(f"`{text}` happens twice in {zone}, where clocks go back", choices)
    raise BadSchedule(f"`{text}` does not exist in {zone}, where clocks go forward", choices)


_WEEK = re.compile(r"(?P<year>\d{4})-?W(?P<week>\d{2})(?:-?(?P<day>[1-7]))?", re.ASCII)

_ORDINAL = re.compile(r"(?P<year>\d{4})-?(?P<day>\d{3})(?=T|$)", re.ASCII)

_RESPELLINGS = tuple(
    (re.compile(pattern, re.ASCII), replacement)
    for pattern, replacement in (
        (r"^(\d{4})[/.]?(\d{2})[/.]?(\d{2})(?=\D|$)", r"\1-\2-\3"),  # 20261127, 2026/11/27
        (r"^(\d{4}-\d{2}-\d{2})[ t_]+", r"\1T"),  # a blank or a small t
        (r"T(\d{2})(\d{2})(\d{2})(?=\D|$)", r"T\1:\2:\3"),  # T090000
        (r"T(\d{2})(\d{2})(?=\D|$)", r"T\1:\2"),  # T0900
        (r"T(\d):", r"T0\1:"),  # T9:00
        (r"(:\d{2}),(\d)", r"\1.\2"),  # a comma before the fraction
        (r"(\.\d{3})\d+", r"\1"),  # microseconds
        (r"(\d)\s*(?:z|UTC|GMT)$", r"\1Z"),  # a small z
        (r"(\d)\s+(?=[+-]\d)", r"\1"),  # a blank before the offset
        (r"(T.*[+-])(\d)(?=$|:)", r"\g<1>0\2"),  # +1
        (r"(T.*[+-]\d{2})(\d{2})$", r"\1:\2"),  # +0100
        (r"(T.*[+-]\d{2})$", r"\1:00"),  # +01
    )
)


def respell(text: str) -> str:
    """
    Turn what people and ISO 8601 also write into the accepted spelling, as far as it can be known.

    The result may still be none: it is a proposal, and its reader checks it.
    """
    text = text.strip()
    try:  # a week date or an ordinal date
        if found := _WEEK.match(text):
            day = date.fromisocalendar(int(found["year"]), int(found["week"]), int(found["day"] or 1))
            text = day.isoformat() + text[found.end() :]
        elif found := _ORDINAL.match(text):
            day = date(int(found["year"]), 1, 1) + timedelta(days=int(found["day"]) - 1)
            text = day.isoformat() + text[found.end() :]
    except (ValueError, OverflowError):
        pass
    for pattern, replacement in _RESPELLINGS:
        text = pattern.sub(replacement, text)
    return text
