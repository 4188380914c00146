"""`state unlock` on every storage: no run that is at work on this host is robbed by mistake."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from msgflash_apply.errors import StateLocked
from msgflash_apply.state.backends.base import Holder
from msgflash_apply.state.edits import break_lock
from msgflash_apply.state.ledger import init_state
from tests.support.states import ENVIRONMENT, LINEAGE, a_holder
from tests.support.stores import Place, Stores, every_kind


@pytest.fixture(params=every_kind())
def place(request: pytest.FixtureRequest, stores: Stores, tmp_path: Path) -> Place:
    """Make a state of each kind."""
    made = stores.place(request.param, tmp_path)
    init_state(made.client(), environment=ENVIRONMENT, lineage=LINEAGE)
    return made


def a_dead_process() -> Holder:
    """Build the holder of a process that has ended."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return replace(a_holder("run-1"), pid=ended.pid)


def test_lock_of_a_living_process_stays(place: Place) -> None:
    """A run of this host that is at work keeps its lock, unless somebody insists."""
    one, two = place.client(), place.client()
    living = replace(a_holder("run-1"), pid=os.getpid())
    one.lock(living)

    with pytest.raises(StateLocked, match="seems to be at work"):
        break_lock(two, "run-1", by=a_holder("run-2"), force=False)

    assert one.holder() == living
    break_lock(two, "run-1", by=a_holder("run-2"), force=True)
    assert one.holder() is None


def test_lock_that_outlived_its_process_is_broken(place: Place) -> None:
    """Where a lock does not die with its holder, that of a dead process of this host is broken at a word."""
    one, two = place.client(), place.client()
    dead = a_dead_process()
    one.lock(dead)

    if two.lock_dies_with_its_holder:
        with pytest.raises(StateLocked):
            break_lock(two, "run-1", by=a_holder("run-2"), force=False)
        one.unlock("run-1")
    else:
        break_lock(two, "run-1", by=a_holder("run-2"), force=False)

    assert two.holder() is None
