"""What each cloud takes from the environment, and how it says that this will not do."""

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from obstore.exceptions import BaseError
from obstore.store import AzureStore, GCSStore, S3Store

from msgflash_apply.errors import BackendError
from msgflash_apply.state.backends.backend import open_backend
from msgflash_apply.state.backends.base import Location
from msgflash_apply.state.backends.object_store.clouds import VARIABLES, Profile, find_profile

KEYS = {"AWS_ACCESS_KEY_ID": "c4nary-id", "AWS_SECRET_ACCESS_KEY": "c4nary-key"}


def open_state(url: str, environ: Mapping[str, str]) -> str:
    """Open a state; nothing is sent."""
    return open_backend(Location(url, Path(), {"HOME": "/nonexistent", **environ})).url


@pytest.mark.parametrize(
    ("url", "environ"),
    [
        ("s3://bucket/team", KEYS),
        ("s3://bucket/team", {**KEYS, "AWS_ENDPOINT_URL": "https://minio.example.com:9000", "AWS_REGION": "eu-west-3"}),
        ("s3://bucket/team", {**KEYS, "AWS_ENDPOINT_URL_S3": "http://[::1]:9000"}),
        ("s3://bucket/team", {**KEYS, "AWS_ENDPOINT_URL": "http://localhost:9000"}),
        ("s3://bucket/team", {}),
        ("gs://bucket/team", {"GOOGLE_BEARER_TOKEN": "c4nary"}),
        ("az://states/team", {"AZURE_STORAGE_ACCOUNT": "account", "AZURE_STORAGE_KEY": "YzRuYXJ5"}),
    ],
)
def test_usual_variables_open_a_state(url: str, environ: Mapping[str, str]) -> None:
    """Each cloud's usual variables are enough to open a state, whose URL shows nothing of them."""
    assert open_state(url, environ) == url


