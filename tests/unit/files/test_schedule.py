"""A schedule -> one instant, or what to write instead."""

from datetime import UTC, datetime

import pytest

from msgflash_apply.files.schedule import BadSchedule, check_timezone, to_instant


def refusal(text: str, timezone: str | None = None) -> BadSchedule:
    """What is said about a schedule that names no instant."""
    with pytest.raises(BadSchedule) as caught:
        to_instant(text, timezone)
    return caught.value


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
    assert hint in mistake.hint


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
    assert hint in refusal(text).hint


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
        ("GMT+25", "did you mean"),
    ],
)
def test_an_unknown_time_zone_is_told_with_near_ones(name: str, hint: str) -> None:
    """Neither a path nor a folder nor a slip is a time zone."""
    with pytest.raises(BadSchedule, match="is not a time zone") as caught:
        check_timezone(name)

    assert hint in caught.value.hint
    assert refusal("2026-11-27T09:00", name).hint == caught.value.hint


@pytest.mark.parametrize("name", ["UTC", "Europe/Paris", "America/Argentina/Buenos_Aires", "Etc/GMT+5", "EST5EDT"])
def test_iana_names_are_time_zones(name: str) -> None:
    """Every IANA name can be used to read a local time."""
    check_timezone(name)

    assert to_instant("2026-11-27T09:00", name).tzinfo is UTC
