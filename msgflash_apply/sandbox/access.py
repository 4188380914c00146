"""
API keys and teams (reference 2.2 and 2.3), and the rate limit (2.6).

The sliding window of the rate limit is an assumption (10.5). The monthly quotas are kept in the world, because they
outlast a restart.
"""

from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from msgflash_apply.sandbox.exchange import RefusedError, Request
from msgflash_apply.sandbox.validation import Rules

DEMO_API_KEY = "msgf_live_" + "0" * 56 + "5a4db0c5"
"""A personal key that only a sandbox accepts, and that looks like no real one."""

DEMO_TEAM_KEY = "msgf_team_" + "0" * 56 + "5a4db0c5"
"""A key of the demo team; it needs the header `X-Team-Id: DEMO_TEAM_ID`."""

DEMO_TEAM_ID = "77777777-7777-4777-8777-777777777777"

_OWNER_ONLY = frozenset({"/api/v1/usage", "/api/v1/billing/usage"})
_WINDOW_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class ApiKey:
    """
    A key that the sandbox accepts.

    Attributes:
        secret: the whole key.
        team_id: the team of a team key; None for a personal one.
        instances: ids of the instances assigned to a collaborator; None for all.
    """

    secret: str
    team_id: str | None = None
    instances: frozenset[str] | None = None

    def check_instance(self, instance_id: str) -> None:
        """Raise 403 if a collaborator uses an instance that is not assigned to them."""
        if self.instances is not None and instance_id not in self.instances:
            raise RefusedError(403, "INSTANCE_NOT_ASSIGNED", "This instance is not assigned to you")


DEMO_KEYS = (ApiKey(DEMO_API_KEY), ApiKey(DEMO_TEAM_KEY, team_id=DEMO_TEAM_ID))


def authenticate(keys: Collection[ApiKey], headers: Mapping[str, str]) -> ApiKey:
    """
    Return the key of a request, or raise 401 with one message whatever is wrong; header names are in lower case.

    A team key without the id of its team is refused as an unknown key is (2.3).
    """
    secret = headers.get("x-api-key")
    key = next((each for each in keys if each.secret == secret), None)
    if key is None or (key.team_id is not None and headers.get("x-team-id") != key.team_id):
        raise RefusedError(401, "UNAUTHORIZED", "Invalid or revoked API key")
    return key


def check_team(key: ApiKey, headers: Mapping[str, str], path: str) -> None:
    """Raise 403 for a team key on what only the owner may read, and for a team id beside a personal key."""
    if key.team_id is not None and path in _OWNER_ONLY:
        raise RefusedError(403, "TEAM_KEY_NOT_ALLOWED", "Team API keys cannot access this resource")
    if key.team_id is None and "x-team-id" in headers and path not in _OWNER_ONLY:
        raise RefusedError(403, "TEAM_KEY_REQUIRED", "A team API key is required for this workspace")


@dataclass(frozen=True, slots=True)
class ApiCall:
    """A request whose key and route are known; `parameters` are the parts of the path in braces."""

    request: Request
    key: ApiKey
    rules: Rules
    parameters: Mapping[str, str]


class RateLimit:
    """
    A sliding window per key, in real time: the sandbox's clock does not matter.

    Args:
        per_second: requests admitted in any second; 0 means no limit.
    """

    def __init__(self, per_second: int) -> None:
        self._per_second = per_second
        self._admitted: dict[str, deque[float]] = {}

    def admit(self, secret: str, at_seconds: float) -> None:
        """Admit one request or raise 429; refused requests do not lengthen the wait. Times must not decrease."""
        if not self._per_second:
            return
        window = self._admitted.setdefault(secret, deque())
        while window and at_seconds - window[0] >= _WINDOW_SECONDS:
            window.popleft()
        if len(window) >= self._per_second:
            raise RefusedError(429, "API_RATE_LIMIT_EXCEEDED", "Too many API requests", assumption="10.5")
        window.append(at_seconds)
