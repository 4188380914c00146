"""Where a key may go; contract section 12."""

import pytest

from msgflash_apply.api.access import DEFAULT_BASE_URL, Access, origin_of
from msgflash_apply.errors import MsgflashApplyError

KEY = "msgf_live_" + "a" * 64


@pytest.mark.parametrize("url", [DEFAULT_BASE_URL, "http://127.0.0.1:8025", "http://localhost:1/", "http://[::1]:9"])
def test_tls_or_this_machine(url: str) -> None:
    """A key travels over TLS, or stays on this machine."""
    assert Access.checked(url, KEY, None).base_url == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        "http://srv.msgflash.com",
        "http://127.0.0.1.example.com",
        "ftp://srv.msgflash.com",
        "srv.msgflash.com",
        "https://",
        "https://user@srv.msgflash.com",
        "https://srv.msgflash.com/api/v1",
        "https://srv.msgflash.com?x=1",
        "https://srv.msgflash.com#x",
        "https://:secret@srv.msgflash.com",
        "https://srv.msgflash.com:port",
        "https://srv.msgflash.com:0",
        "https://[::1",
        "https://é\u200d.example",
        "https://two words.example",
    ],
)
def test_unsafe_addresses_are_refused(url: str) -> None:
    """An address that would leak the key, or that is none, is refused before anything is sent."""
    with pytest.raises(MsgflashApplyError):
        Access.checked(url, KEY, None)


@pytest.mark.parametrize("key", ["msgf_live_ä", "two words", "line\nbreak"])
def test_impossible_keys_are_refused_without_showing_them(key: str) -> None:
    """A key that no header can carry is refused, and the message does not hold it."""
    with pytest.raises(MsgflashApplyError) as caught:
        Access.checked(DEFAULT_BASE_URL, key, None)

    assert key not in str(caught.value)


def test_impossible_team_is_refused() -> None:
    """A team's id that no header can carry is refused before anything is sent."""
    with pytest.raises(MsgflashApplyError, match="MSGFLASH_TEAM_ID"):
        Access.checked(DEFAULT_BASE_URL, KEY, "té am")


def test_key_is_not_in_repr() -> None:
    """Printing the access shows where, not as whom."""
    assert KEY not in repr(Access.checked(DEFAULT_BASE_URL, KEY, "team"))


def test_host_and_kind_of_key() -> None:
    """The host is shown with its port, and a team's key is known by its beginning."""
    access = Access.checked("http://127.0.0.1:8025", "msgf_team_x", "team")

    assert (access.host, access.is_loopback, access.is_team) == ("127.0.0.1:8025", True, True)
    assert not Access.checked(DEFAULT_BASE_URL, KEY, None).is_loopback


def test_only_https_is_encrypted() -> None:
    """Whether authorities are needed depends on the scheme, and not on the host."""
    plain = [Access.checked(f"{scheme}://localhost", KEY, None).is_plain for scheme in ("http", "https")]

    assert plain == [True, False]


@pytest.mark.parametrize(
    ("base_url", "origin"),
    [
        ("https://srv.msgflash.com", "https://srv.msgflash.com"),
        (" HTTPS://Srv.MsgFlash.com/ ", "https://srv.msgflash.com"),
        ("https://srv.msgflash.com:443", "https://srv.msgflash.com"),
        ("https://srv.msgflash.com:80", "https://srv.msgflash.com:80"),
        ("http://127.0.0.1:80/", "http://127.0.0.1"),
        ("http://127.0.0.1:8735//", "http://127.0.0.1:8735"),
    ],
)
def test_one_server_is_spelt_one_way(base_url: str, origin: str) -> None:
    """Case, spaces, a slash at the end and the usual port make no other MsgFlash of it."""
    assert origin_of(base_url) == origin
