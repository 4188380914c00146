"""Locks that other hosts, dead runs or strangers left."""

import json
from pathlib import Path

import pytest

from msgflash_apply.errors import StateLocked
from msgflash_apply.state.serialise import to_json
from tests.support.states import a_backend, a_holder


def sign(**changes: object) -> str:
    """Write a lock as `run-1` would have, with fields replaced or added."""
    return json.dumps({**json.loads(to_json(a_holder("run-1"))), **changes})


def test_lock_of_another_host_is_never_taken_over(tmp_path: Path) -> None:
    """Whether a process of another host lives cannot be known here, so its lock stays, and says how to break it."""
    (tmp_path / "default.lock").write_text(sign(host="elsewhere"))

    with pytest.raises(StateLocked, match="on elsewhere") as caught:
        a_backend(tmp_path).lock(a_holder("run-2", host="here"))

    assert "state unlock run-1" in caught.value.fix


def test_lock_that_its_process_left_is_taken_over(tmp_path: Path) -> None:
    """A lock of this host that the kernel does not know any more belonged to a process that died."""
    (tmp_path / "default.lock").write_text(sign(host="here"))
    backend = a_backend(tmp_path)

    backend.lock(a_holder("run-2", host="here"))

    assert backend.holder() == a_holder("run-2", host="here")
    backend.unlock("run-2")


def test_unsigned_lock_is_free(tmp_path: Path) -> None:
    """A process that died between making and signing its lock left an empty file, which locks no run out."""
    (tmp_path / "default.lock").touch()
    backend = a_backend(tmp_path)

    assert backend.holder() is None
    backend.lock(a_holder())
    backend.unlock("run-1")


@pytest.mark.parametrize(
    "text",
    [
        "torn{",
        "[]",
        "{}",
        "[" * 100_000,
        '{"since": "yesterday"}',
        '{"since": 5}',
        '{"lock_id": "x"}',
        sign(since="2026-11-23T12:00:00"),
        sign(since="0001-01-01T00:00:00+14:00"),
        sign(since=5),
        sign(lock_id="x; rm -rf ~"),
        sign(lock_id=""),
        sign(lock_id=7),
        sign(pid="1; rm -rf ~"),
        sign(pid=True),
        sign(pid=-1),
        sign(pid=2**31),
        sign(who=["ada"]),
        sign(what="x" * 201),
        sign(more=1),
    ],
)
def test_lock_that_cannot_be_read_is_held(tmp_path: Path, text: str) -> None:
    """A lock file that makes no sense is not taken over; it can be broken under the id `unknown`."""
    (tmp_path / "default.lock").write_text(text)
    backend = a_backend(tmp_path)

    with pytest.raises(StateLocked, match="state unlock unknown"):
        backend.lock(a_holder())
    backend.break_lock("unknown")

    backend.lock(a_holder())
    backend.unlock("run-1")


def test_living_lock_whose_text_was_wiped_is_still_held(tmp_path: Path) -> None:
    """The kernel's lock counts even where it is unknown whose it is."""
    backend = a_backend(tmp_path)
    backend.lock(a_holder())
    (tmp_path / "default.lock").write_text("")

    with pytest.raises(StateLocked, match="held by unknown"):
        a_backend(tmp_path).lock(a_holder("run-2"))

    backend.unlock("run-1")
