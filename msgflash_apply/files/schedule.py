"""
Local time and zone -> instant: a campaign's `schedule` says one moment, or an error says how to write it.

One spelling is accepted, ISO 8601's extended one with a `T`; `respell` turns others into it, so that a hint can say
what to write. Contract section 2. Read `start_of` first.
"""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, tzinfo
from datetime import timezone as fixed_offset
from difflib import get_close_matches
from functools import cache, lru_cache
from itertools import product
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from msgflash_apply.campaign import FIRST_YEAR, LAST_YEAR
from msgflash_apply.files.bounded_child import Wanted, is_confined
from msgflash_apply.findings import Code, Finding, Refused, Severity

_FORM = re.compile(
    r"(?P<date>\d{4}-\d{2}-\d{2})T(?P<hour>\d{2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.(?P<fraction>\d+))?)?"
    r"(?P<offset>Z|[+-]\d{2}:\d{2})?",
    re.ASCII,
)

_EXAMPLE_TIME = "2026-11-27T09:00"

_SUMMER_TIME = "2026-07-03T09:00"

_EXAMPLE = f"write it like {_EXAMPLE_TIME}, or with an offset like {_EXAMPLE_TIME}+01:00"

_DATE_ONLY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)

_SHOWN_CHARACTERS = 60

_MILLISECOND_DIGITS = 3

_MAX_OFFSET = timedelta(hours=14)  # the widest offset that any zone has had since 1970

LONGEST_ZONE = 64
"""Characters; twice the longest. Looking for a zone goes down folder by folder, however many a name has."""

_ZONE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)*", re.ASCII)

_NOT_ZONES = ("posix/", "right/", "Factory", "localtime", "posixrules")

_NO_PLACES = (*_NOT_ZONES, "Etc/")


def start_of(schedule: str, timezone: str | None, default_timezone: str | None) -> datetime | Finding:
    """The instant of `schedule`, in UTC; what is wrong with it, or with `timezone`, as a finding."""
    try:
        if timezone is not None:
            check_timezone(timezone, schedule)
        return to_instant(schedule, timezone if timezone is not None else default_timezone)
    except Refused as err:
        return err.finding


def to_instant(text: str, timezone: str | None) -> datetime:
    """
    Say which instant a schedule means.

    Args:
        text: ISO 8601, seconds and milliseconds optional; with an offset, or local to `timezone`.
        timezone: IANA name, or None. Beside an offset it is not looked at: it only says how people read the time.

    Returns:
        An aware datetime in UTC, exact to the millisecond, in the years 1970 to 9998.

    Raises:
        Refused: not of that form, no zone, a zone that does not exist, or a local time that a clock change skips or
            repeats.
    """
    found = _FORM.fullmatch(text)
    if found is None:
        if _DATE_ONLY.fullmatch(text):
            raise _bad_schedule(f"`{text}` has no time of day", f"add one: {text}T09:00")
        respelt = respell(text)
        hint = f"write {respelt}" if _FORM.fullmatch(respelt) else _EXAMPLE
        raise _bad_schedule(f"`{text[:_SHOWN_CHARACTERS]}` is not a date and time in the form that is wanted", hint)
    moment = _local(found, text)
    if found["offset"] is not None:
        moment = moment.replace(tzinfo=_offset(found["offset"], text))
    elif timezone is not None:
        check_timezone(timezone, text)
        moment = _once(moment.replace(tzinfo=zone_of(timezone)), text)
    else:
        hint = f"add `timezone:`, or write {text}Z for UTC"
        raise _bad_schedule(f"`{text}` has neither an offset nor a time zone", hint)
    try:
        instant = moment.astimezone(UTC)
    except OverflowError:
        instant = None
    if instant is None or not FIRST_YEAR <= instant.year <= LAST_YEAR:
        message = f"`{text}` lies outside the years {FIRST_YEAR} to {LAST_YEAR} in UTC"
        raise _bad_schedule(message, "write a time inside them")
    return instant


def _bad_schedule(message: str, hint: str) -> Refused:
    return Refused(Finding(Code.BAD_SCHEDULE, ("schedule",), message, hint))


