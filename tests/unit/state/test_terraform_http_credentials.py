"""Which credentials a state's server gets, and from which location they stay away."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from msgflash_apply.errors import BackendError
from msgflash_apply.state.backends.base import Location
from msgflash_apply.state.backends.terraform_http.endpoints import Credentials, credentials_for, endpoints_of
from tests.support.stores.authority import Authority

STATE = "https://states.example/acme/prod"
GITLAB = "https://gitlab.example/api/v4/projects/7/terraform/state/prod"
ADA = {"TF_HTTP_USERNAME": "ada", "TF_HTTP_PASSWORD": "s3cret"}
JOB = {"CI_API_V4_URL": "https://gitlab.example/api/v4", "CI_JOB_TOKEN": "s3cret"}


def credentials(url: str, environ: dict[str, str], *, is_trusted: bool = False) -> Credentials:
    """Choose the credentials for a URL in an environment."""
    location = Location(url, Path(), environ, is_trusted=is_trusted)
    return credentials_for(location, endpoints_of(location))


def test_address_from_the_environment_gets_the_password() -> None:
    """Where MSGFLASH_STATE is the address, the password goes there."""
    found = credentials(STATE, ADA, is_trusted=True)

    assert found.basic == ("ada", "s3cret")
    assert "s3cret" not in repr(found)


@pytest.mark.parametrize("named", [STATE, "https://States.example:443/other"])
def test_host_that_the_environment_names_gets_the_password(named: str) -> None:
    """An address of the repo gets the password where TF_HTTP_ADDRESS names the same server."""
    assert credentials(STATE, {**ADA, "TF_HTTP_ADDRESS": named}).basic == ("ada", "s3cret")


@pytest.mark.parametrize(
    "named",
    ["", "https://states.example.evil.example/acme/prod", "https://states.example:8443/acme/prod", "states.example"],
)
def test_password_goes_to_no_other_host(named: str) -> None:
    """A branch that writes another host into the repo gets nothing, not even a request without the password."""
    with pytest.raises(BackendError, match="may not go to that host") as caught:
        credentials(STATE, {**ADA, "TF_HTTP_ADDRESS": named})

    assert f"export TF_HTTP_ADDRESS={STATE}" in caught.value.fix
    assert "s3cret" not in str(caught.value)


def test_advice_can_be_pasted() -> None:
    """An address that a stranger wrote is quoted where people may paste it into a shell."""
    with pytest.raises(BackendError, match="may not go to that host") as caught:
        credentials("https://states.example/$(evil)", ADA)

    assert "export TF_HTTP_ADDRESS='https://states.example/$(evil)'" in caught.value.fix


def test_certificate_goes_to_no_other_host() -> None:
    """A client certificate is a secret like a password."""
    with pytest.raises(BackendError, match="may not go to that host"):
        credentials(STATE, {"TF_HTTP_CLIENT_CERTIFICATE_PEM": "pem", "TF_HTTP_CLIENT_PRIVATE_KEY_PEM": "pem"})


def test_without_secrets_any_host_will_do() -> None:
    """Where there is nothing to leak, an address of the repo is used as it is."""
    assert credentials(STATE, {}) == Credentials()


def test_user_may_have_no_password() -> None:
    """A user alone is sent with an empty password, as Terraform does."""
    assert credentials(STATE, {"TF_HTTP_USERNAME": "token"}, is_trusted=True).basic == ("token", "")


def test_password_needs_a_user() -> None:
    """A password without a user is a mistake that is reported before anything is sent."""
    with pytest.raises(BackendError, match=r"TF_HTTP_USERNAME is not\.\nSet both\.") as caught:
        credentials(STATE, {"TF_HTTP_PASSWORD": "s3cret"})

    assert "s3cret" not in str(caught.value)


def test_gitlab_job_needs_no_password() -> None:
    """In a GitLab job the job's token is used at that GitLab's states."""
    assert credentials(GITLAB, JOB).basic == ("gitlab-ci-token", "s3cret")


@pytest.mark.parametrize(
    ("url", "environ"),
    [
        (STATE, JOB),
        (GITLAB.replace("gitlab.example", "gitlab.evil.example"), JOB),
        (GITLAB, {**JOB, "TF_HTTP_LOCK_ADDRESS": "https://locks.example/prod"}),
        ("https://gitlab.example/evil", JOB),
        (GITLAB, {"CI_JOB_TOKEN": "s3cret"}),
    ],
)
def test_job_token_goes_to_its_own_gitlab_only(url: str, environ: dict[str, str]) -> None:
    """The token of a job is for the states of the GitLab that runs it."""
    assert credentials(url, environ, is_trusted=True).basic is None


def test_given_password_comes_before_the_job_token() -> None:
    """What the environment says outright is used in a GitLab job too."""
    assert credentials(GITLAB, {**JOB, **ADA}, is_trusted=True).basic == ("ada", "s3cret")


@pytest.mark.parametrize(
    ("environ", "summary"),
    [
        ({"TF_HTTP_CLIENT_CERTIFICATE_PEM": "pem"}, "not complete"),
        ({"TF_HTTP_CLIENT_PRIVATE_KEY_PEM": "pem"}, "not complete"),
        ({"TF_HTTP_CLIENT_CERTIFICATE_PEM": "pem", "TF_HTTP_CLIENT_PRIVATE_KEY_PEM": "s3cret"}, "cannot be read"),
        ({"TF_HTTP_CLIENT_CA_CERTIFICATE_PEM": "/etc/ssl/ca.pem"}, "cannot be read"),
        ({"TF_HTTP_CLIENT_CA_CERTIFICATE_PEM": "é"}, "cannot be read"),
    ],
)
def test_unusable_certificate_is_reported(environ: dict[str, str], summary: str) -> None:
    """Half a pair, or text that is no certificate, is reported before anything is sent."""
    with pytest.raises(BackendError, match=summary) as caught:
        credentials(STATE, environ, is_trusted=True)

    assert "s3cret" not in str(caught.value)


def test_encrypted_key_is_reported(tmp_path: Path) -> None:
    """A key that wants a password of its own is refused; there is no prompt for it."""
    key = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"s3cret")
    )
    environ = {
        "TF_HTTP_CLIENT_CERTIFICATE_PEM": Authority(tmp_path).client_certificate,
        "TF_HTTP_CLIENT_PRIVATE_KEY_PEM": key.decode(),
    }

    with pytest.raises(BackendError, match="cannot be read"):
        credentials(STATE, environ, is_trusted=True)
