"""
Who may call, and how often: API keys and teams (reference 2.2 and 2.3), and the rate limit (2.6).

That the window of the limit slides is assumed (10.5). The monthly quotas live in the world, as they outlast a restart.
"""

from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from msgflash_apply.sandbox.exchange import RefusedError, Request
from msgflash_apply.sandbox.validation import Rules

DEMO_API_KEY = "msgf_live_" + "0" * 56 + "5a4db0c5"
"""A personal key that only a sandbox takes; nobody can mistake it for a real one."""

DEMO_TEAM_KEY = "msgf_team_" + "0" * 56 + "5a4db0c5"
"""A key of the demo team; it wants `X-Team-Id: DEMO_TEAM_ID` beside it."""

DEMO_TEAM_ID = "77777777-7777-4777-8777-777777777777"

_OWNER_ONLY = frozenset({"/api/v1/usage", "/api/v1/billing/usage"})
_WINDOW_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class ApiKey:
    """
    A key that the sandbox takes.

    Attributes:
        secret: the whole key.
        team_id: the team of a team key; None for a personal one.
        instances: ids a collaborator is assigned to; None for all.
    """

    secret: str
    team_id: str | None = None
    instances: frozenset[str] | None = None

    def check_instance(self, instance_id: str) -> None:
        """Raise 403 for a collaborator's call on an instance of others."""
        if self.instances is not None and instance_id not in self.instances:
            raise RefusedError(403, "INSTANCE_NOT_ASSIGNED", "This instance is not assigned to you")


DEMO_KEYS = (ApiKey(DEMO_API_KEY), ApiKey(DEMO_TEAM_KEY, team_id=DEMO_TEAM_ID))


def authenticate(keys: Collection[ApiKey], headers: Mapping[str, str]) -> ApiKey:
    """
    Find the key of a request, by header names in lower case; 401 with one message for whatever is wrong with it.

    A team key without its own team's id is as good as no key (2.3).
    """
    secret = headers.get("x-api-key")
    key = next((each for each in keys if each.secret == secret), None)
    if key is None or (key.team_id is not None and headers.get("x-team-id") != key.team_id):
        raise RefusedError(401, "UNAUTHORIZED", "Invalid or revoked API key")
    return key


def check_team(key: ApiKey, headers: Mapping[str, str], path: str) -> None:
    """Raise 403 for a team key where only the owner may look, and for a team's id beside a personal key."""
    if key.team_id is not None and path in _OWNER_ONLY:
        raise RefusedError(403, "TEAM_KEY_NOT_ALLOWED", "Team API keys cannot access this resource")
    if key.team_id is None and "x-team-id" in headers and path not in _OWNER_ONLY:
        raise RefusedError(403, "TEAM_KEY_REQUIRED", "A team API key is required for this workspace")


@dataclass(frozen=True, slots=True)
class Call:
    """A request whose key and route are known; `parameters` are the parts of the path in braces."""

    request: Request
    key: ApiKey
    rules: Rules
    parameters: Mapping[str, str]


class RateLimit:
    """
    A sliding window per key, in real time whatever the sandbox's clock does.

    Args:
        per_second: admitted in any window; 0 means without limit.
    """

    def __init__(self, per_second: int) -> None:
        self._per_second = per_second
        self._admitted: dict[str, deque[float]] = {}

    def admit(self, secret: str, at_seconds: float) -> None:
        """Let one request in or raise 429; refused ones do not lengthen the wait. Times must not go back."""
        if not self._per_second:
            return
        window = self._admitted.setdefault(secret, deque())
        while window and at_seconds - window[0] >= _WINDOW_SECONDS:
            window.popleft()
        if len(window) >= self._per_second:
            raise RefusedError(429, "API_RATE_LIMIT_EXCEEDED", "Too many API requests", assumption="10.5")
        window.append(at_seconds)
