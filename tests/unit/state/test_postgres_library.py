"""What the client library gets, what it says, and what is said without it."""

import sys
from pathlib import Path

import psycopg
import pytest
from psycopg.errors import lookup

from msgflash_apply.errors import BackendError
from msgflash_apply.state.backends.backend import open_backend
from msgflash_apply.state.backends.base import Location
from msgflash_apply.state.backends.postgres.address import parse_address
from msgflash_apply.state.backends.postgres.schema import grant_sql, schema_sql
from msgflash_apply.state.backends.postgres.session import SessionLost, Timeouts, parameters, refuse_if_old, translated

URL = "postgresql://db.acme/shop/default"


def told_by(url: str, environ: dict[str, str], mode: str | None = None) -> dict[str, str]:
    """Collect the library's parameters, without those that are always the same."""
    always = {"client_encoding", "fallback_application_name", "tcp_user_timeout"}
    said = parameters(parse_address(url), environ, mode, Timeouts())
    return {name: text for name, text in said.items() if name not in always and not name.startswith("keepalives")}


def test_environment_fills_in_what_the_url_leaves_out() -> None:
    """The variables that libpq knows are passed on by its own names, and the URL comes first."""
    environ = {"PGHOST": "db.example", "PGPORT": "6000", "PGPASSWORD": "hunter2", "PGUSER": "", "HOME": "/home/ada"}

    assert told_by(URL + "?application_name=ci", environ, "require") == {
        "host": "db.acme",
        "port": "6000",
        "dbname": "shop",
        "password": "hunter2",
        "sslmode": "require",
        "application_name": "ci",
        "connect_timeout": "10",
    }


def test_service_is_left_to_the_library() -> None:
    """With PGSERVICE the other variables stay in the environment, where the service's file comes before them."""
    said = told_by("postgresql:///shop/default", {"PGSERVICE": "acme", "PGUSER": "ada"})

    assert said == {"service": "acme", "dbname": "shop", "connect_timeout": "10"}


def test_old_server_is_refused() -> None:
    """A server of an unmaintained version is refused, and the oldest that can be used is named."""
    refuse_if_old(140000, URL)

    with pytest.raises(BackendError, match=r"PostgreSQL 13\.\nUse PostgreSQL 14 or later"):
        refuse_if_old(130022, URL)


@pytest.mark.parametrize(
    ("code", "summary"),
    [
        ("28P01", "refuses the login"),
        ("3D000", "does not exist"),
        ("42501", "denies permission"),
        ("53100", "no room left"),
        ("53300", "takes no more connections"),
        ("25006", "is read-only"),
        ("57014", "took too long"),
        ("55P03", "took too long"),
        ("57P01", "ended the session"),
        ("08006", "broke"),
        ("42P01", "tables are damaged"),
        ("XX000", "failed"),
    ],
)
def test_every_class_of_errors_has_its_words(code: str, summary: str) -> None:
    """An error of the server is reported by its class, with the place, the server's words and what to do."""
    error = translated(lookup(code)("the server's\nwords"), URL, is_lost=False)

    assert summary in error.summary
    assert error.detail == f"{URL}: the server's words ({code})"
    assert error.fix
    assert not isinstance(error, SessionLost)


def test_lost_session_is_reported_as_such() -> None:
    """An error without a class that took the session along says that the connection broke."""
    error = translated(psycopg.OperationalError("server closed the connection"), URL, is_lost=True)

    assert isinstance(error, SessionLost)
    assert "broke" in error.summary
    assert error.detail == f"{URL}: server closed the connection"


def test_missing_library_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without psycopg the error names the extra that brings it."""
    monkeypatch.setitem(sys.modules, "psycopg", None)

    with pytest.raises(BackendError, match="needs psycopg") as caught:
        open_backend(Location(URL, tmp_path))

    assert "pip install 'msgflash-apply[postgres]'" in caught.value.fix


def test_scripts_for_administrators_quote_what_they_name() -> None:
    """The scripts run as they are, whatever schema and role are called, and a reader may do nothing but read."""
    made = schema_sql("Odd name")
    reader, writer = (grant_sql("Odd name", "o'neil", may_write=may_write) for may_write in (False, True))

    assert made.startswith('BEGIN;\nCREATE SCHEMA IF NOT EXISTS "Odd name";\nCREATE TABLE "Odd name".migrations (')
    assert made.endswith('INSERT INTO "Odd name".migrations (version) VALUES (1);\nCOMMIT;\n')
    assert reader.splitlines() == [
        'GRANT USAGE ON SCHEMA "Odd name" TO "o\'neil";',
        'GRANT SELECT ON ALL TABLES IN SCHEMA "Odd name" TO "o\'neil";',
    ]
    assert writer.startswith(reader)
    assert "TRUNCATE" not in writer
