"""
Google Cloud Storage, by the variables of Google's own tools.

Credentials: a token of the environment; else a service account's key; else application default credentials (a user or
a service account; GOOGLE_APPLICATION_CREDENTIALS or what `gcloud` left at home); else the instance's service account.
Workload identity federation from outside Google is not among them: let the pipeline's own step fetch a token, and give
it as GOOGLE_BEARER_TOKEN.
"""

from collections.abc import Mapping
from itertools import chain
from typing import TYPE_CHECKING, Final, cast

from obstore.exceptions import BaseError
from obstore.store import GCSStore

from msgflash_apply.state.backends.object_store.address import ObjectAddress
from msgflash_apply.state.backends.object_store.connection import RETRIES, client_options, settings, unusable
from msgflash_apply.state.backends.object_store.objects import Objects

if TYPE_CHECKING:
    from obstore.store import GCSConfig

VARIABLES: Final[Mapping[str, tuple[str, ...]]] = {
    "base_url": ("GOOGLE_BASE_URL",),
    "bearer_token": ("GOOGLE_BEARER_TOKEN",),
    "service_account": ("GOOGLE_SERVICE_ACCOUNT", "GOOGLE_SERVICE_ACCOUNT_PATH"),
    "service_account_key": ("GOOGLE_SERVICE_ACCOUNT_KEY",),
    "application_credentials": ("GOOGLE_APPLICATION_CREDENTIALS",),
}
"""The library's settings, and the variables that give them: the first one that is set."""


def connect(address: ObjectAddress, environ: Mapping[str, str]) -> Objects:
    """
    Open a folder of a bucket. Sends nothing yet.

    Raises:
        BackendError: the settings do not fit together, or a key cannot be read.
    """
    config = settings(environ, VARIABLES)
    try:
        store = GCSStore(
            address.bucket,
            prefix=address.folder,
            config=cast("GCSConfig", config),
            client_options=client_options(config.get("base_url"), "GOOGLE_BASE_URL"),
            retry_config=RETRIES,
        )
    except (BaseError, ValueError) as err:
        raise unusable(str(address), chain.from_iterable(VARIABLES.values()), environ) from err
    return Objects(store, str(address), by_generation=True)
