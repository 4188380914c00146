"""States that move: one with a past and a doubt, and what is live or marked where."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from msgflash_apply.errors import MsgflashApplyError
from msgflash_apply.state.backends.base import Backend
from msgflash_apply.state.codec import encode
from msgflash_apply.state.ledger import read_state
from msgflash_apply.state.lock import Claim
from msgflash_apply.state.migrate import migrate
from msgflash_apply.state.reading import load_copy
from msgflash_apply.state.snapshot import Snapshot
from tests.support.builders import NOW
from tests.support.states import ENVIRONMENT, a_backend, a_holder, a_run, a_run_that_ends, a_state, created, intended


def an_old_state(folder: Path) -> Backend:
    """Make a local state at serial 2 that knows a campaign `sale`, and whose last run died over `tea`."""
    folder.mkdir()
    a_state(folder)
    fill(a_backend(folder), a_backend(folder))
    return a_backend(folder)


def fill(one: Backend, two: Backend) -> None:
    """Create `sale` in a run, and die over `tea` in the next one; each has a client of its own."""
    with a_run(one) as ledger:
        ledger.append(intended("sale"), created("sale"))
    with pytest.raises(KeyboardInterrupt):
        a_run_that_ends(KeyboardInterrupt(), two, intended("tea"), lock_id="run-2")


def a_claim(lock_id: str = "mover") -> Claim:
    """Claim a state without waiting for its lock."""
    return Claim(ENVIRONMENT, a_holder(lock_id), lambda: NOW)


def move(source: Backend, target: Backend, lock_id: str = "mover") -> Snapshot:
    """Move a state."""
    return migrate(source, target, a_claim(lock_id))


def read(backend: Backend) -> Snapshot:
    """Read a live state."""
    return read_state(backend, environment=ENVIRONMENT)


def marked(backend: Backend) -> Snapshot:
    """Read a marked copy."""
    copy = load_copy(backend, ENVIRONMENT).snapshot
    assert copy.moved is not None
    return copy


def put(backend: Backend, snapshot: Snapshot) -> None:
    """Put a document in place, whatever is there."""
    found = backend.read()
    backend.write(encode(snapshot), expected=None if found is None else found.version)


def live(backends: Sequence[Backend]) -> list[Snapshot]:
    """Read those states that a plan would take."""
    found = []
    for backend in backends:
        try:
            found.append(read(backend))
        except MsgflashApplyError:
            continue
    return found
