"""The network settings of the process's environment, where they cannot be used."""

import pytest

from msgflash_apply.api.access import DEFAULT_BASE_URL, Access
from msgflash_apply.api.client import Client
from msgflash_apply.api.limiter import Limiter
from msgflash_apply.errors import ApiError


def a_client(base_url: str = DEFAULT_BASE_URL) -> Client:
    """Build a client that reads the environment."""
    return Client(Access(base_url, "msgf_live_1"), Limiter(0, jitter=lambda: 0.0), jitter=lambda: 0.0)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("HTTPS_PROXY", "gopher://ada:s3cret@proxy"),
        ("HTTPS_PROXY", "http://ada:s3cret@proxy:port"),
        ("HTTPS_PROXY", "http://ada:s3cret@[::"),
        ("ALL_PROXY", "socks5://ada:s3cret@proxy"),
        ("ALL_PROXY", "ada:s3cret@proxy:65536"),
        ("NO_PROXY", "[::1,ada:s3cret"),
        ("SSL_CERT_FILE", "/none/s3cret"),
        ("SSL_CERT_FILE", __file__),
    ],
)
def test_unusable_settings_are_reported(variable: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A setting that no client can be made with is an error of ours before a request, and shows no password."""
    monkeypatch.setenv(variable, value)

    with pytest.raises(ApiError, match=variable) as caught:
        a_client()

    assert "s3cret" not in str(caught.value)


def test_settings_mean_nothing_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sandbox is reached without a proxy, so a broken one is not looked at."""
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:65536")

    assert a_client("http://127.0.0.1:1").access.is_loopback
