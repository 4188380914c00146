"""How often MsgFlash's pauses are told."""

from msgflash_apply.apply.create import PATIENCE_TOLD_EVERY_SECONDS, Patience


def test_every_long_pause_is_told_once() -> None:
    """A long pause is told, and requests in flight that are refused for it as well tell nothing new."""
    patience = Patience()
    assert patience.is_news(600, 100.0)
    assert not patience.is_news(600, 100.2)
    assert not patience.is_news(3, 300.0)
    assert patience.is_news(600, 701.0)


def test_of_short_pauses_one_is_told_now_and_then() -> None:
    """The many short pauses of a shared key are told every few seconds, and a long one among them at once."""
    patience = Patience()
    told = [moment for moment in range(20) if patience.is_news(0.1, float(moment))]
    assert told == [0, PATIENCE_TOLD_EVERY_SECONDS + 1, 2 * PATIENCE_TOLD_EVERY_SECONDS + 2, 18]
    assert patience.is_news(30, 19.0)


def test_no_pause_is_no_news() -> None:
    """Where nobody waits nothing is told."""
    assert not Patience().is_news(0.0, 100.0)
