"""
The only door to the library: whole objects under short keys, written on conditions; and what a refusal means.

What the store refuses because of a condition is a value here, not an error. Everything else that goes wrong is a
BackendError; a missing bucket is one too, and never reads as an absent object.

The library's errors are text: a URL, a status, the whole answer. Nothing of that is repeated but the status, the
cloud's own code for the error, and the host; a URL may be signed, and an answer may quote what was sent.
"""

import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, TypeVar, cast

from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError

from msgflash_apply.errors import BackendError

if TYPE_CHECKING:
    from obstore import PutMode
    from obstore.store import AzureStore, GCSStore, S3Store

_STATUS: Final = re.compile(r"status code: (\d{3})|\(code: (\d{3})\)")
_CODE: Final = re.compile(r"<Code>(\w{1,64})</Code>|\(code: ([A-Z]\w{1,64})\)")
_REGION: Final = re.compile(r"<Region>([a-z0-9-]{1,32})</Region>")
_HOST: Final = re.compile(r"https?://([A-Za-z0-9.-]+(?::\d+)?|\[[0-9a-f:]+\](?::\d+)?)(?=[/\s])")
_ABOUT_CREDENTIALS: Final = re.compile(
    r"token request|credential provider|/latest/(?:api|meta-data)/|/metadata/identity/|AssumeRoleWithWebIdentity"
    r"|//169\.254\.170\.\d+"
)
"""The places where the library gets credentials, and its own words for credentials from elsewhere."""

_ABSENT: Final = frozenset({"NoSuchKey", "BlobNotFound", "ResourceNotFound"})

_BUCKET: Final = "Make that bucket or container, or correct the state's location (msgflash.yaml, MSGFLASH_STATE)."
_LOGIN: Final = "Give this process working credentials, in the way that is usual for this cloud, then run again."
_RIGHTS: Final = (
    "Give these credentials the right to list the bucket, and to read, write and delete objects in that folder."
)
_PLACE: Final = "Set AWS_REGION to the bucket's region, then run again."
_WAIT: Final = "The store is busy or has a failure. Run again later; nothing is lost."
_CLOCK: Final = "Set this machine's clock, then run again."
_ENDPOINT: Final = "Check the endpoint in the environment: the server there is not a store of this kind."
_CODE_BOOK: Final = "Look that code up in the store's documentation, correct what it names, then run again."
_NETWORK: Final = "Check the network and the endpoint in the environment, then run again."

