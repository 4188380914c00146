"""What the three clouds have in common: how long to wait, where plain HTTP is allowed, settings by their variables."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from msgflash_apply.errors import BackendError

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig

RETRIES: Final["RetryConfig"] = {
    "max_retries": 4,
    "retry_timeout": timedelta(seconds=20),
    "backoff": {"init_backoff": timedelta(seconds=0.2), "max_backoff": timedelta(seconds=5), "base": 2},
}
"""For credentials too: without them a search for a cloud's metadata service ends in seconds."""


def client_options(endpoint: str | None, variable: str) -> "ClientConfig":
    """
    Choose how to talk to a store: plain HTTP to this machine alone, and no call without an end.

    A silent server ends a call after half a minute; only a big document that keeps flowing may take longer.

    Args:
        endpoint: as the environment has it; None for the cloud's own.
        variable: that holds it, for people.

    Raises:
        BackendError: the endpoint is no URL, carries a password, or is plain HTTP to another machine.
    """
    return {
        "allow_http": endpoint is not None and _is_plain(endpoint, variable),
        "connect_timeout": timedelta(seconds=5),
        "read_timeout": timedelta(seconds=30),
        "timeout": timedelta(minutes=3),
    }


def settings(environ: Mapping[str, str], variables: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """
    Collect settings of the library, each from the first of its variables that is set.

    The library looks at the process's own environment besides, where a setting is not given; there is no way around it.
    """
    found = {name: next(filter(None, map(environ.get, among)), None) for name, among in variables.items()}
    return {name: value for name, value in found.items() if value is not None}


def unusable(where: str, variables: Iterable[str], environ: Mapping[str, str]) -> BackendError:
    """Say that a store cannot be opened with these settings: which variables are set, and none of their values."""
    names = ", ".join(sorted(name for name in variables if environ.get(name)))
    return BackendError(
        "The state's storage cannot be opened.",
        f"{where}: the environment's settings for it are incomplete, or cannot be read. Set: {names}.",
        "Complete or correct them, then run again.",
    )


def _is_plain(endpoint: str, variable: str) -> bool:
    parts = urlsplit(endpoint)
    if parts.scheme not in {"http", "https"} or parts.hostname is None or "@" in parts.netloc:
        raise BackendError(
            "The endpoint of the state's storage cannot be used.",
            f"{variable} must hold a URL like https://storage.example.com, without a user or a password.",
        )
    if parts.scheme == "http" and not _is_this_machine(parts.hostname):
        raise BackendError(
            "The endpoint of the state's storage cannot be used.",
            f"{variable} is plain HTTP to {parts.hostname}: others on the way could read and change the state.",
            "Use https. Plain HTTP is for servers on this machine.",
        )
    return parts.scheme == "http"


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
