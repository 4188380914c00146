"""What a URL that a branch wrote may choose."""

from pathlib import Path

import pytest

from msgflash_apply.errors import BackendError
from msgflash_apply.state.backends.backend import open_backend
from msgflash_apply.state.backends.base import Location
from msgflash_apply.state.backends.postgres.address import parse_address, ssl_mode

URL = "postgresql://DB.acme/shop/default"
WITH_PASSWORD = {"PGPASSWORD": "hunter2"}


@pytest.mark.parametrize(
    ("url", "environ"),
    [
        (URL, {}),
        (URL, {**WITH_PASSWORD, "PGHOST": "db.acme"}),
        (URL, {**WITH_PASSWORD, "PGHOST": "db.acme", "PGPORT": "5432"}),
        (URL, {**WITH_PASSWORD, "PGHOST": "db.acme", "PGPORT": "6000"}),
        ("postgresql://db.acme:6000/shop/default", {**WITH_PASSWORD, "PGHOST": "db.acme", "PGPORT": "6000"}),
        ("postgresql:///shop/default", WITH_PASSWORD),
        ("postgresql:///shop/default", {**WITH_PASSWORD, "PGHOST": "db.acme"}),
        ("postgresql://%2Frun%2FPG/shop/default", {**WITH_PASSWORD, "PGHOST": "/run/PG"}),
        ("postgresql://ada@/shop/default", {"PGSERVICE": "acme"}),
    ],
)
def test_password_goes_where_the_environment_says(url: str, environ: dict[str, str], tmp_path: Path) -> None:
    """A URL in a file is used where it sends no password, or sends it to the server that the environment names."""
    assert open_backend(Location(url, tmp_path, environ)).url == parse_address(url).url


@pytest.mark.parametrize(
    ("url", "environ"),
    [
        (URL, WITH_PASSWORD),
        (URL, {**WITH_PASSWORD, "PGHOST": "db.example"}),
        ("postgresql://db.acme:6000/shop/default", {**WITH_PASSWORD, "PGHOST": "db.acme"}),
        ("postgresql://:6000/shop/default", WITH_PASSWORD),
        ("postgresql://%2Frun%2Fpg/shop/default", {**WITH_PASSWORD, "PGHOST": "/run/PG"}),
        (URL, {"PGSERVICE": "acme"}),
        ("postgresql://:6000/shop/default", {"PGSERVICE": "acme"}),
        ("postgresql:///shop/default?sslmode=disable", {"PGSERVICE": "acme"}),
    ],
)
def test_password_goes_nowhere_else(url: str, environ: dict[str, str], tmp_path: Path) -> None:
    """A URL in a file that would send the password elsewhere is refused; the same one in MSGFLASH_STATE is not."""
    with pytest.raises(BackendError, match="cannot be sent there") as caught:
        open_backend(Location(url, tmp_path, environ))

    assert "MSGFLASH_STATE" in caught.value.fix
    assert "hunter2" not in str(caught.value)
    assert open_backend(Location(url, tmp_path, environ, is_trusted=True)).url == parse_address(url).url


@pytest.mark.parametrize(
    ("host", "asked", "environ", "mode"),
    [
        ("db.acme", "", {}, "require"),
        ("203.0.113.7", "", {}, "require"),
        ("db.acme", "", {"PGSSLMODE": "disable"}, "disable"),
        ("db.acme", "verify-full", {}, "verify-full"),
        ("db.acme", "require", {"PGSSLMODE": "prefer"}, "require"),
        ("localhost", "", {}, None),
        ("127.0.0.2", "disable", {}, "disable"),
        ("[::1]", "", {"PGSSLMODE": "verify-ca"}, "verify-ca"),
        ("%2Frun%2Fpg", "", {}, None),
        ("", "", {}, None),
        ("", "", {"PGHOST": "@abstract"}, None),
        ("", "", {"PGHOST": "localhost,db.acme"}, "require"),
        ("localhost", "", {"PGHOSTADDR": "203.0.113.7"}, "require"),
        ("", "", {"PGSERVICE": "acme"}, None),
    ],
)
def test_mode_of_tls(host: str, asked: str, environ: dict[str, str], mode: str | None) -> None:
    """TLS is required off this machine; the environment may say otherwise, and a file's URL only ask for more."""
    address = parse_address(f"postgresql://{host}/shop/default" + (f"?sslmode={asked}" if asked else ""))

    assert ssl_mode(address, environ, is_trusted=False) == mode


@pytest.mark.parametrize(
    ("host", "asked", "environ"),
    [
        ("db.acme", "prefer", {}),
        ("db.acme", "require", {"PGSSLMODE": "verify-full"}),
        ("localhost", "disable", {"PGSSLMODE": "require"}),
        ("localhost", "verify-full", {"PGSSLMODE": "stricter-than-we-know"}),
    ],
)
def test_file_does_not_weaken_tls(host: str, asked: str, environ: dict[str, str]) -> None:
    """A URL in a file that asks for less than there must be is refused; the same one in MSGFLASH_STATE is obeyed."""
    address = parse_address(f"postgresql://{host}/shop/default?sslmode={asked}")

    with pytest.raises(BackendError, match="less protection"):
        ssl_mode(address, environ, is_trusted=False)

    assert ssl_mode(address, environ, is_trusted=True) == asked