_BY_CODE: Final[Mapping[str, str]] = {
    **dict.fromkeys(("NoSuchBucket", "ContainerNotFound", "InvalidBucketName", "ContainerBeingDeleted"), _BUCKET),
    **dict.fromkeys(
        (
            *("InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "TokenRefreshRequired"),
            *("AuthenticationFailed", "AuthenticationRequired", "InvalidAuthenticationInfo", "InvalidSecurity"),
            *("InvalidIdentityToken", "ExpiredTokenException"),
        ),
        _LOGIN,
    ),
    **dict.fromkeys(("AccessDenied", "AuthorizationFailure", "AuthorizationPermissionMismatch"), _RIGHTS),
    **dict.fromkeys(
        ("AuthorizationHeaderMalformed", "PermanentRedirect", "IllegalLocationConstraintException"), _PLACE
    ),
    "RequestTimeTooSkewed": _CLOCK,
}

_BY_STATUS: Final[Mapping[int, str]] = {
    301: _PLACE,
    307: _PLACE,
    401: _LOGIN,
    403: _RIGHTS,
    404: _ENDPOINT,
    405: _ENDPOINT,
    429: _WAIT,
    501: _ENDPOINT,
}

READERS: Final = 48
"""Objects read at a time. At 30 ms each, 20 000 take 13 s instead of 10 minutes."""

_BATCH: Final = 1_000
"""Objects deleted in one step: as many as S3 takes in one request."""

_PAUSES_SECONDS: Final = (0.3, 0.6, 1.2, 2.4, 4.8)
"""Between tries. Google takes one write per second of one object, and S3 may refuse both of two that met."""

_Asked = TypeVar("_Asked")


@dataclass(frozen=True, slots=True)
class ErrorDetails:
    """
    What an error of the library says about the answer that it got.

    Attributes:
        status: of HTTP; None if no answer came.
        code: the cloud's word for the error; None if it gave none.
        text: all of it; never shown.
    """

    status: int | None
    code: str | None
    text: str

    @property
    def is_absent(self) -> bool:
        """Whether there is no object under this key. A 404 of anything but a store proves nothing."""
        return self.code in _ABSENT

    @property
    def is_throttled(self) -> bool:
        """Whether the store refused because it was asked too often: nothing was done, and waiting helps."""
        return self.status == 429

    @property
    def is_uncertain(self) -> bool:
        """Whether the request may have been carried out although the answer is lost."""
        return self.status is None or self.status >= 500

    @property
    def is_cut_short(self) -> bool:
        """Whether a connection broke in the middle, in one of the ways after which the library does not try again."""
        return self.status is None and "kind: Interrupted" in self.text


def details_of(error: Exception) -> ErrorDetails:
    """Find out what an error of the library says."""
    text = str(error)
    status, code = _STATUS.search(text), _CODE.search(text)
    return ErrorDetails(int(status[1] or status[2]) if status else None, (code[1] or code[2]) if code else None, text)


def refused(where: str, error: Exception) -> BackendError:
    """Translate an error of the library: the place, what was answered, and what to do."""
    answer = details_of(error)
    what, remedy = _explained(answer)
    return BackendError("The state's storage failed.", f"{where}: {what}.", remedy)


def _explained(answer: ErrorDetails) -> tuple[str, str]:
    host = _HOST.search(answer.text)
    who = host[1] if host else "the store"
    is_about_credentials = _ABOUT_CREDENTIALS.search(answer.text) is not None
    if answer.code is not None or (answer.status is not None and not is_about_credentials):
        return _answered(who, answer)
    if is_about_credentials:
        return f"no credentials could be had ({who} was asked)", _LOGIN
    if "without LOCATION" in answer.text:
        return f"{who} does not keep this bucket: it is in another region", _PLACE
    return _unanswered(who, answer.text)


def _answered(who: str, answer: ErrorDetails) -> tuple[str, str]:
    words = " ".join(str(word) for word in (answer.status, answer.code) if word is not None)
    region = _REGION.search(answer.text)
    expected = f"; the bucket's region is {region[1]}" if region else ""
    status = answer.status or 0
    otherwise = _WAIT if status >= 500 else _ENDPOINT if answer.code is None else _CODE_BOOK
    remedy = _BY_CODE.get(answer.code or "") or _BY_STATUS.get(status) or otherwise
    return f"{who} answered {words}{expected}", remedy


def _unanswered(who: str, text: str) -> tuple[str, str]:
    if "dns error" in text:
        return f"the name of {who} was not found", _NETWORK
    if "InvalidCertificate" in text:
        return f"the certificate of {who} is not trusted", _NETWORK
    if "kind: Connect" in text:
        return f"no connection to {who} could be made", _NETWORK
    if "kind: Timeout" in text:
        return f"{who} did not answer in time", _NETWORK
    return f"{who} gave no answer that can be understood", _NETWORK


@dataclass(frozen=True, slots=True)
class Found:
    """
    An object as it was read.

    Attributes:
        data: all of it.
        version: token for `Objects.put`.
        modified_at: by the store's clock, in whole seconds.
    """

    data: bytes
    version: str
    modified_at: datetime


@dataclass(frozen=True, slots=True)
class Listed:
    """An object in a listing: its key, its size, and when it was written by the store's clock."""

    key: str
    size_bytes: int
    modified_at: datetime


class Objects:
    """
    The objects in one folder of one bucket; may be used by several threads.

    Args:
        store: of the library, with the folder as its prefix.
        url: of the folder, for people.
        by_generation: whether the store compares versions (Google); otherwise it compares ETags.
        pause: waits for as many seconds.

    Attributes:
        wrong_version: one that no object has.
    """

    def __init__(
        self,
        store: "S3Store | GCSStore | AzureStore",
        url: str,
        *,
        by_generation: bool = False,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._store = store
        self.url = url
        self.wrong_version: Final = "1" if by_generation else '"00000000000000000000000000000000"'
        self._token: Final = "version" if by_generation else "e_tag"
        self._pause = pause

    def read(self, key: str) -> Found | None:
        """Read an object; None if there is none."""
        try:
            return self._ask(lambda: self._get(key))
        except (BaseError, OSError) as err:
            if details_of(err).is_absent:
                return None
            raise refused(self.url, err) from err

    def read_all(self, keys: Sequence[str]) -> list[bytes] | None:
        """Read many objects side by side, in order; None if one of them is gone."""
        with ThreadPoolExecutor(READERS, "msgflash-apply read") as pool:
            found = list(pool.map(self.read, keys))
        present = [each.data for each in found if each is not None]
        return present if len(present) == len(keys) else None

    def put(self, key: str, data: bytes, *, expected: str | None) -> str | None:
        """
        Create an object, or replace the one that was read.

        A request whose answer is lost may have been carried out, and the library, which tries again by itself, is then
        refused because of its own first try. So after a refusal or an uncertain answer the object is read back: where
        exactly these bytes are, they are ours. Where nothing has changed, the request is sent again, since its
        condition lets no more than one of them through. Callers that must distinguish their bytes from those of
        others put a random number in them.

        Args:
            key: under the folder.
            data: all of it.
            expected: version of the object to be replaced; None if there must be none.

        Returns:
            The new version; None if something else is there, or nothing where something was expected.
        """
        mode = "create" if expected is None else {self._token: expected}
        pauses = iter(_PAUSES_SECONDS)
        while True:
            try:
                put = self._store.put(key, data, mode=cast("PutMode", mode), use_multipart=False)
                return self._version(put.get(self._token))
            except (BaseError, OSError) as err:
                if not _is_worth_a_look(err):
                    raise refused(self.url, err) from err
                found = self.read(key)
                if found is not None and found.data == data:
                    return found.version
                if (found.version if found is not None else None) != expected:
                    return None
                pause_seconds = next(pauses, None)
                if pause_seconds is None:
                    raise refused(self.url, err) from err
            self._pause(pause_seconds)

    def delete(self, keys: Iterable[str]) -> None:
        """Remove objects. No error for one that is not there."""
        chosen = list(keys)
        for start in range(0, len(chosen), _BATCH):
            self._delete(chosen[start : start + _BATCH])

    def list(self, folder: str | None = None) -> list[Listed]:
        """List the objects in a folder under this one and in those under it; all of them without one. In no order."""
        try:
            found = self._ask(lambda: self._store.list(folder).collect())
        except (BaseError, OSError) as err:
            raise refused(self.url, err) from err
        return [Listed(meta["path"], meta["size"], meta["last_modified"]) for meta in found]

    def _delete(self, keys: Sequence[str]) -> None:
        try:
            self._ask(lambda: self._store.delete(keys))
        except (BaseError, OSError) as err:
            answer = details_of(err)
            # In a batch Azure says 404 for an object that is gone, and gives no code.
            if not answer.is_absent and (answer.status, answer.code) != (404, None):
                raise refused(self.url, err) from err

    def _get(self, key: str) -> Found:
        got = self._store.get(key)
        meta = got.meta
        return Found(bytes(got.bytes()), self._version(meta.get(self._token)), meta["last_modified"])

    def _ask(self, step: Callable[[], _Asked]) -> _Asked:
        """Send what may be sent any number of times; again, a few times, after an answer that is no help."""
        pauses = iter(_PAUSES_SECONDS)
        while True:
            try:
                return step()
            except (BaseError, OSError) as err:
                answer = details_of(err)
                pause_seconds = next(pauses, None) if answer.is_throttled or answer.is_cut_short else None
                if pause_seconds is None:
                    raise
            self._pause(pause_seconds)

    def _version(self, token: object) -> str:
        if not isinstance(token, str):
            raise BackendError(
                "This store cannot keep a state.",
                f"{self.url}: its answers name no version of an object, so that nothing can be replaced safely.",
                "Use a store that gives an ETag (S3, Azure) or a generation (Google) to every object.",
            )
        return token


def _is_worth_a_look(error: Exception) -> bool:
    """Whether the object may have been written, or may be when asked again."""
    answer = details_of(error)
    is_refusal = isinstance(error, (AlreadyExistsError, PreconditionError))
    return is_refusal or answer.is_throttled or answer.is_uncertain
