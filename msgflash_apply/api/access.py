"""
Host and API key of MsgFlash. Both come from the environment alone: a branch must not choose where a key goes.

Also the check of the environment's proxies, for mistakes that only a first request would show.
"""

import re
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit
from urllib.request import getproxies

from msgflash_apply.errors import MsgflashApplyError

DEFAULT_BASE_URL = "https://srv.msgflash.com"

LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})

_HOST = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+")
"""A name in ASCII (a name in another script is written `xn--..`), or an address."""


@dataclass(frozen=True, slots=True)
class Access:
    """
    Host and key; contract section 12.

    Attributes:
        base_url: `https://host`, or `http://` to this machine; no path, no user.
        api_key: never shown; `repr` leaves it out.
        team_id: for team keys.
    """

    base_url: str
    api_key: str
    team_id: str | None = None

    @classmethod
    def checked(cls, base_url: str, api_key: str, team_id: str | None) -> Self:
        """
        Make one from what the environment holds.

        Raises:
            MsgflashApplyError: the URL would carry the key in clear or to nowhere, or the key cannot be one.
        """
        base_url = base_url.rstrip("/")
        if not _is_usable(base_url):
            raise MsgflashApplyError(
                "MSGFLASH_BASE_URL is not a usable address.", "", f"Write it as scheme and host: {DEFAULT_BASE_URL}"
            )
        parts = urlsplit(base_url)
        if parts.scheme == "http" and parts.hostname not in LOOPBACK_HOSTS:
            raise MsgflashApplyError(
                "The API key would travel in clear.",
                f"MSGFLASH_BASE_URL is plain http to {parts.hostname}; that is allowed to this machine only.",
                "Write https:// instead.",
            )
        if not _fits_a_header(api_key):
            raise MsgflashApplyError(
                "The API key cannot be one: it holds a space or a character outside ASCII.",
                "",
                "Copy it again from the MsgFlash console: it begins with msgf_live_ or msgf_team_.",
            )
        if team_id and not _fits_a_header(team_id):
            raise MsgflashApplyError(
                "MSGFLASH_TEAM_ID cannot be one: it holds a space or a character outside ASCII.",
                "",
                "Copy it again from the MsgFlash console.",
            )
        return cls(base_url, api_key, team_id)

    def __repr__(self) -> str:
        return f"Access({self.base_url!r})"

    @property
    def host(self) -> str:
        """Host and port, for messages."""
        return urlsplit(self.base_url).netloc

    @property
    def is_loopback(self) -> bool:
        """Whether the requests stay on this machine."""
        return (urlsplit(self.base_url).hostname or "") in LOOPBACK_HOSTS

    @property
    def is_plain(self) -> bool:
        """Whether they are plain http, which stays on this machine."""
        return self.base_url.startswith("http:")

    @property
    def is_team(self) -> bool:
        """Whether the key is a team's, which may not read usage (reference 2.3)."""
        return self.api_key.startswith("msgf_team_")


def _is_usable(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port_fits = parts.port != 0  # reading it finds what is no number
    except ValueError:
        return False
    surplus = parts.path or parts.query or parts.fragment or parts.username or parts.password
    names_a_host = _HOST.fullmatch(parts.hostname or "") is not None
    return parts.scheme in {"https", "http"} and names_a_host and port_fits and not surplus


def _fits_a_header(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text


def origin_of(base_url: str) -> str:
    """Scheme, host and port of a base URL, spelt one way, without the port that goes without saying."""
    origin = base_url.strip().rstrip("/").lower()
    return origin.removesuffix(":443" if origin.startswith("https:") else ":80")


_USED = ("http", "https", "all")


def check_proxies() -> None:
    """
    Read the port of each proxy: one above 65535 is taken by the HTTP library and breaks every request.

    Raises:
        ValueError: a port is none.
    """
    named = getproxies()
    for url in (named[scheme] for scheme in _USED if scheme in named):
        _ = urlsplit(url if "://" in url else f"http://{url}").port  # reading it finds what is no port