def check_timezone(name: str, schedule: str | None = None, *, is_for_clocks: bool = False) -> None:
    """
    Refuse a name that is not an IANA time zone.

    Args:
        name: as it is written.
        schedule: of the campaign that it is for; None where it is for many.
        is_for_clocks: it says on whose clocks to read other times, where no offset can take its place.

    Raises:
        Refused: with what to write instead, which never means another time.
    """
    if zone_of(name) is None:
        shown = name[:LONGEST_ZONE]
        hint = _offset_hint(shown, schedule, is_for_clocks=is_for_clocks) or _near_zones(shown)
        raise Refused(Finding(Code.BAD_TIMEZONE, ("timezone",), f"`{shown}` is not a time zone", hint))


_zones: dict[str, ZoneInfo | None] = {}


def zone_of(name: str) -> ZoneInfo | None:
    """
    The time zone of an IANA name; None if there is none.

    Raises:
        Wanted: this process can open nothing, and its parent has not read the zone yet.
    """
    if name not in _zones:
        if not is_confined():
            supply_zone(name)
        elif not _zone_names.cache_info().currsize or name in _zone_names():
            raise Wanted(name)
    return _zones.get(name)


_EVERY_ZONE = "*"
"""In place of a name: looking for a place by its offset needs all of them."""


def supply_zone(name: str) -> None:
    """Read a zone for children that can open nothing; where there is none such, the names of all."""
    if name == _EVERY_ZONE:
        for each in _zone_names():
            supply_zone(each)
    _zones[name] = None
    # A name of another form could lead out of the folders where zones are.
    if len(name) <= LONGEST_ZONE and _ZONE_NAME.fullmatch(name) and not name.startswith(_NOT_ZONES):
        with suppress(ZoneInfoNotFoundError, ValueError, OSError):  # a folder of zones, such as `Europe`, is an OSError
            _zones[name] = ZoneInfo(name)
    if _zones[name] is None:
        _zone_names()


@cache
def _zone_names() -> frozenset[str]:
    return frozenset(available_timezones())


_INVERTED = re.compile(r"Etc/GMT(?P<sign>[+-])(?P<hours>[1-9]\d?)", re.ASCII)


def inverted_zone(name: str, schedule: str | None = None, *, is_for_clocks: bool = False) -> Finding | None:
    """Warn of an IANA name such as `Etc/GMT+2`, which is two hours behind UTC; arguments as of `check_timezone`."""
    found = _INVERTED.fullmatch(name)
    if found is None:
        return None
    hours, behind = int(found["hours"]), found["sign"] == "+"
    is_, other = (f"{sign}{hours:02}:00" for sign in ("-+" if behind else "+-"))
    way = "behind" if behind else "ahead of"
    message = f"`{name}` is {hours} hour{'s' * (hours > 1)} {way} UTC: names of this kind have the sign inverted"
    local = _local_part(schedule)
    hint = f"write the offset in `schedule`: {local}{is_}, or {local}{other} if that is meant"
    if is_for_clocks or _has_offset(schedule):
        hint = "name the place whose clocks are meant, such as Europe/Paris"
    return Finding(Code.INVERTED_TIMEZONE, ("timezone",), message, hint, severity=Severity.WARNING)


def _has_offset(schedule: str | None) -> bool:
    found = _FORM.fullmatch(schedule or "")
    return found is not None and found["offset"] is not None


def _local_part(schedule: str | None) -> str:
    """The date and time of a schedule without its offset; an example where it has none that exists."""
    found = _FORM.fullmatch(schedule or "")
    if found is None:
        return _EXAMPLE_TIME
    local = found[0].removesuffix(found["offset"] or "")
    try:
        datetime.fromisoformat(local)
    except ValueError:
        return _EXAMPLE_TIME
    return local


_OFFSET = re.compile(
    r"(?:UTC|GMT)?\s*(?P<sign>[+-])\s*(?P<hours>\d{1,2})(?::?(?P<minutes>\d{2}))?h?", re.ASCII | re.IGNORECASE
)

