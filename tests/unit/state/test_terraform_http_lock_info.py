"""Who holds a lock behind HTTP, from what servers tell of it."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from msgflash_apply.state.backends.base import Holder
from msgflash_apply.state.backends.terraform_http.server_lock import (
    holder_in,
    lock_id_in,
    lock_info,
    lock_info_in,
)
from tests.support.states import a_holder

PATH = "https://states.example/prod"
ASKED = lock_info(a_holder("look-1", host="there"), PATH, is_gitlab=False)


@pytest.mark.parametrize("is_gitlab", [False, True])
def test_holder_is_reported_in_full(*, is_gitlab: bool) -> None:
    """Where a server gives back what it got, everything about the holder is known."""
    held = lock_info(a_holder(), PATH, is_gitlab=is_gitlab)

    assert all(isinstance(held[name], str) for name in ("Operation", "Info", "Who", "Version", "Created", "Path"))
    assert (lock_id_in(held), holder_in(held, ASKED)) == ("run-1", a_holder())


def test_gitlab_tells_the_holder_by_the_id() -> None:
    """GitLab repeats what was asked for in every field but the id, its own user and the time; the id tells the rest."""
    held = lock_info(a_holder(), PATH, is_gitlab=True)

    assert holder_in({**ASKED, "ID": held["ID"], "Who": "root"}, ASKED) == a_holder()


def test_long_holder_leaves_the_id_short() -> None:
    """An id has at most 255 characters; a holder that does not fit is shown in GitLab's own words."""
    held = lock_info(replace(a_holder(), who="a" * 255), PATH, is_gitlab=True)
    answer = {**ASKED, "ID": held["ID"], "Who": "root", "Created": "2027-03-01T12:00:00Z"}

    assert holder_in(answer, ASKED) == Holder(
        "run-1", "root", "unknown", 0, "unknown", datetime(2027, 3, 1, 12, tzinfo=UTC)
    )


def test_lock_of_another_program_is_reported() -> None:
    """A lock that Terraform took is described as far as its fields go."""
    found = {"ID": "f00", "Operation": "OperationTypeApply", "Info": "", "Who": "bob@there", "Created": "yesterday"}

    assert holder_in(found, ASKED) == Holder(
        "f00", "bob@there", "unknown", 0, "OperationTypeApply", datetime(1970, 1, 1, tzinfo=UTC)
    )


@pytest.mark.parametrize("body", [b"", b"locked by ada", b"[]", b"null", b"[" * 100_000, b'{"ID": 7}'])
def test_refusal_without_a_lock_tells_nothing(body: bytes) -> None:
    """A server that refuses in other words leaves everything unknown."""
    found = lock_info_in(body)

    assert (found, lock_id_in(found)) == ({}, "unknown")
    assert holder_in(found, ASKED) == Holder(
        "unknown", "unknown", "unknown", 0, "unknown", datetime(1970, 1, 1, tzinfo=UTC)
    )


@pytest.mark.parametrize(
    "info",
    [
        "people",
        "{}",
        "7",
        json.dumps({"since": "2027-03-01T12:00:00Z"}),
        "[" * 100_000,
    ],
)
def test_strange_details_are_left_out(info: str) -> None:
    """Details that are not ours are no holder."""
    found = {"ID": f"f00 {info}", "Info": info, "Operation": "apply"}

    assert holder_in(found, ASKED).what == "apply"
    assert holder_in(found, ASKED).who == "unknown"
