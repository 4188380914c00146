"""
From the location of a state to the backend that keeps it. `scheme_of_state` says which kind of place it is.

A storage's library loads when its first backend is opened, and the one for encryption with the first key.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Final, cast

from msgflash_apply.errors import BackendError
from msgflash_apply.models.project import STATE_SCHEMES, scheme_of_state
from msgflash_apply.state.backends.backend import StoreBackend
from msgflash_apply.state.backends.base import Location, Store
from msgflash_apply.state.backends.encryption import Encryption, Keyring
from msgflash_apply.state.backends.local import LocalStore
from msgflash_apply.state.backends.postgres.address import check_destination, ssl_mode
from msgflash_apply.state.backends.postgres.address import parse_address as parse_postgres_address

_CLOUDS: Final = {"s3": ("s3", ("obstore", "boto3")), "gs": ("gcs", ("obstore",)), "az": ("azure", ("obstore",))}
"""By scheme: the extra, and the libraries that it needs."""


def _object_store(location: Location) -> Store:
    """
    Open a state at s3://, gs:// or az://. Sends nothing yet.

    A URL that a branch wrote chooses a bucket and a folder of the cloud, the account and the endpoint that the
    environment names, and so no one else who could get a secret.
    """
    scheme = location.url.partition("://")[0].lower()
    extra, libraries = _CLOUDS[scheme]
    if not all(map(find_spec, libraries)):
        raise BackendError(
            "A library is missing.",
            f"States at {scheme}:// need {' and '.join(libraries)}.",
            f"Install them:\n    pip install 'msgflash-apply[{extra}]'",
        )
    package = "msgflash_apply.state.backends.object_store"
    clouds = import_module(f"{package}.clouds")
    objects = clouds.connect(clouds.parse_address(location.url), location.environ)
    return cast("Store", import_module(f"{package}.store").ObjectStore(objects))


def _postgres(location: Location) -> Store:
    """Open a state at postgresql://, where a URL that a branch wrote may lead. Connects to nothing yet."""
    address = parse_postgres_address(location.url)
    if not location.is_trusted:
        check_destination(address, location.environ)
    mode = ssl_mode(address, location.environ, is_trusted=location.is_trusted)
    try:
        import_module("psycopg")
    except ImportError as err:  # psycopg itself, or the client library that it needs
        raise BackendError(
            "A library is missing.",
            "A state at postgresql:// needs psycopg with PostgreSQL's client library.",
            "Install it:\n    pip install 'msgflash-apply[postgres]'",
        ) from err
    module = import_module("msgflash_apply.state.backends.postgres.store")
    return cast("Store", module.PostgresStore(address, location.environ, ssl_mode=mode))


def _terraform_http(location: Location) -> Store:
    from msgflash_apply.state.backends.terraform_http.store import open_terraform_http  # noqa: PLC0415 - loads httpx

    return open_terraform_http(location)


_BY_SCHEME: Final[Mapping[str, Callable[[Location], Store]]] = {
    "az": _object_store,
    "gs": _object_store,
    "s3": _object_store,
    "postgres": _postgres,
    "postgresql": _postgres,
    "http": _terraform_http,
    "https": _terraform_http,
}


def open_store(location: Location) -> Store:
    """
    Choose the storage of a state. Reads and writes nothing there; whether a state is there is found out later.

    Raises:
        BackendError: nothing keeps states under this scheme, a library is missing, or the URL is not one that the
            storage takes; names no credentials.
    """
    try:
        scheme = scheme_of_state(location.url)
    except ValueError as err:
        schemes = ", ".join(f"{known}://" for known in STATE_SCHEMES)
        raise BackendError(
            "The state's location is not supported.",
            f"It {err}.",
            f"Give the path of a file, or a URL that begins with one of these: {schemes}.",
        ) from err
    return LocalStore(location.root / location.url) if scheme is None else _BY_SCHEME[scheme](location)


def open_backend(location: Location, keys: Keyring | None = None) -> StoreBackend:
    """
    Choose the backend of a state, as `open_store` does; raises the same.

    Args:
        location: where the state is.
        keys: everything is encrypted with the first, and decrypted with any of them. None for plain text.
    """
    store = open_store(location)
    return StoreBackend(store, None if keys is None else Encryption(keys))