_ABBREVIATIONS: Mapping[str, Sequence[tuple[str, str]]] = {
    "ACST": [("+09:30", "Australia/Adelaide")],
    "AEDT": [("+11:00", "Australia/Sydney")],
    "AEST": [("+10:00", "Australia/Sydney")],
    "AKDT": [("-08:00", "America/Anchorage")],
    "AKST": [("-09:00", "America/Anchorage")],
    "ART": [("-03:00", "America/Argentina/Buenos_Aires")],
    "AST": [("-04:00", "America/Halifax"), ("+03:00", "Asia/Riyadh")],
    "AWST": [("+08:00", "Australia/Perth")],
    "BRT": [("-03:00", "America/Sao_Paulo")],
    "BST": [("+01:00", "Europe/London"), ("+06:00", "Asia/Dhaka")],
    "CAT": [("+02:00", "Africa/Maputo")],
    "CDT": [("-05:00", "America/Chicago"), ("-04:00", "America/Havana")],
    "CEST": [("+02:00", "Europe/Paris")],
    "CST": [("-06:00", "America/Chicago"), ("+08:00", "Asia/Shanghai")],
    "EAT": [("+03:00", "Africa/Nairobi")],
    "EDT": [("-04:00", "America/New_York")],
    "EEST": [("+03:00", "Europe/Athens")],
    "GST": [("+04:00", "Asia/Dubai")],
    "HKT": [("+08:00", "Asia/Hong_Kong")],
    "IST": [("+05:30", "Asia/Kolkata"), ("+01:00", "Europe/Dublin"), ("+02:00", "Asia/Jerusalem")],
    "JST": [("+09:00", "Asia/Tokyo")],
    "KST": [("+09:00", "Asia/Seoul")],
    "MDT": [("-06:00", "America/Denver")],
    "MESZ": [("+02:00", "Europe/Berlin")],
    "MEZ": [("+01:00", "Europe/Berlin")],
    "MSK": [("+03:00", "Europe/Moscow")],
    "NZDT": [("+13:00", "Pacific/Auckland")],
    "NZST": [("+12:00", "Pacific/Auckland")],
    "PDT": [("-07:00", "America/Los_Angeles")],
    "PKT": [("+05:00", "Asia/Karachi")],
    "PST": [("-08:00", "America/Los_Angeles"), ("+08:00", "Asia/Manila")],
    "SAST": [("+02:00", "Africa/Johannesburg")],
    "SGT": [("+08:00", "Asia/Singapore")],
    "WAT": [("+01:00", "Africa/Lagos")],
    "WEST": [("+01:00", "Europe/Lisbon")],
    "WIB": [("+07:00", "Asia/Jakarta")],
}
"""What people write, and IANA does not know. Several meanings stay several: a hint never picks one."""

_PLACES = (
    "Europe/Paris", "Europe/London", "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles",
    "America/Sao_Paulo", "America/Bogota", "America/Mexico_City", "Africa/Johannesburg", "Europe/Istanbul",
    "Asia/Dubai", "Asia/Karachi", "Asia/Kolkata", "Asia/Dhaka", "Asia/Jakarta", "Asia/Singapore", "Asia/Tokyo",
    "Australia/Adelaide", "Australia/Sydney", "Pacific/Auckland", "America/Anchorage", "Pacific/Honolulu",
)  # fmt: skip
"""One for each usual offset; the first that has it at the time in question is the example."""


def _offset_hint(name: str, schedule: str | None, *, is_for_clocks: bool) -> str | None:
    """
    Say how to write what an offset (`GMT+2`) or an abbreviation (`CEST`) means; None for other names.

    Never by `Etc/GMT+2`, which means the opposite.
    """
    written = name.strip().replace("\N{MINUS SIGN}", "-").replace("\N{EN DASH}", "-")
    local = _local_part(schedule)
    meanings: Sequence[tuple[str, str | None]] = _ABBREVIATIONS.get(written.upper(), ())
    if (found := _OFFSET.fullmatch(written)) is not None:
        offset = f"{found['sign']}{int(found['hours']):02}:{found['minutes'] or '00'}"
        if offset[1:] == "00:00":
            return "write UTC"
        try:
            moments = (_EXAMPLE_TIME, _SUMMER_TIME) if schedule is None else (local,)
            meanings = [(offset, _place_with(_offset(offset, offset), *moments))]
        except Refused:
            return None
    if not meanings:
        return None
    places = " or ".join(place for _, place in meanings if place is not None)
    name_place = "name the place whose clocks are meant" + (f", such as {places}" if places else "")
    if is_for_clocks:
        return name_place
    if _has_offset(schedule):
        return f"delete it, since `schedule` has an offset; or {name_place}"
    each = "each `schedule`" if schedule is None else "`schedule`"
    if len(meanings) > 1:
        choices = " or ".join(f"{local}{offset} ({place})" for offset, place in meanings)
        return f"write the offset in {each}: {choices}; or name the place"
    return f"write the offset in {each}: {local}{meanings[0][0]}; or {name_place}"


