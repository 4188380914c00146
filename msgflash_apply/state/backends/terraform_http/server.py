"""
The server of a state: its four requests, repeated where that may help, and what an answer means that is no success.

How often to repeat, and how long to wait before, is said by Terraform's documented variables and defaults.
"""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Self

from msgflash_apply.errors import BackendError
from msgflash_apply.state.backends.terraform_http.connection import (
    Connection,
    MayLeave,
    NoResponse,
    Obstacle,
    Response,
    Result,
)
from msgflash_apply.state.backends.terraform_http.endpoints import Endpoints

_SERVER_TROUBLE: Final = "The server reports an error of its own. Run again later."
_LOCK_CHANGED: Final = "Another run changed the lock at the same moment. Look again."
_REMEDIES: Final = {
    400: "The server does not understand this request: correct the state's address, it may be no address of a state.",
    401: "Give TF_HTTP_USERNAME and TF_HTTP_PASSWORD, or another password: a token may have expired.",
    403: "This user may not do that. In GitLab, to read takes the role of a developer, to lock and write that of a"
    " maintainer; the token of a job has the role of who started it.",
    404: "Correct the state's address. GitLab answers so, too, for a project that this user may not see.",
    405: "Name what the server takes: TF_HTTP_LOCK_ADDRESS, TF_HTTP_LOCK_METHOD and their like.",
    409: _LOCK_CHANGED,
    413: "The state is larger than the server takes. Raise its limit (GitLab: maximum Terraform state size), or move"
    " the state to an object store or PostgreSQL.",
    422: "GitLab answers so where a state is being deleted, or has a version of this number already.",
    423: _LOCK_CHANGED,
    429: "The server got too many requests. Run again later.",
    500: f"{_SERVER_TROUBLE} GitLab answers so, too, to a write under a lock that was broken.",
    501: "Name what the server takes: TF_HTTP_LOCK_ADDRESS, TF_HTTP_LOCK_METHOD and their like.",
}
_WAYS_AROUND: Final = {
    Obstacle.NAME: "Check the host in the state's address, and this machine's name service.",
    Obstacle.TLS: "If the server's certificate comes from an authority of your own, give the text of that authority's"
    " certificate in TF_HTTP_CLIENT_CA_CERTIFICATE_PEM.",
    Obstacle.SILENCE: "Check the network and any proxy on the way, then run again.",
    Obstacle.NETWORK: "Check that the server runs and that this machine may reach it, then run again.",
}

_TOO_MANY_REQUESTS: Final = 429


def locks_ignored(endpoints: Endpoints, what: str) -> BackendError:
    """Say that a server cannot keep two runs apart."""
    return BackendError(
        "The state's server does not enforce its lock.",
        f"{endpoints.shown}: it {what}. Two runs at once could send every campaign twice.",
        "Use a server that enforces locks, such as GitLab's, or keep the state elsewhere.",
    )


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


@dataclass(frozen=True, slots=True)
class RequestOutcome:
    """
    What became of a request that was sent once or more often.

    Attributes:
        result: of the last attempt.
        may_be_done: whether any attempt without a clear answer may have had its effect.
    """

    result: Result
    may_be_done: bool


class Server:
    """
    Where one state is kept.

    Args:
        endpoints: its addresses and methods.
        connection: to it.
        retries: when to repeat a request.
        sleep: waits for as many seconds.
    """

    def __init__(
        self,
        endpoints: Endpoints,
        connection: Connection,
        retries: Retries,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.endpoints = endpoints
        self.sleep = sleep
        self._connection = connection
        self._retries = retries

    def read(self) -> bytes | None:
        """
        Read what is kept there; None where nothing is: 404, 204 or an empty body, as Terraform's client reads them.

        Raises:
            BackendError: no clear answer came.
        """
        result = self._repeated("GET", self.endpoints.state).result
        if isinstance(result, Response) and result.status in {200, 204, 404}:
            return result.body if result.status == 200 and result.body else None
        raise self.failure("read", result)

    def lock(self, body: bytes) -> RequestOutcome:
        """Request the lock."""
        return self._repeated(self.endpoints.lock_method, self.endpoints.lock, body)

    def unlock(self, body: bytes) -> RequestOutcome:
        """Give a lock back."""
        return self._repeated(self.endpoints.unlock_method, self.endpoints.unlock, body)

    def write(self, body: bytes, *, lock_id: str, may_leave: MayLeave) -> Result:
        """Replace what is kept there, with one attempt, as long as `may_leave` says that it may."""
        method, url = self.endpoints.update_method, self.endpoints.state
        return self._connection.send(method, url, body, lock_id=lock_id, may_leave=may_leave)

    def can_wait(self, result: Result, attempt: int) -> bool:
        """Wait before another attempt; False, at once, where there should be none."""
        seconds = self._retries.waits(result, attempt)
        if seconds is None:
            return False
        self.sleep(seconds)
        return True

    def failure(self, action: str, result: Result) -> BackendError:
        """
        Word the failure of a request.

        Args:
            action: what was tried: `read`, `write`, `lock`, `unlock`.
            result: what came back.
        """
        where = self.endpoints.shown
        if not isinstance(result, Response):
            return BackendError(
                "The state's server cannot be reached.",
                f"{where}: no answer to the attempt to {action}: {result.what}.",
                _WAYS_AROUND[result.obstacle],
            )
        if result.leads_to is not None:
            return BackendError(
                "The state's server redirects.",
                f"{where}: the attempt to {action} was sent on to {result.leads_to}.",
                "A password must not travel along. If that is the right address, give it as the state's own.",
            )
        words = f" ({result.words})" if result.words else ""
        return BackendError(
            "The state's server said no.",
            f"{where}: the attempt to {action} was answered with {result.status}{words}.",
            _REMEDIES.get(result.status, _SERVER_TROUBLE if result.status >= 500 else _REMEDIES[400]),
        )

    def _repeated(self, method: str, url: str, body: bytes | None = None) -> RequestOutcome:
        may_be_done = False
        attempt = 0
        while True:
            attempt += 1
            result = self._connection.send(method, url, body)
            is_unclear = result.was_sent if isinstance(result, NoResponse) else result.status >= 500
            may_be_done = may_be_done or is_unclear
            if not self.can_wait(result, attempt):
                return RequestOutcome(result, may_be_done)


def is_success(result: Result) -> bool:
    """Whether a change was made."""
    return isinstance(result, Response) and 200 <= result.status < 300
