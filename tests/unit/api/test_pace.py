"""The arithmetic of the pace, at given times."""

import itertools

import pytest

from msgflash_apply.api.limiter import FIRST_PAUSE_SECONDS, HOPELESS_AFTER, LONGEST_PAUSE_SECONDS, Pace

BEST = 10


def a_pace(requests_per_second: float = BEST, jitter: float = 0.5) -> Pace:
    """Make a pace that started a request at 100 s."""
    pace = Pace(requests_per_second, lambda: jitter)
    pace.start(100.0)
    return pace


def gap(pace: Pace, now: float) -> float:
    """Start a request at `now`, long after the one before, and tell the spacing that follows."""
    pace.start(now)
    return pace.next_at - now


def test_alone_the_spacing_is_the_configured_one() -> None:
    """Without a refusal every start is exactly one spacing after the one before it, as late as that one was."""
    pace = a_pace()
    assert [gap(pace, now) for now in (101.0, 101.25, 190.0)] == pytest.approx([0.1] * 3)


def test_no_limit_means_no_wait() -> None:
    """A rate of zero hands out every start at once, until a request is refused."""
    pace = a_pace(0)
    assert pace.next_at == 100
    pace.refuse(100.0, 100.1, 0.0)
    pace.start(pace.next_at)
    assert pace.next_at - pace.paused_until == pytest.approx(1 / 95)
    assert gap(pace, 200.0) == 0


def test_single_refusal_costs_little() -> None:
    """One after seconds of calm is taken for chance; another one soon after it means that others send too."""
    pace = a_pace()
    pace.refuse(107.0, 107.0, 0.0)
    alone = 1 / gap(pace, pace.paused_until)
    pace.refuse(108.5, 108.5, 0.0)
    soon = 1 / gap(pace, pace.paused_until)

    assert alone == pytest.approx(0.95 * BEST)
    assert soon == pytest.approx(0.8 * BEST)


def test_requests_refused_together_count_once() -> None:
    """Several in flight when the first of them is refused slow the pace down like one."""
    alone, together = a_pace(), a_pace()
    for pace in (alone, together):
        pace.refuse(100.0, 100.2, 0.0)
    for late in range(5):
        together.refuse(100.05, 100.21 + late / 100, 0.0)
    assert together.next_at == alone.next_at
    assert gap(together, 101.0) == gap(alone, 101.0)


def test_refusals_in_a_row_pause_longer_and_longer() -> None:
    """Each refusal with none let through in between doubles the pause, up to a bound."""
    pace, now, pauses = a_pace(), 100.0, []
    for _ in range(8):
        pace.refuse(now, now, 0.0)
        pauses.append(pace.paused_until - now)
        now = pace.next_at
    assert pauses == pytest.approx([min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**n) for n in range(8)])
    pace.admit(now)
    pace.refuse(now, now, 0.0)
    assert pace.paused_until - now == pytest.approx(FIRST_PAUSE_SECONDS)


def test_old_answer_does_not_end_a_row() -> None:
    """A request that left before the last refusal and was let through says nothing about now."""
    pace = a_pace()
    pace.refuse(100.0, 100.2, 0.0)
    pace.admit(100.1)
    pace.refuse(101.0, 101.2, 0.0)
    assert pace.paused_until - 101.2 == pytest.approx(2 * FIRST_PAUSE_SECONDS)


@pytest.mark.parametrize("jitter", [0.0, 0.5, 1.0])
def test_asked_wait_is_obeyed(jitter: float) -> None:
    """Nothing starts before MsgFlash wants it, and no later than a quarter after; the longest wait holds."""
    pace = a_pace(jitter=jitter)
    pace.refuse(100.0, 100.2, 20.0)
    pace.refuse(100.1, 100.3, 1.0)
    assert 120.2 <= pace.next_at <= 125.2


@pytest.mark.parametrize(("best", "widest"), [(BEST, 2.0), (0.2, 5.0)])
def test_lowered_rate_grows_back_to_the_configured_one(best: float, widest: float) -> None:
    """The spacing after many refusals is wide but bounded; with calm it ends at the configured one."""
    pace = a_pace(best)
    for number in range(40):
        pace.refuse(101.0 + number, 101.0 + number, 0.0)
    until = pace.paused_until
    pace.start(until)

    assert pace.next_at - until == pytest.approx(widest)
    assert [gap(pace, until + calm) for calm in (10, 20)] == pytest.approx([1 / best] * 2)


def test_lowered_rate_grows_ever_faster() -> None:
    """Each second of calm brings more than the one before it."""
    rates = []
    for calm in range(5):
        pace = a_pace()
        pace.refuse(103.0, 103.0, 0.0)
        pace.refuse(105.0, 105.0, 0.0)
        rates.append(1 / gap(pace, pace.paused_until + calm / 2 + 0.01))
    gains = [later - earlier for earlier, later in itertools.pairwise(rates)]

    assert gains[:-1] == sorted(gains[:-1])
    assert min(gains) > 0


def test_nothing_but_refusals_is_hopeless() -> None:
    """After so many refusals in a row that minutes have passed, patience has no more sense."""
    pace, now = a_pace(), 100.0
    for _ in range(HOPELESS_AFTER):
        assert not pace.is_hopeless
        pace.refuse(now, now, 0.0)
        now = pace.next_at
    assert pace.is_hopeless
    assert now - 100 > 120
    pace.admit(now)
    assert not pace.is_hopeless
