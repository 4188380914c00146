"""Moves of a state that are refused: nothing is lost, nothing is overwritten, and never are two copies live."""

from dataclasses import replace
from pathlib import Path

import pytest

from msgflash_apply.errors import StateConflict, StateDamaged, StateError, StateLocked, StateMissing
from msgflash_apply.state.backends.base import Backend
from msgflash_apply.state.codec import encode, encode_entries
from msgflash_apply.state.edits import push_document
from msgflash_apply.state.journal import Opened
from msgflash_apply.state.snapshot import Snapshot
from tests.support.builders import NOW, a_record, a_snapshot
from tests.support.doors import Crash, CrashingBackend
from tests.support.moves import a_claim, an_old_state, marked, move, put, read
from tests.support.states import ENVIRONMENT, LINEAGE, LocalBackend, a_backend, a_run, intended

MOVED = r"The state has moved\."


@pytest.fixture
def old(tmp_path: Path) -> Backend:
    """Make a state with a campaign, and a run that died."""
    return an_old_state(tmp_path / "old")


@pytest.fixture
def new(tmp_path: Path) -> Backend:
    """Choose a place where nothing is."""
    return a_backend(tmp_path / "new")


def test_absent_state_is_not_moved(new: Backend, tmp_path: Path) -> None:
    """Where no state is there is nothing to move, and nothing is made."""
    with pytest.raises(StateMissing):
        move(a_backend(tmp_path / "nowhere"), new)

    assert list(tmp_path.iterdir()) == []


def test_state_of_another_environment_is_not_moved(old: Backend, new: Backend) -> None:
    """A move is for one environment, at both ends."""
    put(new, replace(a_snapshot(), environment="staging"))

    with pytest.raises(StateError, match="'staging'"):
        move(old, new)

    assert set(read(old).campaigns) == {"sale"}


def test_run_at_work_is_waited_for(old: Backend, new: Backend) -> None:
    """While a run holds the lock of the source nothing is moved, and nothing is written at the target."""
    with a_run(a_backend(Path(old.url).parent), "run-3"), pytest.raises(StateLocked):
        move(old, new)

    assert new.read() is None


@pytest.mark.parametrize("name", ["default.json", "../old/default.json", "link.json", "default"])
def test_one_place_under_two_names_is_found_out(old: Backend, name: str) -> None:
    """A state does not move to where it is, however that is spelled, nor to where its own lock would be taken."""
    folder = Path(old.url).parent
    (folder / "link.json").symlink_to("default.json")
    for journal in old.journals():
        old.drop(journal)
    before = old.read()

    with pytest.raises(StateError, match="cannot move to where it is"):
        move(old, LocalBackend(folder / name))

    assert old.read() == before


COPY = a_snapshot({"sale": a_record()})


@pytest.mark.parametrize(
    ("there", "objection"),
    [
        (replace(COPY, lineage="another"), "another state is there, of lineage another"),
        (replace(COPY, lineage="another", moved="elsewhere"), "another state is there, of lineage another"),
        (replace(COPY, serial=2), "this very state is there, under another name"),
        (replace(COPY, serial=4, moved="elsewhere"), "ahead of 3 here: the state was there last"),
        (replace(a_snapshot({"news": a_record("news")}), serial=2, moved="x"), "not in this state: id-news"),
    ],
)
def test_taken_place_is_left_alone(old: Backend, new: Backend, there: Snapshot, objection: str) -> None:
    """Only an older marked copy of the same state is ever overwritten; anything else stays, and the state too."""
    put(new, there)
    before = new.read()

    with pytest.raises(StateError, match="That place is taken") as caught:
        move(old, new)

    assert objection in caught.value.detail
    assert new.read() == before
    assert set(read(old).in_doubt) == {"tea"}


def test_outdated_copy_is_overwritten(old: Backend, new: Backend) -> None:
    """What an interrupted move left before the switch was never live, and gives way to the state as it is now."""
    put(new, replace(a_snapshot(), serial=1, journal="long-gone", moved=old.url))

    assert set(move(old, new).campaigns) == {"sale"}


def test_journal_of_unknown_origin_is_not_overwritten(old: Backend, new: Backend) -> None:
    """A journal beside a marked copy that was never folded in may hold ids: nothing is put over it."""
    put(new, replace(a_snapshot(), serial=1, moved=old.url))
    new.append("stray", encode_entries([Opened("stray", LINEAGE, 1, ENVIRONMENT, NOW), intended("news")], first=0))

    with pytest.raises(StateError, match="never folded in: stray"):
        move(old, new)


def test_remains_at_the_target_are_not_written_over(old: Backend, new: Backend) -> None:
    """Where a document was lost beside its backup, another state is not put on top."""
    put(new, COPY)
    put(new, COPY)
    Path(new.url).unlink()

    with pytest.raises(StateDamaged, match="there is no document, but there is"):
        move(old, new)


def test_state_that_moved_on_is_not_moved_from_its_copy(old: Backend, new: Backend, tmp_path: Path) -> None:
    """A copy that was left behind leads to where it went, and to no other place."""
    third = a_backend(tmp_path / "third")
    move(old, new)
    with pytest.raises(StateError, match=MOVED):
        move(old, third, "mover-2")
    move(new, third, "mover-3")

    with pytest.raises(StateError, match="That place is taken"):
        move(old, new, "mover-4")

    assert (marked(old).moved, marked(new).moved, read(third).moved) == (new.url, third.url, None)


def test_other_state_where_this_one_went_stays(old: Backend, new: Backend) -> None:
    """A state of another lineage that is where this one moved to is not taken for it."""
    move(old, new)
    put(new, replace(COPY, lineage="another", serial=1))

    with pytest.raises(StateError, match="of lineage another"):
        move(old, new, "mover-2")


def test_state_lost_after_its_move_is_not_made_again(old: Backend, new: Backend, tmp_path: Path) -> None:
    """A target that is gone may have been live: the copy says where it was, and comes back by force alone."""
    move(old, new)
    Path(new.url).unlink()
    document = encode(marked(old))

    with pytest.raises(StateError, match="is not where it went") as caught:
        move(old, new, "mover-2")
    assert "state pull --moved" in caught.value.fix

    third = a_backend(tmp_path / "third")
    with pytest.raises(StateConflict, match="a copy of a state that has moved"):
        push_document(third, document, a_claim("pusher"), where="copy.json", force=False)
    push_document(third, document, a_claim("pusher"), where="copy.json", force=True)
    assert set(read(third).campaigns) == {"sale"}


def test_interrupted_move_is_not_finished_backwards(old: Backend, new: Backend) -> None:
    """After the switch both places refuse, and only the move that was interrupted can be finished."""
    with pytest.raises(Crash):
        move(old, CrashingBackend(new, at=3))
    for place in (old, new):
        with pytest.raises(StateError, match="a move was interrupted"):
            read(place)

    with pytest.raises(StateError, match=r"If its move to .* was interrupted, finish that one"):
        move(new, old, "mover-2")

    assert set(move(old, new, "mover-3").campaigns) == {"sale"}
