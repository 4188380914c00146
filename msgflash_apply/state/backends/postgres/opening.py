"""The way in from `open.py`: checks the URL first, and loads the library only for one that can be used."""

from importlib import import_module
from typing import cast

from msgflash_apply.errors import BackendError
from msgflash_apply.state.backends.base import Backend, Location
from msgflash_apply.state.backends.postgres.address import parse_address
from msgflash_apply.state.backends.postgres.trust import check_destination, ssl_mode


def open_postgres(location: Location) -> Backend:
    """
    Open a state at `postgresql://`. Connects to nothing yet.

    Raises:
        BackendError: the URL cannot be used, may not be used because it comes from a file, or psycopg is not installed.
    """
    address = parse_address(location.url)
    if not location.is_trusted:
        check_destination(address, location.environ)
    mode = ssl_mode(address, location.environ, is_trusted=location.is_trusted)
    try:
        import_module("psycopg")
    except ImportError as err:
        raise BackendError(
            "A library is missing.",
            "A state at postgresql:// needs psycopg with PostgreSQL's client library.",
            "Install it:\n    pip install 'msgflash-apply[postgres]'",
        ) from err
    module = import_module("msgflash_apply.state.backends.postgres.backend")
    return cast("Backend", module.PostgresBackend(address, location.environ, ssl_mode=mode))
