"""How often to repeat a request, and how long to wait before: Terraform's documented variables and defaults."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

from msgflash_apply.errors import BackendError
from msgflash_apply.state.backends.terraform_http.connection import NoResponse, Obstacle, Result

_TOO_MANY_REQUESTS: Final = 429


@dataclass(frozen=True, slots=True)
class Retries:
    """
    When to try again.

    Attributes:
        repeats: attempts after the first one.
        shortest_seconds: wait before the second attempt; it doubles from there.
        longest_seconds: no wait is longer, even if the server wants one.
    """

    repeats: int = 2
    shortest_seconds: float = 1.0
    longest_seconds: float = 30.0

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """
        Read TF_HTTP_RETRY_MAX, TF_HTTP_RETRY_WAIT_MIN and TF_HTTP_RETRY_WAIT_MAX.

        Raises:
            BackendError: one of them is no number from 0 on.
        """
        return cls(
            int(_number(environ, "TF_HTTP_RETRY_MAX", cls().repeats)),
            _number(environ, "TF_HTTP_RETRY_WAIT_MIN", cls().shortest_seconds),
            _number(environ, "TF_HTTP_RETRY_WAIT_MAX", cls().longest_seconds),
        )

    def waits(self, result: Result, attempt: int) -> float | None:
        """
        Say how long to wait before the next attempt.

        Args:
            result: of this attempt.
            attempt: its number, from 1.

        Returns:
            Seconds; None where another attempt has no hope, or there were enough.
        """
        if attempt > self.repeats or not is_passing(result):
            return None
        asked = None if isinstance(result, NoResponse) else result.retry_after_seconds
        seconds = self.shortest_seconds * 2 ** min(attempt - 1, 16) if asked is None else asked
        return min(seconds, self.longest_seconds)


def is_passing(result: Result) -> bool:
    """Whether the same request may fare better later."""
    if isinstance(result, NoResponse):
        return result.obstacle is not Obstacle.TLS
    return result.status >= 500 or result.status == _TOO_MANY_REQUESTS


def _number(environ: Mapping[str, str], variable: str, otherwise: float) -> float:
    given = environ.get(variable)
    if not given:
        return otherwise
    try:
        number = float(given)
    except ValueError:
        number = math.nan
    if not 0 <= number < math.inf:
        raise BackendError(
            "A variable of the state's server cannot be used.",
            f"{variable} is {given!r}: no number from 0 on.",
            f"Leave it out, or write it as in {otherwise:g}.",
        )
    return number
