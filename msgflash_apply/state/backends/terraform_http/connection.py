"""
One request to the server of a state, and what came back: an answer, or how far it got without one. The door to httpx.

Nothing is repeated here and no status is judged; `store.py` and `server_lock.py` do that.
"""

import json
import socket
import ssl
import weakref
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from hashlib import md5
from typing import Final, TypeAlias

import httpx

from msgflash_apply.errors import BackendError
from msgflash_apply.state.backends.terraform_http.endpoints import Credentials, shown

LARGEST_ANSWER_BYTES: Final = 256 * 1024 * 1024
CONNECT_SECONDS: Final = 10.0
_LONGEST_WORDS: Final = 200
_LAST_BYTES: Final = 16 * 1024

MayLeave: TypeAlias = Callable[[], bool]
"""Says, right before the first and the last bytes of a request leave, whether they may."""


@dataclass(frozen=True, slots=True)
class Response:
    """
    A complete answer.

    Attributes:
        status: of HTTP.
        body: all of it.
        words: what the server's JSON says about an error; empty for any other body. Without our password.
        leads_to: where a redirect points, without its query; None where it is none.
        retry_after_seconds: as the server wants it; None if it said nothing.
    """

    status: int
    body: bytes
    words: str
    leads_to: str | None
    retry_after_seconds: float | None


class Obstacle(Enum):
    """What kept an answer from us, as far as it changes the advice."""

    NAME = auto()
    TLS = auto()
    NETWORK = auto()
    SILENCE = auto()


@dataclass(frozen=True, slots=True)
class NoResponse:
    """
    No complete answer.

    Attributes:
        was_sent: False only if no byte of the request can have reached the server.
        obstacle: what was in the way.
        what: in the words of the library or the system that noticed.
    """

    was_sent: bool
    obstacle: Obstacle
    what: str


Result: TypeAlias = Response | NoResponse

TOO_LATE: Final = NoResponse(
    was_sent=False, obstacle=Obstacle.SILENCE, what="this machine or the network was too slow to send it in time"
)
"""The server may have a part of the request, never all of it."""


class _TooLateError(Exception):
    """Raised within a request, before its last bytes."""


def always() -> bool:
    """Let a request leave whenever it can."""
    return True


