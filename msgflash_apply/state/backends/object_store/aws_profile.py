"""
Credentials of an AWS profile: from `~/.aws`, a process of its own, an assumed role, or single sign-on.

The library does not read profiles, AWS's own SDK does; it loads only where the environment or `~/.aws` has any. It is
told the profile and the two files from the environment that is given here; whatever else it wants (the cache of single
sign-on, a proxy) it takes from the process's own.
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
    Where credentials come from.

    Attributes:
        provider: asked by the library whenever it needs credentials.
        region: of the profile; None if it names none.
    """

    provider: "S3CredentialProvider"
    region: str | None


def find_profile(environ: Mapping[str, str]) -> Profile | None:
    """
    Find the profile that is chosen, or the default one; None where there is none or it holds no credentials.

    Raises:
        BackendError: the profile that is chosen is not there, or can not be read.
    """
    name = environ.get("AWS_PROFILE") or environ.get("AWS_DEFAULT_PROFILE")
    folder = Path(environ.get("HOME") or "~").expanduser() / ".aws"
    files = {
        "config_file": environ.get("AWS_CONFIG_FILE") or str(folder / "config"),
        "credentials_file": environ.get("AWS_SHARED_CREDENTIALS_FILE") or str(folder / "credentials"),
    }
    if not name and not any(Path(path).is_file() for path in files.values()):
        return None
    return _read(name, files)


def _read(name: str | None, files: Mapping[str, str]) -> Profile | None:
    errors = import_module("botocore.exceptions")
    session = import_module("botocore.session").Session(profile=name)
    for setting, path in files.items():
        session.set_config_variable(setting, path)
    try:
        if session.get_credentials() is None:
            return None
        provider = import_module("obstore.auth.boto3").Boto3CredentialProvider(session)
        return Profile(provider, session.get_config_variable("region"))
    except errors.BotoCoreError as err:
        raise BackendError(
            "The state's storage can not be opened.",
            f"The AWS profile {name or 'default'!r} can not be used: {type(err).__name__}.",
            "Mend it in ~/.aws, choose another one with AWS_PROFILE, or log in again: aws sso login",
        ) from err
