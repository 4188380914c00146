"""A schedule -> one instant, or what to write instead."""

from datetime import UTC, datetime

import pytest

from msgflash_apply.files.schedule import check_timezone, inverted_zone, start_of, to_instant
from msgflash_apply.findings import Finding, Refused

PLACE = "; or name the place whose clocks are meant, such as "


def refusal(text: str, timezone: str | None = None) -> Finding:
    """What is said about a schedule that names no instant."""
    with pytest.raises(Refused) as caught:
        to_instant(text, timezone)
    return caught.value.finding


def hint_for(name: str, schedule: str | None = None, *, is_for_clocks: bool = False) -> str:
    """What to write instead of a name that is no time zone."""
    with pytest.raises(Refused, match="is not a time zone") as caught:
        check_timezone(name, schedule, is_for_clocks=is_for_clocks)
    return str(caught.value.finding.hint)


@pytest.mark.parametrize(
    ("text", "timezone", "expected"),
    [
        ("2026-11-27T09:00:00+01:00", None, "2026-11-27T08:00:00+00:00"),
        ("2026-11-27T09:00Z", None, "2026-11-27T09:00:00+00:00"),
        ("2026-11-27T09:00-00:00", None, "2026-11-27T09:00:00+00:00"),
        ("2026-11-27T09:00:30.25Z", None, "2026-11-27T09:00:30.250000+00:00"),
        ("2026-11-27T09:00", "Europe/Paris", "2026-11-27T08:00:00+00:00"),
        ("2026-07-01T09:00", "Europe/Paris", "2026-07-01T07:00:00+00:00"),
        ("2026-11-27T09:00-05:00", "Europe/Paris", "2026-11-27T14:00:00+00:00"),
        ("2026-03-29T03:00", "Europe/Paris", "2026-03-29T01:00:00+00:00"),
        ("2026-10-25T03:00", "Europe/Paris", "2026-10-25T02:00:00+00:00"),
        ("1970-01-01T00:00Z", None, "1970-01-01T00:00:00+00:00"),
        ("9998-12-31T23:59:59.999Z", None, "9998-12-31T23:59:59.999000+00:00"),
    ],
)
def test_a_schedule_is_one_instant(text: str, timezone: str | None, expected: str) -> None:
    """An offset wins over the zone, a local time is read in its zone, and the result is UTC."""
    instant = to_instant(text, timezone)

    assert instant == datetime.fromisoformat(expected)
    assert instant.tzinfo is UTC


