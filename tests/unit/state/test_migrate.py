"""Moving a state: what arrives, who is refused afterwards, and the way back."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from msgflash_apply.errors import StateError
from msgflash_apply.state.backends.base import Backend
from msgflash_apply.state.codec import encode
from msgflash_apply.state.edits import push_document
from msgflash_apply.state.ledger import init_state
from tests.support.builders import a_snapshot
from tests.support.moves import a_claim, an_old_state, marked, move, read
from tests.support.states import ENVIRONMENT, a_backend, a_run, created, intended

MOVED = "The state has moved"


@pytest.fixture
def old(tmp_path: Path) -> Backend:
    """Make a state with a campaign, and a run that died."""
    return an_old_state(tmp_path / "old")


@pytest.fixture
def new(tmp_path: Path) -> Backend:
    """Choose a place where nothing is."""
    return a_backend(tmp_path / "new")


def test_state_arrives_whole(old: Backend, new: Backend) -> None:
    """Everything is live at the target, what a dead run left included, under a serial ahead of the marked copy's."""
    before = read(old)

    moved = move(old, new)

    assert moved == read(new) == replace(before, serial=5, journal=None)
    assert (set(moved.campaigns), set(moved.in_doubt)) == ({"sale"}, {"tea"})
    assert replace(marked(old), serial=5, journal=None, moved=None) == moved
    assert (marked(old).serial, marked(old).moved) == (4, new.url)
    assert (old.holder(), new.holder()) == (None, None)


def _run(backend: Backend) -> None:
    with a_run(backend, "forgotten") as ledger:
        ledger.append(intended("news"))


def _push(backend: Backend) -> None:
    push_document(backend, encode(replace(a_snapshot(), serial=99)), a_claim("pusher"), where="kept.json", force=True)


def _init(backend: Backend) -> None:
    init_state(backend, environment=ENVIRONMENT, lineage="another")


@pytest.mark.parametrize("use", [read, _run, _push, _init])
def test_old_place_is_refused_by_everything(old: Backend, new: Backend, use: Callable[[Backend], object]) -> None:
    """Reading, running, pushing and making a state where one has moved away are refused, saying where it is."""
    move(old, new)
    document = old.read()

    with pytest.raises(StateError, match=MOVED) as caught:
        use(old)

    assert f"The state itself is at '{new.url}'" in caught.value.detail
    assert "MSGFLASH_STATE" in caught.value.fix
    assert (old.read(), list(old.journals())) == (document, ["run-2"])


def test_runs_go_on_at_the_new_place(old: Backend, new: Backend) -> None:
    """A run at the target finds what was there, and its commit builds on it."""
    move(old, new)

    with a_run(new, "run-3") as ledger:
        ledger.append(created("tea"))

    assert (set(read(new).campaigns), read(new).serial) == ({"sale", "tea"}, 6)


def test_state_moves_back(old: Backend, new: Backend) -> None:
    """The place that a state left takes it back, with what happened meanwhile."""
    move(old, new)
    with a_run(new, "run-3") as ledger:
        ledger.append(created("tea"))
    elsewhere = read(new)

    back = move(new, old, "mover-2")

    assert replace(back, serial=elsewhere.serial) == replace(elsewhere, journal=None)
    assert read(old) == back
    assert marked(new).moved == old.url
    with a_run(old, "run-4") as ledger:
        ledger.append(intended("news"), created("news"))
    assert set(read(old).campaigns) == {"sale", "tea", "news"}


def test_moving_again_does_no_harm(old: Backend, new: Backend) -> None:
    """Moving a state that has arrived already changes nothing and reports the same."""
    moved = move(old, new)
    documents = old.read(), new.read()

    assert move(old, new, "mover-2") == moved

    assert (old.read(), new.read()) == documents
