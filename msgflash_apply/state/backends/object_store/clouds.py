"""
Which cloud, bucket and folder a state is in, and what the environment says of it: endpoint, region, credentials.

The variables are those of each cloud's own tools; which credentials come first is said where each cloud is opened. The
bucket is in the path of a request to S3, or with AWS_VIRTUAL_HOSTED_STYLE_REQUEST=true in the name of the host; an
endpoint of one's own then has to hold it too. An Azure account is the environment's, never the URL's.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import urlsplit

from obstore.exceptions import BaseError
from obstore.store import AzureStore, GCSStore, S3Store

from msgflash_apply.errors import BackendError
from msgflash_apply.state.backends.base import is_this_machine
from msgflash_apply.state.backends.object_store.objects import Objects

if TYPE_CHECKING:
    from obstore.store import AzureConfig, ClientConfig, GCSConfig, RetryConfig, S3Config, S3CredentialProvider

_SHAPE: Final = re.compile(r"(\w+)://([^/]*)/*(.*?)/*")
_BUCKET: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,220}[A-Za-z0-9]")
_SEGMENT: Final = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._=+@-]+")

RETRIES: Final["RetryConfig"] = {
    "max_retries": 4,
    "retry_timeout": timedelta(seconds=20),
    "backoff": {"init_backoff": timedelta(seconds=0.2), "max_backoff": timedelta(seconds=5), "base": 2},
}
"""For credentials too: without them a search for a cloud's metadata service ends in seconds."""

VARIABLES: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "s3": {
        "endpoint": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"),
        "region": ("AWS_REGION", "AWS_DEFAULT_REGION"),
        "virtual_hosted_style_request": ("AWS_VIRTUAL_HOSTED_STYLE_REQUEST",),
        "access_key_id": ("AWS_ACCESS_KEY_ID",),
        "secret_access_key": ("AWS_SECRET_ACCESS_KEY",),
        "session_token": ("AWS_SESSION_TOKEN",),
        "web_identity_token_file": ("AWS_WEB_IDENTITY_TOKEN_FILE",),
        "role_arn": ("AWS_ROLE_ARN",),
        "role_session_name": ("AWS_ROLE_SESSION_NAME",),
        "aws_endpoint_url_sts": ("AWS_ENDPOINT_URL_STS",),
        "container_credentials_relative_uri": ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",),
        "container_credentials_full_uri": ("AWS_CONTAINER_CREDENTIALS_FULL_URI",),
        "container_authorization_token_file": ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",),
        "metadata_endpoint": ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "AWS_METADATA_ENDPOINT"),
        "server_side_encryption": ("AWS_SERVER_SIDE_ENCRYPTION",),
        "sse_kms_key_id": ("AWS_SSE_KMS_KEY_ID",),
        "sse_bucket_key_enabled": ("AWS_SSE_BUCKET_KEY_ENABLED",),
        "disable_bulk_delete": ("AWS_DISABLE_BULK_DELETE",),
    },
    "gs": {
        "base_url": ("GOOGLE_BASE_URL",),
        "bearer_token": ("GOOGLE_BEARER_TOKEN",),
        "service_account": ("GOOGLE_SERVICE_ACCOUNT", "GOOGLE_SERVICE_ACCOUNT_PATH"),
        "service_account_key": ("GOOGLE_SERVICE_ACCOUNT_KEY",),
        "application_credentials": ("GOOGLE_APPLICATION_CREDENTIALS",),
    },
    "az": {
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
    },
}
"""By scheme: the library's settings, and the variables that give them: the first one that is set."""

_CERTIFICATES: Final = "AWS_CA_BUNDLE"

_OWN_CREDENTIALS: Final = (
    "access_key_id",
    "web_identity_token_file",
    "container_credentials_relative_uri",
    "container_credentials_full_uri",
)


@dataclass(frozen=True, slots=True)
class ObjectAddress:
    """
    Where a state is.

    Attributes:
        scheme: s3, gs or az.
        bucket: or container.
        folder: the common beginning of its keys, without slashes at either end; never empty.
    """

    scheme: str
    bucket: str
    folder: str

    def __str__(self) -> str:
        return f"{self.scheme}://{self.bucket}/{self.folder}"


