"""
The credentials for the server of a state, and where they may be sent (contract section 12).

A branch can write any address into msgflash.yaml. So a password, or a certificate's key, goes only to a host that the
environment names: by MSGFLASH_STATE, which is the address itself, or by TF_HTTP_ADDRESS. The token of a GitLab job goes
only to the GitLab that runs the job. Where a password may not go, nothing goes: not even a request without it.
"""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from shlex import quote
from tempfile import NamedTemporaryFile
from typing import Final

from msgflash_apply.errors import BackendError
from msgflash_apply.state.backends.base import Location
from msgflash_apply.state.backends.terraform_http.endpoints import Endpoints, origin

_CA: Final = "TF_HTTP_CLIENT_CA_CERTIFICATE_PEM"
_CERTIFICATE: Final = "TF_HTTP_CLIENT_CERTIFICATE_PEM"
_KEY: Final = "TF_HTTP_CLIENT_PRIVATE_KEY_PEM"


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
