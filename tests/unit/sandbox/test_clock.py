"""The sandbox's clock."""

from datetime import timedelta

import pytest

from msgflash_apply.sandbox.clock import Clock, format_instant, month_of
from tests.support.sandbox import NOON


def test_runs_at_its_speed() -> None:
    """Two real seconds at 3600 are two hours."""
    times = iter([100.0, 102.0])
    assert Clock(NOON, 3600, lambda: next(times)).now() == NOON + timedelta(hours=2)


def test_stands_still_until_told() -> None:
    """At speed 0 only `advance` moves it."""
    times = iter([100.0, 200.0, 300.0])
    clock = Clock(NOON, 0, lambda: next(times))
    assert clock.now() == NOON
    assert clock.advance(5) == NOON + timedelta(seconds=5)


@pytest.mark.parametrize("seconds", [-1, 1e12, float("nan")])
def test_never_goes_back(seconds: float) -> None:
    """A step back, beyond ten years or of no length at all is refused."""
    with pytest.raises(ValueError, match="can advance by"):
        Clock(NOON, 0, lambda: 0.0).advance(seconds)


def test_spells_as_the_api_does() -> None:
    """Instants are UTC with milliseconds and Z; months are UTC months (2.1, 10.5)."""
    moment = NOON.replace(microsecond=123_999)
    assert (format_instant(moment), month_of(moment)) == ("2027-03-01T12:00:00.123Z", "2027-03")
