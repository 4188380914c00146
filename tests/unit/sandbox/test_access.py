"""Keys and teams."""

import pytest

from msgflash_apply.sandbox.access import (
    DEMO_API_KEY,
    DEMO_KEYS,
    DEMO_TEAM_ID,
    DEMO_TEAM_KEY,
    ApiKey,
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
