"""
Azure Blob Storage, by the variables of Azure's own tools; the account is the environment's, never the URL's.

Credentials: a key, a shared access signature or a token of the environment; else a client secret or a workload
identity; else the Azure CLI where AZURE_USE_AZURE_CLI=true; else the managed identity of the machine.
"""

from collections.abc import Mapping
from itertools import chain
from typing import TYPE_CHECKING, Final, cast

from obstore.exceptions import BaseError
from obstore.store import AzureStore

from msgflash_apply.errors import BackendError
from msgflash_apply.state.backends.object_store.address import ObjectAddress
from msgflash_apply.state.backends.object_store.connection import RETRIES, client_options, settings, unusable
from msgflash_apply.state.backends.object_store.objects import Objects

if TYPE_CHECKING:
    from obstore.store import AzureConfig

VARIABLES: Final[Mapping[str, tuple[str, ...]]] = {
    "account_name": ("AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_ACCOUNT"),
    "account_key": ("AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_ACCESS_KEY", "AZURE_STORAGE_KEY"),
    "sas_key": ("AZURE_STORAGE_SAS_TOKEN", "AZURE_STORAGE_SAS_KEY"),
    "token": ("AZURE_STORAGE_TOKEN",),
    "endpoint": ("AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT"),
    "client_id": ("AZURE_STORAGE_CLIENT_ID", "AZURE_CLIENT_ID"),
    "client_secret": ("AZURE_STORAGE_CLIENT_SECRET", "AZURE_CLIENT_SECRET"),
    "tenant_id": ("AZURE_STORAGE_TENANT_ID", "AZURE_TENANT_ID"),
    "authority_host": ("AZURE_STORAGE_AUTHORITY_HOST", "AZURE_AUTHORITY_HOST"),
    "federated_token_file": ("AZURE_FEDERATED_TOKEN_FILE",),
    "msi_endpoint": ("AZURE_IDENTITY_ENDPOINT", "AZURE_MSI_ENDPOINT"),
    "use_azure_cli": ("AZURE_USE_AZURE_CLI",),
}
"""The library's settings, and the variables that give them: the first one that is set."""


def connect(address: ObjectAddress, environ: Mapping[str, str]) -> Objects:
    """
    Open a folder of a container. Sends nothing yet.

    Raises:
        BackendError: no account is named, or the settings do not fit together.
    """
    config = settings(environ, VARIABLES)
    if "account_name" not in config:
        raise BackendError(
            "The state's storage cannot be opened.",
            f"{address}: no storage account is named in the environment.",
            "Set AZURE_STORAGE_ACCOUNT_NAME, then run again.",
        )
    try:
        store = AzureStore(
            address.bucket,
            prefix=address.folder,
            config=cast("AzureConfig", config),
            client_options=client_options(config.get("endpoint"), "AZURE_STORAGE_ENDPOINT"),
            retry_config=RETRIES,
        )
    except (BaseError, ValueError) as err:
        raise unusable(str(address), chain.from_iterable(VARIABLES.values()), environ) from err
    return Objects(store, str(address))
