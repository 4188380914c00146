"""
From the location of a state to the backend that keeps it. `scheme_of_state` says which kind of place it is.

A storage's library loads when its first backend is opened, and the one for encryption with the first key.
"""

from collections.abc import Callable, Mapping
from typing import Final

from msgflash_apply.errors import BackendError
from msgflash_apply.models.project import STATE_SCHEMES, scheme_of_state
from msgflash_apply.state.backends.base import Backend, Location
from msgflash_apply.state.backends.encrypted.backend import EncryptedBackend
from msgflash_apply.state.backends.encrypted.cipher import Cipher
from msgflash_apply.state.backends.encrypted.keyring import Keyring
from msgflash_apply.state.backends.local import LocalBackend
from msgflash_apply.state.backends.object_store.opening import open_object_store
from msgflash_apply.state.backends.postgres.opening import open_postgres


def _terraform_http(location: Location) -> Backend:
    from msgflash_apply.state.backends.terraform_http.backend import open_terraform_http  # noqa: PLC0415 - loads httpx

    return open_terraform_http(location)


_BY_SCHEME: Final[Mapping[str, Callable[[Location], Backend]]] = {
    "az": open_object_store,
    "gs": open_object_store,
    "s3": open_object_store,
    "postgres": open_postgres,
    "postgresql": open_postgres,
    "http": _terraform_http,
    "https": _terraform_http,
}


def open_backend(location: Location, keys: Keyring | None = None) -> Backend:
    """
    Choose the backend of a state. Reads and writes nothing there; whether a state is there is found out later.

    Args:
        location: where the state is.
        keys: everything is encrypted with the first, and decrypted with any of them. None for a backend that gives the
            bytes as they are in the storage.

    Raises:
        BackendError: no backend keeps states under this scheme, a library is missing, or the URL is not one that the
            backend takes; names no credentials.
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
    storage = LocalBackend(location.root / location.url) if scheme is None else _BY_SCHEME[scheme](location)
    return storage if keys is None else EncryptedBackend(storage, Cipher(keys))
