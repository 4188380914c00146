"""Addresses and methods of a state behind HTTP: from its URL and the environment."""

from pathlib import Path

import pytest

from msgflash_apply.errors import BackendError
from msgflash_apply.state.backends.backend import open_backend
from msgflash_apply.state.backends.base import Location
from msgflash_apply.state.backends.terraform_http.endpoints import Endpoints, endpoints_of, origin, shown

STATE = "https://states.example/acme/prod"
GITLAB = "https://gitlab.example/api/v4/projects/acme%2Fmail/terraform/state/prod"


def endpoints(url: str, **environ: str) -> Endpoints:
    """Work out the endpoints of a URL in an environment."""
    return endpoints_of(Location(url, Path(), environ))


def test_plain_server_locks_on_the_address_itself() -> None:
    """Without any variable, LOCK and UNLOCK go where the state is."""
    found = endpoints(STATE)

    assert found == Endpoints(STATE, STATE, STATE, "POST", "LOCK", "UNLOCK", is_gitlab=False)
    assert (found.shown, found.origins, found.is_loopback) == (STATE, frozenset({"https://states.example:443"}), False)


@pytest.mark.parametrize("url", [GITLAB, f"{GITLAB}/", GITLAB.replace("example/", "example/below/")])
def test_gitlab_locks_beside_the_address(url: str) -> None:
    """GitLab's addresses are known by their form, and have their lock beside them."""
    lock = f"{url.rstrip('/')}/lock"

    assert endpoints(url) == Endpoints(url, lock, lock, "POST", "POST", "DELETE", is_gitlab=True)


def test_variables_say_otherwise() -> None:
    """Terraform's variables override what follows from the address."""
    found = endpoints(
        STATE,
        TF_HTTP_ADDRESS=f"{STATE}/",
        TF_HTTP_LOCK_ADDRESS="https://locks.example/take",
        TF_HTTP_UNLOCK_ADDRESS="https://locks.example/give",
        TF_HTTP_UPDATE_METHOD="PUT",
        TF_HTTP_LOCK_METHOD="POST",
        TF_HTTP_UNLOCK_METHOD="DELETE",
    )

    assert found == Endpoints(
        STATE, "https://locks.example/take", "https://locks.example/give", "PUT", "POST", "DELETE", is_gitlab=False
    )


def test_unlock_address_follows_the_lock_address() -> None:
    """Where only the lock's address is given, the lock is given back there."""
    assert endpoints(STATE, TF_HTTP_LOCK_ADDRESS=f"{STATE}/lock").unlock == f"{STATE}/lock"


def test_variables_of_another_state_are_not_ours() -> None:
    """Where TF_HTTP_ADDRESS names another state, its lock is not this one's."""
    found = endpoints(
        STATE, TF_HTTP_ADDRESS=f"{STATE}-other", TF_HTTP_LOCK_ADDRESS=f"{STATE}-other/lock", TF_HTTP_LOCK_METHOD="POST"
    )

    assert (found.lock, found.lock_method) == (STATE, "LOCK")


def test_address_keeps_its_query_and_hides_it() -> None:
    """A query is part of the address, and may hold a signature that must not be shown."""
    found = endpoints(f"{STATE}?ref=main&sig=s3cret")

    assert (found.state, found.shown) == (f"{STATE}?ref=main&sig=s3cret", STATE)


@pytest.mark.parametrize(
    ("url", "summary"),
    [
        ("https://ada:s3cret@states.example/prod", "holds a user or a password"),
        ("https://ada@states.example/prod", "holds a user or a password"),
        ("http://states.example/prod", "would travel in clear"),
        ("https://", "cannot be used"),
        ("https:///prod", "cannot be used"),
        ("https://states.example:0/prod", "cannot be used"),
        ("https://states.example:high/prod", "cannot be used"),
        ("https://states..example/prod", "cannot be used"),
        (f"https://{'a' * 64}.example/prod", "cannot be used"),
        ("https://[::1/prod", "cannot be used"),
        ("https://états.example/prod", "cannot be used"),
        ("https://states.example/my state", "cannot be used"),
        ("https://states.example/prod#latest", "cannot be used"),
        ("ftp://states.example/prod", "cannot be used"),
    ],
)
def test_unusable_address_is_refused(url: str, summary: str) -> None:
    """An address that leads nowhere, travels in clear or holds a secret is refused, and no secret is repeated."""
    with pytest.raises(BackendError, match=summary) as caught:
        endpoints(url)
    assert "s3cret" not in str(caught.value)

    with pytest.raises(BackendError, match=summary):
        endpoints(STATE, TF_HTTP_LOCK_ADDRESS=url)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "127.0.0.2"])
def test_plain_http_stays_on_this_machine(host: str) -> None:
    """Plain http is for servers of this machine."""
    found = endpoints(f"http://{host}:8080/prod")

    assert (found.is_loopback, found.is_plain) == (True, True)


def test_one_address_that_is_encrypted_needs_authorities() -> None:
    """Where the lock is behind https, plain http for the state is not all there is."""
    assert not endpoints("http://localhost/prod", TF_HTTP_LOCK_ADDRESS="https://localhost/lock").is_plain


def test_unusable_method_is_reported() -> None:
    """A method that is none is refused by the name of its variable."""
    with pytest.raises(BackendError, match="TF_HTTP_LOCK_METHOD is 'lock it'"):
        endpoints(STATE, TF_HTTP_LOCK_METHOD="lock it")


def test_addresses_of_one_server_have_one_origin() -> None:
    """Scheme, host and port make a server, however they are spelled."""
    assert origin("https://States.Example/a") == origin("https://states.example:443/b") == "https://states.example:443"
    assert origin("http://localhost/a") == "http://localhost:80"
    assert (origin(""), origin("states.example"), origin("https://host:high")) == ("", "", "")
    assert shown("https://[::1") == "an address that cannot be read"


@pytest.mark.parametrize("scheme", ["https", "HTTPS"])
def test_backend_is_chosen_by_the_scheme(scheme: str) -> None:
    """An https address opens this backend without a request, and appends in groups."""
    backend = open_backend(Location(f"{scheme}://states.example/prod", Path()))

    assert backend.url.endswith("://states.example/prod")
    assert (backend.appends.ahead, backend.appends.every_seconds) == (16, 1.5)