class Connection:
    """
    A pool of connections to one server, closed when this object goes away.

    Args:
        credentials: sent with every request; it has been checked that they may go there.
        is_loopback: whether the requests stay on this machine: then no proxy of the environment sees them.
        is_plain: whether all of them are plain http: then no certificate is read.
        timeout_seconds: for each wait on the network; connecting has ten seconds at most.
        largest_bytes: of an answer.

    Raises:
        BackendError: a proxy or an authority that the process's environment names cannot be used.
    """

    def __init__(
        self,
        credentials: Credentials,
        *,
        is_loopback: bool,
        is_plain: bool,
        timeout_seconds: float,
        largest_bytes: int = LARGEST_ANSWER_BYTES,
    ) -> None:
        self._largest_bytes = largest_bytes
        self._password = credentials.basic[1] if credentials.basic else ""
        try:
            self._http = httpx.Client(
                auth=credentials.basic,
                # Plain http needs no authority: reading those of the machine takes longer than all of its requests.
                verify=credentials.context or (ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if is_plain else True),
                follow_redirects=False,  # a redirect must not carry the password to another host
                trust_env=not is_loopback,
                timeout=httpx.Timeout(timeout_seconds, connect=min(timeout_seconds, CONNECT_SECONDS)),
            )
        except (OSError, ValueError, ImportError, httpx.InvalidURL) as err:
            # Without the error's own words: a proxy's address may hold its password.
            raise BackendError(
                "The network settings of the environment cannot be used.",
                f"HTTPS_PROXY, ALL_PROXY, SSL_CERT_FILE or SSL_CERT_DIR: {type(err).__name__}.",
                "Correct them: a proxy is http://host:port, and the other two name a file and a folder that are there.",
            ) from err
        weakref.finalize(self, self._http.close)

    def send(
        self,
        method: str,
        url: str,
        body: bytes | None = None,
        *,
        lock_id: str | None = None,
        may_leave: MayLeave = always,
    ) -> Result:
        """
        Send one request.

        Args:
            method: of HTTP, or one of the protocol's own.
            url: complete.
            body: JSON.
            lock_id: the lock under which a write happens; goes into the query, as Terraform does it.
            may_leave: where it says no, the last bytes stay here, and the answer is `TOO_LATE`.

        Raises:
            BackendError: the answer is larger than any state.
        """

        def look(step: str, _about: object) -> None:
            if step.endswith(".send_request_headers.started"):
                _check(may_leave)

        try:
            address = httpx.URL(url)
            if lock_id is not None:
                address = address.copy_merge_params({"ID": lock_id})
            with self._http.stream(
                method,
                address,
                content=None if body is None else _parts(body, may_leave),
                headers=_headers(body),
                extensions={"trace": look},
            ) as response:
                return self._answer(response)
        except _TooLateError:
            return TOO_LATE
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL) as err:
            return _no_response(err)

    def _answer(self, response: httpx.Response) -> Response:
        body = bytearray()
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > self._largest_bytes:
                raise BackendError(
                    "The state's server answered with more than any state holds.",
                    f"{shown(str(response.url))}: over {self._largest_bytes:,} bytes.",
                    "Correct the state's address; or keep a state of this size in an object store or PostgreSQL.",
                )
        words = "" if response.is_success else _words(body)
        location = response.headers.get("location", "")
        retry_after = response.headers.get("retry-after", "")
        return Response(
            status=response.status_code,
            body=bytes(body),
            # Cut behind the replacement: half of a password is too much.
            words=(words.replace(self._password, "…") if self._password else words)[:_LONGEST_WORDS],
            leads_to=shown(str(response.url.join(location))) if response.is_redirect and location else None,
            retry_after_seconds=float(retry_after) if retry_after.isascii() and retry_after.isdecimal() else None,
        )


def _headers(body: bytes | None) -> dict[str, str]:
    """Describe a body as Terraform's client does."""
    if body is None:
        return {}
    digest = b64encode(md5(body, usedforsecurity=False).digest()).decode()
    return {"Content-Type": "application/json", "Content-MD5": digest, "Content-Length": str(len(body))}


def _parts(body: bytes, may_leave: MayLeave) -> Iterator[bytes]:
    """Give a body to be sent, and its last bytes, without which the server does nothing, if they may leave."""
    if len(body) > _LAST_BYTES:
        yield body[:-_LAST_BYTES]
    _check(may_leave)
    yield body[-_LAST_BYTES:]


def _check(may_leave: MayLeave) -> None:
    if not may_leave():
        raise _TooLateError


def _words(body: bytes | bytearray) -> str:
    """Find the message in the body of an error, as GitLab and others write it; a page of HTML has none."""
    try:
        values = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    found = (values.get("message") or values.get("error")) if isinstance(values, dict) else None
    text = found if isinstance(found, str) else ""
    return "".join(character for character in text if character.isprintable())


def _no_response(err: Exception) -> NoResponse:
    was_sent = not isinstance(
        err,
        (
            httpx.ConnectError,
            httpx.ConnectTimeout,
            httpx.PoolTimeout,
            httpx.ProxyError,
            httpx.UnsupportedProtocol,
            httpx.LocalProtocolError,
            httpx.InvalidURL,
        ),
    )
    return NoResponse(was_sent, _obstacle(err), str(err) or type(err).__name__)


def _obstacle(err: BaseException) -> Obstacle:
    cause: BaseException | None = err
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return Obstacle.TLS
        if isinstance(cause, socket.gaierror):
            return Obstacle.NAME
        cause = cause.__cause__ or cause.__context__
    return Obstacle.SILENCE if isinstance(err, httpx.TimeoutException) else Obstacle.NETWORK
