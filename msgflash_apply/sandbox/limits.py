"""
The rate limit: so many requests in any one second, per key (reference 2.6; that the window slides is assumed, 10.5).

The monthly quotas live in the world, since they outlast a restart.
"""

from collections import deque

from msgflash_apply.sandbox.refusal import RefusedError

WINDOW_SECONDS = 1.0


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
        while window and at_seconds - window[0] >= WINDOW_SECONDS:
            window.popleft()
        if len(window) >= self._per_second:
            raise RefusedError(429, "API_RATE_LIMIT_EXCEEDED", "Too many API requests", assumption="10.5")
        window.append(at_seconds)
