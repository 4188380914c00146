"""The server of a state: its four requests, repeated where that may help."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from msgflash_apply.errors import BackendError
from msgflash_apply.state.backends.terraform_http.connection import Connection, MayLeave, NoResponse, Response, Result
from msgflash_apply.state.backends.terraform_http.endpoints import Endpoints
from msgflash_apply.state.backends.terraform_http.failure import failure
from msgflash_apply.state.backends.terraform_http.retries import Retries


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
        """Word the failure of a request."""
        return failure(self.endpoints, action, result)

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
