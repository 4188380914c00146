"""
Credentials of an AWS profile: from `~/.aws`, a process of its own, an assumed role, or single sign-on.

The library does not read profiles, AWS's own SDK does; it loads only where the environment or `~/.aws` has any. It gets
the profile and the two files from the environment that is given here; everything else (the cache of single sign-on, a
proxy) it takes from the process's own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from msgflash_apply.errors import BackendError

if TYPE_CHECKING:
    from obstore.store import S3CredentialProvider


@dataclass(frozen=True, slots=True)
class Profile:
    """
    What a profile says.

    Attributes:
        provider: asked by the library whenever it needs credentials; None if the profile has none.
        region: None if it names none.
    """

    provider: "S3CredentialProvider | None" = None
    region: str | None = None


def find_profile(environ: Mapping[str, str]) -> Profile:
    """
    Find the profile that is chosen, or the default one; one that says nothing where there is none.

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
