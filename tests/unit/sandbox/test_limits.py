"""The rate limit, with time passed in."""

import pytest

from msgflash_apply.sandbox.access import RateLimit
from msgflash_apply.sandbox.exchange import RefusedError


def refused(limit: RateLimit, times: list[float], key: str = "key") -> list[float]:
    """List the moments at which a request was refused."""
    late = []
    for time in times:
        try:
            limit.admit(key, time)
        except RefusedError:
            late.append(time)
    return late


def test_eleventh_in_a_second_is_refused() -> None:
    """Ten requests in a second pass, the eleventh is 429 API_RATE_LIMIT_EXCEEDED (2.6)."""
    limit = RateLimit(10)
    assert refused(limit, [n / 20 for n in range(10)]) == []
    with pytest.raises(RefusedError, match="429 API_RATE_LIMIT_EXCEEDED: Too many API requests"):
        limit.admit("key", 0.9)


def test_window_slides() -> None:
    """A second after the first request there is room for one more, not for ten (10.5)."""
    limit = RateLimit(10)
    refused(limit, [n / 10 for n in range(10)])
    assert refused(limit, [1.0, 1.05, 1.1]) == [1.05]


def test_refused_requests_do_not_lengthen_the_wait() -> None:
    """Hammering while refused does not keep the door shut."""
    limit = RateLimit(1)
    assert refused(limit, [0.0, 0.5, 0.9, 1.0]) == [0.5, 0.9]


def test_each_key_has_its_own_window() -> None:
    """One key's burst does not slow another (2.6)."""
    limit = RateLimit(1)
    refused(limit, [0.0])
    assert refused(limit, [0.1], key="other") == []


def test_zero_is_without_limit() -> None:
    """A limit of 0 admits everything."""
    assert refused(RateLimit(0), [0.0] * 1000) == []