@lru_cache(maxsize=1024)
def _place_with(offset: tzinfo, *moments: str) -> str | None:
    """Find a place whose clocks have an offset at one of some local times; None where no clocks do."""
    if is_confined() and _EVERY_ZONE not in _zones:
        raise Wanted(_EVERY_ZONE)
    others = (zone for zone in sorted(_zone_names()) if "/" in zone and not zone.startswith(_NO_PLACES))
    for place, moment in product((*_PLACES, *others), map(datetime.fromisoformat, moments)):
        zone = zone_of(place)
        if zone is not None and moment.replace(tzinfo=zone).utcoffset() == offset.utcoffset(None):
            return place
    return None


@lru_cache(maxsize=1024)  # looking takes long, and many campaigns may have the same mistake
def _near_zones(name: str) -> str:
    """The name in its right case, by all of it or by its city alone; else the nearest places."""
    wanted = name.lower().replace(" ", "_")
    by_spelling: dict[str, str] = {}
    for known in sorted(zone for zone in _zone_names() if not zone.startswith(_NO_PLACES)):
        by_spelling.setdefault(known.rpartition("/")[2].lower(), known)
        by_spelling[known.lower()] = known
    if wanted in by_spelling:
        return f"did you mean {by_spelling[wanted]}?"
    # Not `CET` for `CETS` or the like: one letter more is another time.
    places = [spelling for spelling, known in by_spelling.items() if "/" in known]
    near = dict.fromkeys(by_spelling[match] for match in get_close_matches(wanted, places, n=3, cutoff=0.7))
    return "did you mean " + " or ".join(near) + "?" if near else "write an IANA name such as Europe/Paris"


def _local(found: re.Match[str], text: str) -> datetime:
    """The wall clock's date and time, without a zone."""
    try:
        day = date.fromisoformat(found["date"])
    except ValueError:
        raise _bad_schedule(f"`{found['date']}` is not a day of the calendar", _EXAMPLE) from None
    if day.year < FIRST_YEAR:
        raise _bad_schedule(f"`{text}` lies before {FIRST_YEAR}", f"write a year from {FIRST_YEAR} to {LAST_YEAR}")
    hour, minute, second = int(found["hour"]), int(found["minute"]), int(found["second"] or 0)
    if hour == 24 and minute == second == 0 and day < date.max:
        midnight = f"{day + timedelta(days=1)}T00:00{found['offset'] or ''}"
        raise _bad_schedule("24:00 is not a time of day", f"write {midnight} for the midnight that ends {day}")
    fraction = found["fraction"] or "0"
    if len(fraction) > _MILLISECOND_DIGITS:
        shorter = text.replace("." + fraction, "." + fraction[:_MILLISECOND_DIGITS])
        raise _bad_schedule("a schedule is exact to the millisecond", f"write {shorter}")
    microsecond = int(fraction.ljust(6, "0"))
    try:
        return datetime(day.year, day.month, day.day, hour, minute, second, microsecond)  # noqa: DTZ001 - zone follows
    except ValueError:
        clock = text.partition("T")[2]
        raise _bad_schedule(f"`{clock}` is not a time of day", "write 00:00 to 23:59, seconds 00 to 59") from None


def _offset(text: str, whole: str) -> tzinfo:
    if text == "Z":
        return UTC
    hours, minutes = int(text[1:3]), int(text[4:6])
    offset = timedelta(hours=hours, minutes=minutes)
    if minutes > 59 or offset > _MAX_OFFSET:
        raise _bad_schedule(f"`{text}` in `{whole}` is not an offset from UTC", "write -12:00 to +14:00")
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
        raise _bad_schedule(f"`{text}` happens twice in {zone}, where clocks go back", choices)
    raise _bad_schedule(f"`{text}` does not exist in {zone}, where clocks go forward", choices)


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
        (r"(T\d.*?)\s*(?:UTC|GMT)\s*(?=[+-]\d)", r"\1"),  # GMT+2, as people mean it
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