@pytest.mark.parametrize(
    ("text", "timezone", "message", "hint"),
    [
        (
            "2026-10-25T02:30",
            "Europe/Paris",
            "happens twice in Europe/Paris",
            "write 2026-10-25T02:30+02:00 or 2026-10-25T02:30+01:00",
        ),
        (
            "2026-03-29T02:30:15",
            "Europe/Paris",
            "does not exist in Europe/Paris",
            "write 2026-03-29T03:30:15+02:00 or 2026-03-29T01:30:15+01:00",
        ),
        (
            "2026-04-05T01:45:00.5",
            "Australia/Lord_Howe",
            "happens twice",
            "write 2026-04-05T01:45:00.500+11:00 or 2026-04-05T01:45:00.500+10:30",
        ),
        ("2011-12-30T10:00", "Pacific/Apia", "does not exist", "2011-12-31T10:00+14:00 or 2011-12-29T10:00-10:00"),
    ],
)
def test_clock_changes_are_told_with_both_readings(text: str, timezone: str, message: str, hint: str) -> None:
    """A local time that is skipped or repeated is refused, and the hint can be copied."""
    mistake = refusal(text, timezone)

    assert message in mistake.message
    assert hint in str(mistake.hint)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("2026-11-27", "add one: 2026-11-27T09:00"),
        ("2026-11-27T09:00", "write 2026-11-27T09:00Z for UTC"),
        ("2026-11-27 09:00Z", "write 2026-11-27T09:00Z"),
        ("2026-11-27 9:00", "write 2026-11-27T09:00"),
        ("2026/11/27T09:00Z", "write 2026-11-27T09:00Z"),
        ("20261127T090000Z", "write 2026-11-27T09:00:00Z"),
        ("2026-W48-5T09:00Z", "write 2026-11-27T09:00Z"),
        ("2026-331T09:00Z", "write 2026-11-27T09:00Z"),
        ("2026-11-27t09:00z", "write 2026-11-27T09:00Z"),
        ("2026-11-27T09:00 UTC", "write 2026-11-27T09:00Z"),
        ("2026-11-27T09:00+0100", "write 2026-11-27T09:00+01:00"),
        ("2026-11-27T09:00 +1", "write 2026-11-27T09:00+01:00"),
        ("2026-11-27T09:00 GMT+2", "write 2026-11-27T09:00+02:00"),
        ("2026-11-27T09:00UTC -5:30", "write 2026-11-27T09:00-05:30"),
        ("2026-11-27T09:00:00,5Z", "write 2026-11-27T09:00:00.5Z"),
        ("2026-11-27T09:00:00.123456Z", "write 2026-11-27T09:00:00.123Z"),
        ("2026-12-31T24:00+01:00", "write 2027-01-01T00:00+01:00"),
        ("2026-11-27T25:00Z", "write 00:00 to 23:59"),
        ("2026-11-27T09:00:60Z", "seconds 00 to 59"),
        ("2026-02-30T09:00Z", "write it like 2026-11-27T09:00"),
        ("2026-W99-1T09:00Z", "write it like 2026-11-27T09:00"),
        ("2026-11-27T09:00+15:00", "write -12:00 to +14:00"),
        ("2026-11-27T09:00+01:75", "write -12:00 to +14:00"),
        ("1969-12-31T23:59Z", "from 1970 to 9998"),
        ("1970-01-01T00:30+01:00", "inside them"),
        ("9999-12-31T23:59-01:00", "inside them"),
        ("9999-01-01T00:00Z", "inside them"),
        ("9999-12-31T24:00Z", "write 00:00 to 23:59"),
        ("tomorrow at nine", "write it like 2026-11-27T09:00"),
        ("", "write it like 2026-11-27T09:00"),
        ("2026-11-27T09:00Z\n", "write 2026-11-27T09:00Z"),
        ("\uff12\uff10\uff12\uff16-11-27T09:00Z", "write it like 2026-11-27T09:00"),
    ],
)
def test_other_spellings_are_refused_with_the_right_one(text: str, hint: str) -> None:
    """Whatever else people write for a time, the hint says what to write."""
    assert hint in str(refusal(text).hint)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("Europe/Pari", "Europe/Paris"),
        ("paris", "did you mean Europe/Paris?"),
        ("europe/paris", "did you mean Europe/Paris?"),
        ("New York", "did you mean America/New_York?"),
        ("Europe", "did you mean"),
        ("../../etc/passwd", "IANA name"),
        ("/etc/localtime", "IANA name"),
        ("posix/UTC", "IANA name"),
        ("", "IANA name"),
        ("GMT+25", "write an IANA name such as Europe/Paris"),
        ("CETS", "write an IANA name such as Europe/Paris"),
        ("cet", "did you mean CET?"),
        ("etc/gmt+2", "write an IANA name such as Europe/Paris"),
    ],
)
def test_an_unknown_time_zone_is_told_with_near_ones(name: str, hint: str) -> None:
    """Neither a path nor a folder nor a slip is a time zone."""
    assert hint in hint_for(name)
    assert refusal("2026-11-27T09:00", name).hint == hint_for(name)


@pytest.mark.parametrize("name", ["UTC", "Europe/Paris", "America/Argentina/Buenos_Aires", "Etc/GMT+5", "EST5EDT"])
def test_iana_names_are_time_zones(name: str) -> None:
    """Every IANA name can be used to read a local time."""
    check_timezone(name)

    assert to_instant("2026-11-27T09:00", name).tzinfo is UTC


