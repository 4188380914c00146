"""How often MsgFlash's pauses are reported."""

from msgflash_apply.apply.run import PAUSES_REPORTED_EVERY_SECONDS, PauseReports


def test_every_long_pause_is_reported_once() -> None:
    """A long pause is reported, and requests in flight that are refused for it as well are no news."""
    reports = PauseReports()
    assert reports.is_news(600, 100.0)
    assert not reports.is_news(600, 100.2)
    assert not reports.is_news(3, 300.0)
    assert reports.is_news(600, 701.0)


def test_short_pauses_are_reported_now_and_then() -> None:
    """The many short pauses of a shared key are reported every few seconds, and a long one among them at once."""
    reports = PauseReports()
    reported = [moment for moment in range(20) if reports.is_news(0.1, float(moment))]
    assert reported == [0, PAUSES_REPORTED_EVERY_SECONDS + 1, 2 * PAUSES_REPORTED_EVERY_SECONDS + 2, 18]
    assert reports.is_news(30, 19.0)


def test_no_pause_is_no_news() -> None:
    """Where nothing waits nothing is reported."""
    assert not PauseReports().is_news(0.0, 100.0)
