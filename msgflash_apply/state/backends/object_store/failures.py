"""
What a store's refusal means, and what to do about it.

The library's errors are text: a URL, a status, the whole answer. Nothing of that is repeated but the status, the
cloud's own code for the error, and the host; a URL may be signed, and an answer may quote what was sent.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from msgflash_apply.errors import BackendError

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