def parse_address(url: str) -> ObjectAddress:
    """
    Take a URL apart.

    Raises:
        BackendError: it holds more than a bucket and a folder, or less; does not repeat what may be a secret.
    """
    shape = _SHAPE.fullmatch(url)
    if shape is None:
        raise _refused(url.partition("://")[0])
    scheme, bucket, folder = shape[1].lower(), shape[2], shape[3]
    if not _BUCKET.fullmatch(bucket) or not all(map(_SEGMENT.fullmatch, folder.split("/"))):
        raise _refused(scheme)
    return ObjectAddress(scheme, bucket, folder)


def _refused(scheme: str) -> BackendError:
    return BackendError(
        "The state's location cannot be used.",
        f"A {scheme}:// URL holds a bucket and a folder, and nothing else: no user, password, port, query or fragment, "
        "and in the folder's name only letters, digits and . _ - = + @.",
        f"Write {scheme}://BUCKET/FOLDER. Endpoint, region and credentials come from the environment.",
    )


def connect(address: ObjectAddress, environ: Mapping[str, str]) -> Objects:
    """
    Open a folder of a bucket. Sends nothing yet.

    Raises:
        BackendError: the settings are incomplete or do not fit together, or a key or profile cannot be read.
    """
    variables = VARIABLES[address.scheme]
    # The library looks at the process's own environment besides, where a setting is not given; no way around it.
    found = {name: next(filter(None, map(environ.get, among)), None) for name, among in variables.items()}
    config = {name: value for name, value in found.items() if value is not None}
    connect_to = {"s3": _connect_to_s3, "gs": _connect_to_gcs, "az": _connect_to_azure}[address.scheme]
    try:
        return connect_to(address, config, environ)
    except (BaseError, ValueError) as err:
        about = (*chain.from_iterable(variables.values()), *([_CERTIFICATES] if address.scheme == "s3" else ()))
        names = sorted(filter(environ.get, about))
        raise BackendError(
            "The state's storage cannot be opened.",
            f"{address}: the environment's settings for it are incomplete, or cannot be read. Set: {', '.join(names)}.",
            "Complete or correct them, then run again.",
        ) from err


def _connect_to_s3(address: ObjectAddress, config: dict[str, str], environ: Mapping[str, str]) -> Objects:
    """
    Take keys of the environment; else a web identity or a container's role; else a profile, else the instance's role.

    All but the profile, which may use single sign-on, is the library's work.
    """
    # Whatever the process's environment says, a store without conditions cannot keep a state.
    config["conditional_put"] = "etag"
    profile = Profile() if any(name in config for name in _OWN_CREDENTIALS) else find_profile(environ)
    if profile.region is not None:
        config.setdefault("region", profile.region)
    trusted: ClientConfig = {}
    if bundle := environ.get(_CERTIFICATES):
        try:
            trusted["root_certificate"] = Path(bundle).read_bytes()
        except OSError as err:
            raise BackendError(
                "The state's storage cannot be opened.", f"{_CERTIFICATES}: {bundle}: {err.strerror}."
            ) from err
    store = S3Store(
        address.bucket,
        prefix=address.folder,
        config=cast("S3Config", config),
        client_options={**_client_options(config.get("endpoint"), "AWS_ENDPOINT_URL"), **trusted},
        retry_config=RETRIES,
        credential_provider=profile.provider,
    )
    return Objects(store, str(address))


def _connect_to_gcs(address: ObjectAddress, config: dict[str, str], _: Mapping[str, str]) -> Objects:
    """
    Take a token; else a service account's key; else application default credentials; else the instance's account.

    Application default credentials are a user's or a service account's: GOOGLE_APPLICATION_CREDENTIALS, or what
    `gcloud` left at home. Workload identity federation from outside Google is not among them: let the pipeline's own
    step fetch a token, and give it as GOOGLE_BEARER_TOKEN.
    """
    store = GCSStore(
        address.bucket,
        prefix=address.folder,
        config=cast("GCSConfig", config),
        client_options=_client_options(config.get("base_url"), "GOOGLE_BASE_URL"),
        retry_config=RETRIES,
    )
    return Objects(store, str(address), by_generation=True)


