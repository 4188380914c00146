"""
Amazon S3 and compatible stores, by the variables of AWS's own tools.

Credentials: keys of the environment; else a web identity or a container's role; else a profile (`aws_profile.py`),
which may use single sign-on; else the role of the instance. All but the profile is the library's work.

The bucket is in the path of a request, or with AWS_VIRTUAL_HOSTED_STYLE_REQUEST=true in the name of the host; an
endpoint of one's own then has to hold it too.
"""

from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from obstore.exceptions import BaseError
from obstore.store import S3Store

from msgflash_apply.errors import BackendError
from msgflash_apply.state.backends.object_store.address import ObjectAddress
from msgflash_apply.state.backends.object_store.aws_profile import Profile, find_profile
from msgflash_apply.state.backends.object_store.connection import RETRIES, client_options, settings, unusable
from msgflash_apply.state.backends.object_store.objects import Objects

if TYPE_CHECKING:
    from obstore.store import ClientConfig, S3Config

VARIABLES: Final[Mapping[str, tuple[str, ...]]] = {
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
}
"""The library's settings, and the variables that give them: the first one that is set."""

_CERTIFICATES: Final = "AWS_CA_BUNDLE"

_OWN_CREDENTIALS: Final = (
    "access_key_id",
    "web_identity_token_file",
    "container_credentials_relative_uri",
    "container_credentials_full_uri",
)


def connect(address: ObjectAddress, environ: Mapping[str, str]) -> Objects:
    """
    Open a folder of a bucket. Sends nothing yet.

    Raises:
        BackendError: the settings do not fit together, or a profile cannot be read.
    """
    config = settings(environ, VARIABLES)
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
    try:
        store = S3Store(
            address.bucket,
            prefix=address.folder,
            config=cast("S3Config", config),
            client_options={**client_options(config.get("endpoint"), "AWS_ENDPOINT_URL"), **trusted},
            retry_config=RETRIES,
            credential_provider=profile.provider,
        )
    except (BaseError, ValueError) as err:
        raise unusable(str(address), (*chain.from_iterable(VARIABLES.values()), _CERTIFICATES), environ) from err
    return Objects(store, str(address))
