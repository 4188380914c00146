"""
Which addresses and methods a state has, from its URL and Terraform's documented variables; and who we are there.

`TF_HTTP_LOCK_ADDRESS` and its like belong to `TF_HTTP_ADDRESS`: where that names another state than ours, they do too,
and are not ours. What the environment leaves open follows from the address: GitLab's has its lock at `/lock` (POST,
DELETE); anywhere else it is LOCK and UNLOCK on the address itself. Terraform does without a lock there; we never do.

A branch can write any address into msgflash.yaml (contract section 12). So a password, or a certificate's key, goes
only to a host that the environment names: by MSGFLASH_STATE, which is the address itself, or by TF_HTTP_ADDRESS. The
token of a GitLab job goes only to the GitLab that runs the job. Where a password may not go, nothing goes: not even a
request without it.
"""

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from shlex import quote
from tempfile import NamedTemporaryFile
from typing import Final
from urllib.parse import SplitResult, urlsplit

from msgflash_apply.errors import BackendError
from msgflash_apply.state.backends.base import Location, is_this_machine

_GITLAB: Final = re.compile(r".*/api/v4/projects/[^/]+/terraform/state/[^/]+/?")
_HOST: Final = re.compile(r"[^.]{1,63}(\.[^.]{1,63})*\.?|[0-9a-f:.%]+")
_METHOD: Final = re.compile(r"[A-Z]{1,20}")

_CA: Final = "TF_HTTP_CLIENT_CA_CERTIFICATE_PEM"
_CERTIFICATE: Final = "TF_HTTP_CLIENT_CERTIFICATE_PEM"
_KEY: Final = "TF_HTTP_CLIENT_PRIVATE_KEY_PEM"


@dataclass(frozen=True, slots=True)
class Endpoints:
    """
    Where to send what.

    Attributes:
        state: address of the bundle.
        lock: address that takes the lock.
        unlock: address that gives it back.
        update_method: writes the bundle.
        lock_method: takes the lock.
        unlock_method: gives it back.
        is_gitlab: whether the address is one of GitLab's, whatever the host.
    """

    state: str
    lock: str
    unlock: str
    update_method: str
    lock_method: str
    unlock_method: str
    is_gitlab: bool

    @property
    def shown(self) -> str:
        """The address for people: without a query, which may hold a signature."""
        return shown(self.state)

    @property
    def origins(self) -> frozenset[str]:
        """Scheme, host and port of all three addresses."""
        return frozenset(map(origin, (self.state, self.lock, self.unlock)))

    @property
    def is_loopback(self) -> bool:
        """Whether the requests stay on this machine."""
        return is_this_machine(urlsplit(self.state).hostname or "")

    @property
    def is_plain(self) -> bool:
        """Whether all of them are plain http, which stays on this machine."""
        return all(address.startswith("http:") for address in self.origins)


def endpoints_of(location: Location) -> Endpoints:
    """
    Work out where a state's requests go.

    Raises:
        BackendError: an address carries a password, would travel in clear, or cannot be one; a method cannot be one.
    """
    state = _checked(location.url, "The state's address")
    named = location.environ.get("TF_HTTP_ADDRESS")
    ours = location.environ if not named or named.rstrip("/") == state.rstrip("/") else {}
    parts = urlsplit(state)
    is_gitlab = _GITLAB.fullmatch(parts.path) is not None
    beside = parts._replace(path=parts.path.rstrip("/") + "/lock").geturl()
    lock = _address(ours, "TF_HTTP_LOCK_ADDRESS", beside if is_gitlab else state)
    return Endpoints(
        state=state,
        lock=lock,
        unlock=_address(ours, "TF_HTTP_UNLOCK_ADDRESS", lock),
        update_method=_method(ours, "TF_HTTP_UPDATE_METHOD", "POST"),
        lock_method=_method(ours, "TF_HTTP_LOCK_METHOD", "POST" if is_gitlab else "LOCK"),
        unlock_method=_method(ours, "TF_HTTP_UNLOCK_METHOD", "DELETE" if is_gitlab else "UNLOCK"),
        is_gitlab=is_gitlab,
    )


