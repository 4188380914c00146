"""Keys, teams, and the rate limit with time passed in."""

import pytest

from msgflash_apply.sandbox.access import (
    DEMO_API_KEY,
    DEMO_KEYS,
    DEMO_TEAM_ID,
    DEMO_TEAM_KEY,
    ApiKey,
    RateLimit,
    authenticate,
    check_team,
)
from msgflash_apply.sandbox.exchange import RefusedError

PERSONAL = {"x-api-key": DEMO_API_KEY}


TEAM = {"x-api-key": DEMO_TEAM_KEY, "x-team-id": DEMO_TEAM_ID}


def verdict(headers: dict[str, str], path: str) -> str:
    """Say `ok`, or the code of the refusal."""
    try:
        check_team(authenticate(DEMO_KEYS, headers), headers, path)
    except RefusedError as error:
        return error.code
    return "ok"


@pytest.mark.parametrize(
    ("headers", "path", "expected"),
    [
        (PERSONAL, "/api/v1/campaigns", "ok"),
        (PERSONAL, "/api/v1/usage", "ok"),
        ({}, "/api/v1/campaigns", "UNAUTHORIZED"),
        ({"x-api-key": "msgf_live_unknown"}, "/api/v1/campaigns", "UNAUTHORIZED"),
        ({"authorization": f"Bearer {DEMO_API_KEY}"}, "/api/v1/campaigns", "UNAUTHORIZED"),
        (PERSONAL | {"x-team-id": DEMO_TEAM_ID}, "/api/v1/campaigns", "TEAM_KEY_REQUIRED"),
        (TEAM, "/api/v1/campaigns", "ok"),
        ({"x-api-key": DEMO_TEAM_KEY}, "/api/v1/campaigns", "UNAUTHORIZED"),
        (TEAM | {"x-team-id": "other"}, "/api/v1/campaigns", "UNAUTHORIZED"),
        (TEAM, "/api/v1/usage", "TEAM_KEY_NOT_ALLOWED"),
        (TEAM, "/api/v1/billing/usage", "TEAM_KEY_NOT_ALLOWED"),
        (PERSONAL | {"x-team-id": DEMO_TEAM_ID}, "/api/v1/usage", "ok"),
    ],
)
def test_keys_and_teams(headers: dict[str, str], path: str, expected: str) -> None:
    """Personal and team keys open what the table says (2.2, 2.3)."""
    assert verdict(headers, path) == expected


def test_collaborator_sees_assigned_instances_only() -> None:
    """An instance of others is 403 INSTANCE_NOT_ASSIGNED (2.3)."""
    key = ApiKey("secret", team_id="team", instances=frozenset({"mine"}))
    key.check_instance("mine")
    with pytest.raises(RefusedError, match="403 INSTANCE_NOT_ASSIGNED"):
        key.check_instance("yours")


def test_demo_key_looks_like_a_key() -> None:
    """The demo key has the documented shape (2.2)."""
    assert DEMO_API_KEY.removeprefix("msgf_live_").isalnum()
    assert len(DEMO_API_KEY) == len("msgf_live_") + 64


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