@pytest.mark.parametrize(
    ("url", "environ", "words"),
    [
        ("s3://bucket/team", {"AWS_ACCESS_KEY_ID": "c4nary"}, "Set: AWS_ACCESS_KEY_ID."),
        ("s3://bucket/team", {**KEYS, "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "c4nary"}, "AWS_VIRTUAL_HOSTED"),
        ("s3://bucket/team", {**KEYS, "AWS_CA_BUNDLE": "/nonexistent/c.pem"}, "AWS_CA_BUNDLE: /nonexistent/c.pem: No "),
        ("s3://bucket/team", {**KEYS, "AWS_CA_BUNDLE": "/dev/null"}, "Set: AWS_ACCESS_KEY_ID, AWS_CA_BUNDLE"),
        ("gs://bucket/team", {"GOOGLE_SERVICE_ACCOUNT_KEY": '{"c4nary": 1}'}, "Set: GOOGLE_SERVICE_ACCOUNT_KEY."),
        ("gs://bucket/team", {"GOOGLE_APPLICATION_CREDENTIALS": "/nonexistent"}, "GOOGLE_APPLICATION_CREDENTIALS"),
        ("az://states/team", {"AZURE_STORAGE_KEY": "c4nary"}, "AZURE_STORAGE_ACCOUNT_NAME"),
        ("az://states/team", {"AZURE_STORAGE_ACCOUNT": "a", "AZURE_STORAGE_KEY": "c4nary!"}, "AZURE_STORAGE_KEY"),
    ],
)
def test_settings_that_do_not_fit_are_named(url: str, environ: Mapping[str, str], words: str) -> None:
    """Settings that are incomplete or cannot be read are named by their variables, without their values."""
    with pytest.raises(BackendError) as caught:
        open_state(url, environ)

    assert words in str(caught.value)
    assert "c4nary" not in str(caught.value)


@pytest.mark.parametrize(
    ("endpoint", "words"),
    [
        ("http://minio.example.com", "plain HTTP to minio.example.com"),
        ("http://10.0.0.7:9000", "plain HTTP to 10.0.0.7"),
        ("http://127.0.0.1.example.com", "plain HTTP"),
        ("https://c4nary@minio.example.com", "without a user"),
        ("minio.example.com:9000", "a URL like https://"),
        ("ftp://minio.example.com", "a URL like https://"),
        ("https://", "a URL like https://"),
    ],
)
@pytest.mark.parametrize(
    ("url", "variable", "environ"),
    [
        ("s3://bucket/team", "AWS_ENDPOINT_URL", KEYS),
        ("gs://bucket/team", "GOOGLE_BASE_URL", {"GOOGLE_BEARER_TOKEN": "c4nary"}),
        ("az://states/team", "AZURE_STORAGE_ENDPOINT", {"AZURE_STORAGE_ACCOUNT_NAME": "a"}),
    ],
)
def test_endpoint_must_be_safe(endpoint: str, words: str, url: str, variable: str, environ: Mapping[str, str]) -> None:
    """Plain HTTP goes to this machine alone, and no endpoint carries a password."""
    with pytest.raises(BackendError, match=variable) as caught:
        open_state(url, {**environ, variable: endpoint})

    assert words in str(caught.value)
    assert "c4nary" not in str(caught.value)


@pytest.mark.parametrize(
    ("cloud", "store"), [(VARIABLES["s3"], S3Store), (VARIABLES["gs"], GCSStore), (VARIABLES["az"], AzureStore)]
)
def test_library_knows_every_setting(cloud: Mapping[str, object], store: type) -> None:
    """Every setting that we hand on is one that the library has: it refuses unknown ones by name."""

    def refusal(setting: str) -> str:
        try:
            store("bucket", config={setting: "true"})
        except (BaseError, ValueError) as err:
            return str(err)
        return ""

    assert "is not valid for store" in refusal("no_such_setting")
    assert not [setting for setting in cloud if "is not valid for store" in refusal(setting)]


@pytest.mark.parametrize(
    ("url", "library", "extra"),
    [("s3://b-1/x", "boto3", "s3"), ("gs://b-1/x", "obstore", "gcs"), ("az://b-1/x", "obstore", "azure")],
)
def test_missing_library_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, url: str, library: str, extra: str
) -> None:
    """Where a cloud's library is not installed, the error gives the command."""
    monkeypatch.setitem(sys.modules, library, None)

    with pytest.raises(BackendError, match=library) as caught:
        open_state(url, {})

    assert f"pip install 'msgflash-apply[{extra}]'" in caught.value.fix


def test_without_profiles_nothing_is_loaded(tmp_path: Path) -> None:
    """Where neither the environment nor the home has an AWS profile, there is none."""
    assert find_profile({"HOME": str(tmp_path)}) == Profile()


def test_profile_gives_credentials_and_region(tmp_path: Path) -> None:
    """A profile's credentials come from where it says, a process of its own included, and its region with them."""
    config = tmp_path / "config"
    answer = '{"Version": 1, "AccessKeyId": "id", "SecretAccessKey": "key"}'
    config.write_text(f"[profile team]\nregion = eu-west-3\ncredential_process = echo '{answer}'\n")

    profile = find_profile({"AWS_PROFILE": "team", "AWS_CONFIG_FILE": str(config), "HOME": str(tmp_path)})

    assert profile.provider is not None
    assert profile.region == "eu-west-3"
    assert profile.provider()["access_key_id"] == "id"  # type: ignore[index] # this provider answers at once


def test_default_profile_of_the_home_is_found(tmp_path: Path) -> None:
    """Keys in ~/.aws are used although nothing in the environment speaks of a profile."""
    credentials = "[default]\naws_access_key_id = id\naws_secret_access_key = key\n"
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "credentials").write_text(credentials)

    profile = find_profile({"HOME": str(tmp_path)})

    assert profile.provider is not None
    assert profile.region is None


def test_profile_may_name_a_region_alone(tmp_path: Path) -> None:
    """A profile without credentials still says where the bucket is; credentials are looked for elsewhere."""
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "config").write_text("[default]\nregion = eu-west-3\n")

    assert find_profile({"HOME": str(tmp_path)}) == Profile(region="eu-west-3")
    assert open_state("s3://bucket/team", {"HOME": str(tmp_path)}) == "s3://bucket/team"


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "ProfileNotFound"), ("[profile team]\ncredential_process = false\n", "CredentialRetrievalError")],
)
def test_profile_that_does_not_work_is_named(tmp_path: Path, text: str, words: str) -> None:
    """A profile that is chosen and cannot be used is an error: no other credentials are looked for behind its back."""
    config = tmp_path / "config"
    config.write_text(text)

    with pytest.raises(BackendError, match=f"'team' cannot be used: {words}") as caught:
        open_state("s3://bucket/team", {"AWS_PROFILE": "team", "AWS_CONFIG_FILE": str(config), "HOME": str(tmp_path)})

    assert "aws sso login" in caught.value.fix
