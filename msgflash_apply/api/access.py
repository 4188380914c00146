"""Where requests go and as whom. Both come from the environment alone: a branch must not choose where a key goes."""

from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from msgflash_apply.errors import MsgflashApplyError

DEFAULT_BASE_URL = "https://srv.msgflash.com"
LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


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
            MsgflashApplyError: the URL would carry the key in clear or to nowhere, or the key can not be one.
        """
        base_url = base_url.rstrip("/")
        parts = urlsplit(base_url)
        if parts.scheme not in {"https", "http"} or not parts.hostname or parts.path or parts.query or parts.username:
            raise MsgflashApplyError(
                "MSGFLASH_BASE_URL is not a usable address.", "", f"Write it as scheme and host: {DEFAULT_BASE_URL}"
            )
        if parts.scheme == "http" and parts.hostname not in LOOPBACK_HOSTS:
            raise MsgflashApplyError(
                "The API key would travel in clear.",
                f"MSGFLASH_BASE_URL is plain http to {parts.hostname}; that is allowed to this machine only.",
                "Write https:// instead.",
            )
        if not (api_key.isascii() and api_key.isprintable() and " " not in api_key):
            raise MsgflashApplyError(
                "The API key can not be one: it holds a space or a character outside ASCII.",
                "",
                "Copy it again from the MsgFlash console: it begins with msgf_live_ or msgf_team_.",
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
    def is_team(self) -> bool:
        """Whether the key is a team's, which may not read usage (reference 2.3)."""
        return self.api_key.startswith("msgf_team_")
