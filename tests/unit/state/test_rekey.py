"""Encrypting a state that is there, changing its key, and going back to plain text."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from msgflash_apply.errors import StateError, StateMissing
from msgflash_apply.state.backends.base import Backend, Backup, Store
from msgflash_apply.state.backends.encryption import Keyring, read_envelope
from msgflash_apply.state.codec import encode_entries
from msgflash_apply.state.commit import commit
from msgflash_apply.state.journal import Opened
from msgflash_apply.state.ledger import init_state, read_state
from msgflash_apply.state.lock import Claim
from msgflash_apply.state.reading import load
from msgflash_apply.state.rekey import rekey
from tests.support.builders import NOW
from tests.support.doors import Crash, CrashingBackend, FailingBackend, When
from tests.support.keys import KEY, OTHER_KEY, a_keyring, encrypted, id_of
from tests.support.states import (
    ENVIRONMENT,
    LINEAGE,
    a_backend,
    a_holder,
    a_run,
    a_run_that_ends,
    a_state,
    a_store,
    created,
    intended,
)

CLAIM = Claim(ENVIRONMENT, a_holder("rekey"), lambda: NOW)


def a_used_state(backend: Backend) -> None:
    """Make a state with a campaign, a backup, and the journal of a run that died."""
    init_state(backend, environment=ENVIRONMENT, lineage=LINEAGE)
    with a_run(backend) as ledger:
        ledger.append(intended("sale"), created("sale"))
    with pytest.raises(KeyboardInterrupt):
        a_run_that_ends(KeyboardInterrupt(), backend, intended("late"), lock_id="run-2")


def keys_needed(folder: Path) -> set[str | None]:
    """Collect the ids of all keys that the files of a state need, line by line; None for plain text."""
    files = [path for path in folder.iterdir() if path.stat().st_size and path.suffix != ".lock"]
    pieces = [piece for path in files for piece in _pieces(path)]
    envelopes = [read_envelope(piece, where="here") for piece in pieces]
    return {envelope.key_id if envelope else None for envelope in envelopes}


def _pieces(path: Path) -> list[bytes]:
    data = path.read_bytes()
    return data.splitlines() if path.suffix == ".jsonl" else [data]


def test_plain_state_becomes_encrypted(tmp_path: Path) -> None:
    """A plain state, its backup and what dead runs left are encrypted, and nothing of it is lost."""
    a_used_state(a_backend(tmp_path))

    done = rekey(a_store(tmp_path), a_keyring(KEY), CLAIM, decrypt=False)

    assert (done.before, done.after, done.former) == (None, id_of(KEY), ())
    assert keys_needed(tmp_path) == {id_of(KEY)}
    assert can_read(encrypted(a_backend(tmp_path)))
    assert a_backend(tmp_path).holder() is None


def test_another_key_takes_over(tmp_path: Path) -> None:
    """After a change of keys the former one is not needed for anything that lies there."""
    a_used_state(encrypted(a_backend(tmp_path), KEY))

    done = rekey(a_store(tmp_path), a_keyring(OTHER_KEY, KEY), CLAIM, decrypt=False)

    assert (done.before, done.after, done.former) == (id_of(KEY), id_of(OTHER_KEY), ())
    assert keys_needed(tmp_path) == {id_of(OTHER_KEY)}
    assert can_read(encrypted(a_backend(tmp_path), OTHER_KEY))


def test_state_becomes_plain_again(tmp_path: Path) -> None:
    """An encrypted state is turned back into plain text, all of it."""
    a_used_state(encrypted(a_backend(tmp_path), KEY))

    done = rekey(a_store(tmp_path), a_keyring(KEY), CLAIM, decrypt=True)

    assert (done.before, done.after, done.former) == (id_of(KEY), None, ())
    assert keys_needed(tmp_path) == {None}
    assert can_read(a_backend(tmp_path))


def test_serial_moves_on(tmp_path: Path) -> None:
    """A state in another form is newer than the one before, so that no copy of that one passes for it."""
    a_state(tmp_path)

    done = rekey(a_store(tmp_path), a_keyring(KEY), CLAIM, decrypt=False)

    state = read_state(encrypted(a_backend(tmp_path)), environment=ENVIRONMENT)
    assert 1 < state.serial == done.serial


def test_plain_journal_that_came_late_is_folded_in(tmp_path: Path) -> None:
    """What a run without the key wrote meanwhile, its lock being broken, is refused until it is taken in like this."""
    a_state(tmp_path)
    head = Opened("run-2", LINEAGE, 1, ENVIRONMENT, NOW)
    rekey(a_store(tmp_path), a_keyring(KEY), CLAIM, decrypt=False)
    a_backend(tmp_path).append("run-2", encode_entries([head, intended("late")], first=0))
    with pytest.raises(StateError, match="The state is not encrypted"):
        read_state(encrypted(a_backend(tmp_path)), environment=ENVIRONMENT)

    rekey(a_store(tmp_path), a_keyring(KEY), CLAIM, decrypt=False)

    assert list(read_state(encrypted(a_backend(tmp_path)), environment=ENVIRONMENT).in_doubt) == ["late"]


def test_documents_that_stay_in_another_form_are_named(tmp_path: Path) -> None:
    """Former documents that the storage keeps, and that are not in the new form or cannot be read, are reported."""
    store = Archive(a_state(tmp_path).store)
    store.kept = {"torn": b'{"encrypted": "msgflash-apply/1"}', "vanished": None}

    done = rekey(store, a_keyring(KEY), CLAIM, decrypt=False)

    assert [backup.name for backup in done.former] == ["torn", "document 3"]
    assert list(store.kept) == ["torn", "vanished", "document 3", "document 4"]


@pytest.mark.parametrize("keys", [(OTHER_KEY,), (OTHER_KEY, OTHER_KEY)])
def test_state_whose_key_is_not_at_hand_stays_as_it_is(tmp_path: Path, keys: tuple[str, ...]) -> None:
    """Without the key that a state needs its form cannot be changed, and nothing is."""
    a_used_state(encrypted(a_backend(tmp_path), KEY))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    with pytest.raises(StateError, match=f"it needs key {id_of(KEY)}"):
        rekey(a_store(tmp_path), a_keyring(*keys), CLAIM, decrypt=False)

    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_absent_state_is_not_made(tmp_path: Path) -> None:
    """Where no state is, none is made."""
    with pytest.raises(StateMissing):
        rekey(a_store(tmp_path), a_keyring(KEY), CLAIM, decrypt=False)

    assert list(tmp_path.iterdir()) == []


def test_copy_of_a_state_that_moved_is_left_alone(tmp_path: Path) -> None:
    """The copy that a state leaves where it was keeps its form: what is to be changed lies elsewhere."""
    backend = a_state(tmp_path)
    base = load(backend, ENVIRONMENT)
    commit(backend, base, replace(base.snapshot, moved="s3://acme/state"), None)

    with pytest.raises(StateError, match="The state has moved"):
        rekey(backend.store, a_keyring(KEY), CLAIM, decrypt=False)

    assert keys_needed(tmp_path) == {None}


def effects_of(folder: Path, before: tuple[str, ...], wanted: Keyring, *, decrypt: bool) -> int:
    """Count the effects of one change of form."""
    folder.mkdir()
    a_used_state(a_client(folder, *before))
    counting = CrashingBackend(a_store(folder), at=0)
    rekey(counting, wanted, CLAIM, decrypt=decrypt)
    return counting.effects


def a_client(folder: Path, *keys: str) -> Backend:
    """Build a client with these keys, or without any."""
    return encrypted(a_backend(folder), *keys) if keys else a_backend(folder)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    ("before", "keys", "after"),
    [((), (KEY,), (KEY,)), ((KEY,), (OTHER_KEY, KEY), (OTHER_KEY,)), ((KEY,), (KEY,), ())],
    ids=["encrypt", "rotate", "decrypt"],
)
def test_crash_leaves_one_form_or_the_other(
    tmp_path: Path, before: tuple[str, ...], keys: tuple[str, ...], after: tuple[str, ...], when: When
) -> None:
    """Wherever it dies, the keys of before or those of after read all; running it again finishes it."""
    wanted, decrypt = a_keyring(*keys), not after
    for at in range(1, 1 + effects_of(tmp_path / "0", before, wanted, decrypt=decrypt)):
        folder = tmp_path / str(at)
        folder.mkdir()
        a_used_state(a_client(folder, *before))

        with pytest.raises(Crash):
            rekey(CrashingBackend(a_store(folder), at=at, when=when), wanted, CLAIM, decrypt=decrypt)

        assert can_read(a_client(folder, *before)) or can_read(a_client(folder, *after))
        rekey(a_store(folder), wanted, CLAIM, decrypt=decrypt)
        assert can_read(a_client(folder, *after))
        assert len(keys_needed(folder)) == 1


def can_read(backend: Backend) -> bool:
    """Whether a client reads all that `a_used_state` left, rather than being refused."""
    try:
        state = read_state(backend, environment=ENVIRONMENT)
    except StateError:
        return False
    return (list(state.campaigns), list(state.in_doubt)) == (["sale"], ["late"])


class Archive(FailingBackend):
    """A storage that keeps every former document; None for one that was removed since it was listed."""

    def __init__(self, inner: Store) -> None:
        super().__init__(inner, at=0)
        self.kept: dict[str, bytes | None] = {}

    def put_if(self, document: bytes, *, expected: str | None) -> str | None:
        """Keep what is replaced, and write."""
        former = self.read()
        self.kept[f"document {1 + len(self.kept)}"] = former.document if former else None
        return super().put_if(document, expected=expected)

    def backups(self) -> Sequence[Backup]:
        """List what is kept."""
        return [Backup(name, NOW, len(document or b"")) for name, document in self.kept.items()]

    def read_backup(self, name: str) -> bytes | None:
        """Read what is kept."""
        return self.kept[name]
