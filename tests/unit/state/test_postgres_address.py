"""The URL of a state in PostgreSQL."""

import pytest

from msgflash_apply.errors import BackendError
from msgflash_apply.state.backends.postgres.address import PostgresAddress, parse_address


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("postgresql://db/shop/default", PostgresAddress(None, "db", None, "shop", "default", "msgflash_apply", {})),
        ("POSTGRES://db/shop/default", PostgresAddress(None, "db", None, "shop", "default", "msgflash_apply", {})),
        ("postgresql:///shop/a/b", PostgresAddress(None, "", None, "shop", "a/b", "msgflash_apply", {})),
        ("postgresql://@db/shop/a", PostgresAddress(None, "db", None, "shop", "a", "msgflash_apply", {})),
        ("postgresql://:5433/shop/a", PostgresAddress(None, "", "5433", "shop", "a", "msgflash_apply", {})),
        ("postgresql://[::1]:5433/shop/a", PostgresAddress(None, "::1", "5433", "shop", "a", "msgflash_apply", {})),
        (
            "postgresql://ad%40a@%2Frun%2Fpg/sh%2Fop/a%20b",
            PostgresAddress("ad@a", "/run/pg", None, "sh/op", "a b", "msgflash_apply", {}),
        ),
        (
            "postgresql://db/shop/a?schema=eu&sslmode=verify-full&connect_timeout=30&application_name=ci",
            PostgresAddress(
                *(None, "db", None, "shop", "a", "eu"),
                {"sslmode": "verify-full", "connect_timeout": "30", "application_name": "ci"},
            ),
        ),
    ],
)
def test_parts_of_a_url(url: str, address: PostgresAddress) -> None:
    """Each part of a URL is taken apart, decoded, and left to the environment where it is not there."""
    assert parse_address(url) == address


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ad%40a@db:5433/shop/eu/a%3Fb?schema=Old%20one",
        "postgresql://[fe80::1]/shop/default",
        "postgresql:///shop/default",
        "postgresql://%2Frun%2Fpg/sh%2Fop/default",
    ],
)
def test_url_for_people_is_the_url(url: str) -> None:
    """The URL that messages show leads to the same place."""
    assert parse_address(url).url == url


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("postgresql://ada:hunter2@db/shop/default", "or holds a password"),
        ("postgresql://ada:hunter2/x@db/shop/default", "is not of this form"),
        ("postgresql://db/shop/default?password=hunter2", "'password' cannot be"),
        ("postgresql://db/shop/default?sslpassword=hunter2", "'sslpassword' cannot be"),
        ("postgresql://db/shop/default?host=hunter2", "'host' cannot be"),
        ("postgresql://db/shop/default#hunter2", "is not of this form"),
        ("postgresql://db", "is not of this form"),
        ("postgresql://db/", "the name of the database is missing"),
        ("postgresql://db/shop", "the name of the state is missing"),
        ("postgresql://db/shop/", "the name of the state is missing"),
        ("postgresql://db/shop/a//b", "has an empty part"),
        ("postgresql://db/shop/a/", "has an empty part"),
        ("postgresql://db/shop/" + 501 * "a", "longer than 500 bytes"),
        ("postgresql://db/" + 64 * "a" + "/default", "longer than 63 bytes"),
        ("postgresql://db/shop/a?schema=" + 32 * "é", "the name of the schema"),
        ("postgresql://db/shop/a?schema=", "the value of schema"),
        ("postgresql://db/shop/a?schema=x&schema=y", "or not twice"),
        ("postgresql://db/shop/a?sslmode=none", "the value of sslmode"),
        ("postgresql://db/shop/a?connect_timeout=0", "the value of connect_timeout"),
        ("postgresql://db/shop/a?application_name=a%00b", "the value of application_name"),
        ("postgresql://db1,db2/shop/a", "not [user@][host][:port]"),
        ("postgresql://db:port/shop/a", "not [user@][host][:port]"),
        ("postgresql://db/shop/a%00b", "cannot be printed"),
        ("postgresql://db/shop/a%0Ab", "cannot be printed"),
        ("postgresql://db/shop/\udcff", "cannot be printed"),
        ("postgresql://db/shop/%FF", "is not UTF-8"),
    ],
)
def test_url_that_cannot_be_used(url: str, reason: str) -> None:
    """A URL that is none, or says what only the environment may, is refused without repeating what could be secret."""
    with pytest.raises(BackendError) as caught:
        parse_address(url)

    assert reason in caught.value.detail
    assert "hunter2" not in str(caught.value)
