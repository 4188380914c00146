"""Proxies that the process's environment names, as far as only a first request would show that they can not be."""

from urllib.parse import urlsplit
from urllib.request import getproxies

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