def shown(url: str) -> str:
    """Write an address for people: scheme, host, port and path; no user, no query."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "an address that cannot be read"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def origin(url: str) -> str:
    """Write scheme, host and port of an address, so that two of the same server are equal; empty if it has none."""
    try:
        parts = urlsplit(url)
        port = parts.port or (80 if parts.scheme == "http" else 443)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.hostname}:{port}" if parts.hostname else ""


def _address(environ: Mapping[str, str], variable: str, otherwise: str) -> str:
    given = environ.get(variable)
    return _checked(given, variable) if given else otherwise


def _method(environ: Mapping[str, str], variable: str, otherwise: str) -> str:
    method = environ.get(variable) or otherwise
    if _METHOD.fullmatch(method) is None:
        raise BackendError(
            "A variable of the state's server cannot be used.",
            f"{variable} is {method!r}: no method of HTTP.",
            f"Leave it out, or write it in capitals, as in {otherwise}.",
        )
    return method


def _checked(url: str, what: str) -> str:
    """Give back an address that may be used."""
    parts = _split(url, what)
    if parts.username is not None or parts.password is not None:
        raise BackendError(
            "The state's address holds a user or a password.",
            f"{what} is {shown(url)}, with a user in front of the host.",
            "Take it out, and give it in the environment: TF_HTTP_USERNAME and TF_HTTP_PASSWORD.",
        )
    if parts.scheme == "http" and not is_this_machine(parts.hostname or ""):
        raise BackendError(
            "The state would travel in clear.",
            f"{what} is {shown(url)}: plain http is allowed to this machine only.",
            "Write https:// instead.",
        )
    return url


def _split(url: str, what: str) -> SplitResult:
    refused = BackendError(
        "The state's address cannot be used.",
        f"{what} is {shown(url)}.",
        "Write it as https://host/path, with % escapes for what is not ASCII, and without a #.",
    )
    if not (url.isascii() and url.isprintable()) or " " in url or "#" in url:
        raise refused
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme in {"http", "https"} and parts.port != 0 and _HOST.fullmatch(parts.hostname or "")
    except ValueError as err:
        raise refused from err
    if not is_usable:
        raise refused
    return parts


@dataclass(frozen=True, slots=True)
class Credentials:
    """
    What proves who we are; `repr` leaves it out.

    Attributes:
        basic: user and password; None without.
        context: for TLS; None for the usual trust and no certificate of ours.
    """

    basic: tuple[str, str] | None = field(default=None, repr=False)
    context: ssl.SSLContext | None = field(default=None, repr=False)


def credentials_for(location: Location, endpoints: Endpoints) -> Credentials:
    """
    Choose what to send to a state's addresses.

    Raises:
        BackendError: the environment holds credentials and does not name this host; half of a pair is missing; a
            certificate cannot be read.
    """
    environ = location.environ
    basic = _basic(environ)
    if (basic or environ.get(_CERTIFICATE)) and not location.is_trusted:
        _check_host(environ, endpoints)
    return Credentials(basic or _job_token(environ, endpoints), _context(environ))


def _basic(environ: Mapping[str, str]) -> tuple[str, str] | None:
    user, password = environ.get("TF_HTTP_USERNAME", ""), environ.get("TF_HTTP_PASSWORD", "")
    if password and not user:
        raise BackendError(
            "The state's password has no user.",
            "TF_HTTP_PASSWORD is set, TF_HTTP_USERNAME is not.",
            "Set both. For the token of a GitLab job the user is gitlab-ci-token.",
        )
    return (user, password) if user else None


def _job_token(environ: Mapping[str, str], endpoints: Endpoints) -> tuple[str, str] | None:
    """Use the token of the GitLab job that we run in, at this GitLab's own states."""
    token, here = environ.get("CI_JOB_TOKEN"), origin(environ.get("CI_API_V4_URL", ""))
    if token and endpoints.is_gitlab and endpoints.origins == {here}:
        return "gitlab-ci-token", token
    return None


def _check_host(environ: Mapping[str, str], endpoints: Endpoints) -> None:
    named = origin(environ.get("TF_HTTP_ADDRESS", ""))
    if origin(endpoints.state) != named:
        raise BackendError(
            "The state's password may not go to that host.",
            f"{endpoints.shown} comes from msgflash.yaml, which any branch can change; "
            f"the environment names {named or 'no host'} for it.",
            "If that host is right, name it in the environment, where a branch cannot reach:\n"
            f"    export TF_HTTP_ADDRESS={quote(endpoints.shown)}",
        )


def _context(environ: Mapping[str, str]) -> ssl.SSLContext | None:
    authority, certificate, key = (environ.get(name, "") for name in (_CA, _CERTIFICATE, _KEY))
    if bool(certificate) != bool(key):
        raise BackendError(
            "The client certificate is not complete.", f"{_CERTIFICATE} and {_KEY} belong together.", "Set both."
        )
    if not authority and not certificate:
        return None
    try:
        context = ssl.create_default_context(cadata=authority or None)
        if certificate:
            # OpenSSL takes files only: one for this user alone, which is gone right after.
            with NamedTemporaryFile(suffix=".pem") as file:
                file.write(f"{certificate}\n{key}\n".encode())
                file.flush()
                context.load_cert_chain(file.name, password=_refuse_to_ask)
    except (OSError, ValueError, TypeError) as err:
        raise BackendError(
            "A certificate cannot be read.",
            f"{_CA}, {_CERTIFICATE} or {_KEY}: it is no PEM text, or the two of the client do not fit.",
            "Give the text of the PEM file itself, not its path.",
        ) from err
    return context


def _refuse_to_ask() -> str:
    """Make an encrypted key an error; otherwise OpenSSL would prompt for its password on the terminal."""
    return ""