@pytest.mark.parametrize(
    ("name", "schedule", "hint"),
    [
        (
            "GMT+2",
            "2031-07-02T10:00",
            "2031-07-02T10:00+02:00; or name the place whose clocks are meant, such as Europe/Paris",
        ),
        (
            "GMT +2",
            "2031-01-02T10:00",
            "2031-01-02T10:00+02:00; or name the place whose clocks are meant, such as Africa/Joh",
        ),
        (
            "UTC-5",
            "2031-01-02T10:00:30",
            "2031-01-02T10:00:30-05:00; or name the place whose clocks are meant, such as America/N",
        ),
        ("GMT-5", "2031-07-02T10:00", "2031-07-02T10:00-05:00"),
        (
            "UTC+05:30",
            "2031-07-02T10:00",
            "2031-07-02T10:00+05:30; or name the place whose clocks are meant, such as Asia/Kol",
        ),
        ("utc + 530", "2031-07-02T10:00", "2031-07-02T10:00+05:30"),
        ("+2", "2031-07-02T10:00", "2031-07-02T10:00+02:00"),
        ("-0330", "2031-07-02T10:00", "2031-07-02T10:00-03:30"),
        ("UTC\N{MINUS SIGN}5", "2031-07-02T10:00", "2031-07-02T10:00-05:00"),
        ("UTC+0", "2031-07-02T10:00", "write UTC"),
        (
            "cest",
            "2031-07-02T10:00",
            "2031-07-02T10:00+02:00; or name the place whose clocks are meant, such as Europe/Paris",
        ),
        ("PST", "2031-01-02T10:00", "2031-01-02T10:00-08:00 (America/Los_Angeles) or 2031-01-02T10:00+08:00 (Asia/Man"),
        ("BST", "2031-07-02T10:00", "+01:00 (Europe/London) or 2031-07-02T10:00+06:00 (Asia/Dhaka); or name the place"),
        ("IST", "2031-07-02T10:00", "+05:30 (Asia/Kolkata) or 2031-07-02T10:00+01:00 (Europe/Dublin) or "),
        ("GMT+2", "2031-07-02T10:00+02:00", "delete it, since `schedule` has an offset; or name the place"),
        ("GMT+2", "2031-02-30T24:00", "write the offset in `schedule`: 2026-11-27T09:00+02:00"),
        ("UTC+5:45", "2031-07-02T10:00", "such as Asia/Kathmandu"),
        ("UTC+2:30", "2031-07-02T10:00", "2031-07-02T10:00+02:30; or name the place whose clocks are meant"),
        ("GMT+2", "soon", "write the offset in `schedule`: 2026-11-27T09:00+02:00"),
        (
            "GMT+2",
            None,
            f"write the offset in each `schedule`: 2026-11-27T09:00+02:00{PLACE}Europe/Paris",
        ),
    ],
)
def test_an_offset_in_place_of_a_zone_keeps_its_meaning(name: str, schedule: str | None, hint: str) -> None:
    """What people call `GMT+2` is two hours ahead: the hint says so, and never by a name that means the opposite."""
    found = hint_for(name, schedule)

    assert hint in found
    assert "Etc/" not in found
    if schedule is not None:
        finding = start_of(schedule, name, None)
        assert isinstance(finding, Finding)
        assert (finding.code, finding.path, finding.hint) == ("MF402", ("timezone",), found)


def test_offset_where_only_a_place_will_do() -> None:
    """Quiet hours are read on clocks: an offset cannot be written into a schedule there."""
    assert hint_for("GMT+2", is_for_clocks=True) == "name the place whose clocks are meant, such as Europe/Paris"


@pytest.mark.parametrize(
    ("name", "says", "hint"),
    [
        ("Etc/GMT+2", "2 hours behind UTC", "2031-07-02T10:00-02:00, or 2031-07-02T10:00+02:00 if that is meant"),
        ("Etc/GMT-1", "1 hour ahead of UTC", "2031-07-02T10:00+01:00, or 2031-07-02T10:00-01:00 if that is meant"),
        ("Etc/GMT+11", "11 hours behind UTC", "2031-07-02T10:00-11:00"),
    ],
)
def test_inverted_names_draw_a_warning(name: str, says: str, hint: str) -> None:
    """An IANA name whose sign means the opposite of what it seems to say is taken as it is, with a warning."""
    warning = inverted_zone(name, "2031-07-02T10:00")

    assert warning is not None
    assert (warning.code, warning.is_error, warning.path) == ("MF415", False, ("timezone",))
    assert says in warning.message
    assert hint in str(warning.hint)
    for other in (inverted_zone(name, "2031-07-02T10:00Z"), inverted_zone(name, is_for_clocks=True)):
        assert other is not None
        assert other.hint == "name the place whose clocks are meant, such as Europe/Paris"


@pytest.mark.parametrize("name", ["UTC", "Etc/UTC", "Etc/GMT", "Etc/GMT+0", "Europe/Paris", "CET", "nowhere"])
def test_other_names_draw_none(name: str) -> None:
    """Names without a sign that counts are what they seem."""
    assert inverted_zone(name) is None
