"""Moments are given in their zone and with their distance."""

from datetime import UTC, datetime, timedelta

import pytest

from msgflash_apply.report.wording import distance, in_zone, with_distance
from tests.unit.report.builders import NOW, STARTS_AT

DISTANCES = {
    timedelta(days=3, hours=22, minutes=59): "in 3 d 22 h",
    timedelta(days=400): "in 400 d",
    timedelta(hours=2, minutes=5): "in 2 h 5 min",
    timedelta(hours=1): "in 1 h",
    timedelta(minutes=10, seconds=59): "in 10 min",
    timedelta(seconds=42): "in 42 s",
    timedelta(milliseconds=900): "now",
    timedelta(): "now",
    timedelta(minutes=-2): "2 min ago",
    timedelta(days=-1, hours=-3): "1 d 3 h ago",
}


@pytest.mark.parametrize(("away", "expected"), DISTANCES.items())
def test_distance(away: timedelta, expected: str) -> None:
    """Distances name their two largest units, rounded down."""
    assert distance(NOW + away, NOW) == expected


def test_moment_in_its_zone() -> None:
    """A start reads as in its zone, with how far off it is."""
    assert with_distance(STARTS_AT, "Europe/Paris", NOW) == "Fri 27 Nov 2026 09:00 Europe/Paris, in 3 d 22 h"


def test_moment_without_a_zone() -> None:
    """Without a zone, and with one that does not exist, a start reads in UTC, and says so."""
    assert in_zone(STARTS_AT, None) == "Fri 27 Nov 2026 08:00 UTC"
    assert {
        in_zone(STARTS_AT, zone)
        for zone in ("Nowhere/City", "../etc", "/dev/zero", "Europe/../../dev/zero", "a\0b", "x" * 65, "Europe", "")
    } == {in_zone(STARTS_AT, None)}


def test_seconds_are_shown_where_there_are_any() -> None:
    """A start that is not on the minute says so."""
    assert in_zone(STARTS_AT + timedelta(seconds=7), "UTC") == "Fri 27 Nov 2026 08:00:07 UTC"


@pytest.mark.parametrize(("hour", "offset"), [(0, "+02:00"), (1, "+01:00")])
def test_hour_that_exists_twice(hour: int, offset: str) -> None:
    """Where the clock is put back, the offset tells the two equal times apart."""
    moment = datetime(2026, 10, 25, hour, 30, tzinfo=UTC)
    assert in_zone(moment, "Europe/Paris") == f"Sun 25 Oct 2026 02:30 Europe/Paris ({offset})"