def _connect_to_azure(address: ObjectAddress, config: dict[str, str], _: Mapping[str, str]) -> Objects:
    """
    Take a key, a shared access signature or a token; else a client secret or a workload identity.

    Else the Azure CLI where AZURE_USE_AZURE_CLI=true; else the managed identity of the machine.
    """
    if "account_name" not in config:
        raise BackendError(
            "The state's storage cannot be opened.",
            f"{address}: no storage account is named in the environment.",
            "Set AZURE_STORAGE_ACCOUNT_NAME, then run again.",
        )
    store = AzureStore(
        address.bucket,
        prefix=address.folder,
        config=cast("AzureConfig", config),
        client_options=_client_options(config.get("endpoint"), "AZURE_STORAGE_ENDPOINT"),
        retry_config=RETRIES,
    )
    return Objects(store, str(address))


def _client_options(endpoint: str | None, variable: str) -> "ClientConfig":
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


def _is_plain(endpoint: str, variable: str) -> bool:
    parts = urlsplit(endpoint)
    if parts.scheme not in {"http", "https"} or parts.hostname is None or "@" in parts.netloc:
        raise BackendError(
            "The endpoint of the state's storage cannot be used.",
            f"{variable} must hold a URL like https://storage.example.com, without a user or a password.",
        )
    if parts.scheme == "http" and not is_this_machine(parts.hostname):
        raise BackendError(
            "The endpoint of the state's storage cannot be used.",
            f"{variable} is plain HTTP to {parts.hostname}: others on the way could read and change the state.",
            "Use https. Plain HTTP is for servers on this machine.",
        )
    return parts.scheme == "http"


@dataclass(frozen=True, slots=True)
class Profile:
    """
    What an AWS profile says.

    Attributes:
        provider: asked by the library whenever it needs credentials; None if the profile has none.
        region: None if it names none.
    """

    provider: "S3CredentialProvider | None" = None
    region: str | None = None


def find_profile(environ: Mapping[str, str]) -> Profile:
    """
    Find the AWS profile that is chosen, or the default one; one that says nothing where there is none.

    Its credentials are in `~/.aws`, come from a process of its own or an assumed role, or from single sign-on. The
    library does not read profiles, AWS's own SDK does; it loads only where the environment or `~/.aws` has any. It gets
    the profile and the two files from the environment that is given here; everything else (the cache of single sign-on,
    a proxy) it takes from the process's own.

    Raises:
        BackendError: the profile that is chosen is not there, or cannot be read.
    """
    name = environ.get("AWS_PROFILE") or environ.get("AWS_DEFAULT_PROFILE")
    folder = Path(environ.get("HOME") or "~").expanduser() / ".aws"
    files = {
        "config_file": environ.get("AWS_CONFIG_FILE") or str(folder / "config"),
        "credentials_file": environ.get("AWS_SHARED_CREDENTIALS_FILE") or str(folder / "credentials"),
    }
    if not name and not any(Path(path).is_file() for path in files.values()):
        return Profile()
    return _read(name, files)


def _read(name: str | None, files: Mapping[str, str]) -> Profile:
    errors = import_module("botocore.exceptions")
    session = import_module("botocore.session").Session(profile=name)
    for setting, path in files.items():
        session.set_config_variable(setting, path)
    try:
        # The instance's own role is looked for by the library, which is quicker to give up.
        session.get_component("credential_provider").remove("iam-role")
        region = session.get_config_variable("region")
        if session.get_credentials() is None:
            return Profile(region=region)
        return Profile(import_module("obstore.auth.boto3").Boto3CredentialProvider(session), region)
    except errors.BotoCoreError as err:
        raise BackendError(
            "The state's storage cannot be opened.",
            f"The AWS profile {name or 'default'!r} cannot be used: {type(err).__name__}.",
            "Correct it in ~/.aws, choose another one with AWS_PROFILE, or log in again: aws sso login",
        ) from err
