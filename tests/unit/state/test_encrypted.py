"""An encrypted state shows nothing of itself, and every change to it is noticed."""

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from msgflash_apply.errors import BackendError, StateDamaged, StateError
from msgflash_apply.state.backends.backend import StoreBackend, like_the_state
from msgflash_apply.state.backends.encryption import RECOVERY, Encryption, read_envelope
from msgflash_apply.state.ledger import init_state, read_state
from tests.support.doors import FailingBackend
from tests.support.keys import KEY, OTHER_KEY, a_keyring, encrypted, id_of
from tests.support.states import (
    ENVIRONMENT,
    LINEAGE,
    a_backend,
    a_run,
    a_run_that_ends,
    a_store,
    created,
    intended,
)

CHUNKS = (b"first\n", b"second\nthird\n", b"fourth\n")


def an_encrypted_state(folder: Path) -> StoreBackend:
    """Make an empty state that is encrypted."""
    backend = encrypted(a_backend(folder))
    init_state(backend, environment=ENVIRONMENT, lineage=LINEAGE)
    return backend


def a_journal(folder: Path, journal: str = "run-1") -> Path:
    """Write a journal in several appends beside a state; returns its file."""
    backend = encrypted(a_backend(folder))
    for chunk in CHUNKS:
        backend.append(journal, chunk)
    return folder / f"default.journal-{journal}.jsonl"


def test_stored_bytes_tell_nothing(tmp_path: Path) -> None:
    """Document, backup and journal of an encrypted state hold neither addresses nor ids nor whose state it is."""
    backend = an_encrypted_state(tmp_path)
    with a_run(backend) as ledger:
        ledger.append(intended("promo/sale"), created("promo/sale"))
    with pytest.raises(KeyboardInterrupt):
        a_run_that_ends(KeyboardInterrupt(), backend, intended("promo/late"), lock_id="run-2")

    stored = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.stat().st_size}

    assert {"default.json", "default.json.backup", "default.journal-run-2.jsonl"} <= stored.keys()
    for secret in (b"promo", b"id-promo", LINEAGE.encode(), b"scheduled", KEY.encode()):
        assert not [name for name, data in stored.items() if secret in data]


def test_document_says_what_it_is_and_which_key_it_needs(tmp_path: Path) -> None:
    """The file is JSON that names the program and the key's id, a field to a line."""
    an_encrypted_state(tmp_path)

    text = (tmp_path / "default.json").read_text(encoding="ascii")

    assert list(json.loads(text)) == ["encrypted", "key", "nonce", "data"]
    assert text.splitlines()[1:3] == ['  "encrypted": "msgflash-apply/1",', f'  "key": "{id_of(KEY)}",']


def test_same_document_is_never_stored_alike(tmp_path: Path) -> None:
    """What is written twice lies there as two different documents, so versions never come back."""
    backend = encrypted(a_backend(tmp_path))

    first = backend.write(b"same", expected=None)
    second = backend.write(b"same", expected=first)

    assert first != second


def test_runs_go_on_from_what_a_dead_run_left(tmp_path: Path) -> None:
    """A crash leaves an encrypted journal that the next run, with the same key, folds in."""
    backend = an_encrypted_state(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        a_run_that_ends(KeyboardInterrupt(), backend, intended("sale"))

    with a_run(encrypted(a_backend(tmp_path)), "run-2") as ledger:
        found = ledger.snapshot

    assert list(found.in_doubt) == ["sale"]


def test_every_altered_byte_is_noticed(tmp_path: Path) -> None:
    """Whichever byte of the document is altered, it is refused; or the byte meant nothing, and it reads as it was."""
    backend = an_encrypted_state(tmp_path)
    file, before = tmp_path / "default.json", backend.read()
    stored = file.read_bytes()
    found = []

    for position, byte in enumerate(stored):
        file.write_bytes(stored[:position] + bytes([byte ^ 1]) + stored[position + 1 :])
        with suppress(StateError):
            found.append(backend.read())

    assert before is not None
    assert {after.document for after in found if after} <= {before.document}
    assert len(found) <= 2  # the last digits of base64 may have a bit to spare


def test_cut_document_is_damage(tmp_path: Path) -> None:
    """A document that was cut anywhere is damage; without its last line break it is whole."""
    backend = an_encrypted_state(tmp_path)
    file = tmp_path / "default.json"
    stored = file.read_bytes()

    for length in range(len(stored) - 1):
        file.write_bytes(stored[:length])
        with pytest.raises(StateDamaged):
            backend.read()
    file.write_bytes(stored[:-1])
    assert backend.read() is not None


def test_cut_journal_keeps_its_whole_appends(tmp_path: Path) -> None:
    """Wherever a journal was cut, the appends before that are read, and none in part."""
    file = a_journal(tmp_path)
    stored = file.read_bytes()
    ends = [place + 1 for place, byte in enumerate(stored) if byte == ord("\n")]

    for length in range(len(stored) + 1):
        file.write_bytes(stored[:length])
        # An append that lacks its line break alone is whole, as in a journal of plain text.
        whole = sum(end - 1 <= length for end in ends)
        assert encrypted(a_backend(tmp_path)).read_journal("run-1") == b"".join(CHUNKS[:whole])


def _swap(lines: list[bytes]) -> list[bytes]:
    return [lines[1], lines[0], lines[2]]


def _repeat(lines: list[bytes]) -> list[bytes]:
    return [lines[0], lines[1], lines[1], lines[2]]


def _leave_out(lines: list[bytes]) -> list[bytes]:
    return [lines[0], lines[2]]


def _tear(lines: list[bytes]) -> list[bytes]:
    return [lines[0], lines[1][:40] + b"\n", lines[2]]


def _empty(lines: list[bytes]) -> list[bytes]:
    return [lines[0], b"\n", lines[2]]


@pytest.mark.parametrize("spoil", [_swap, _repeat, _leave_out, _tear, _empty])
def test_journal_that_was_tampered_with_is_damage(tmp_path: Path, spoil: Callable[[list[bytes]], list[bytes]]) -> None:
    """Appends that were swapped, repeated, left out of the middle, torn or emptied are damage, named by number."""
    file = a_journal(tmp_path)
    file.write_bytes(b"".join(spoil(file.read_bytes().splitlines(keepends=True))))

    with pytest.raises(StateDamaged, match=r"default\.json, journal run-1, append [123]: "):
        encrypted(a_backend(tmp_path)).read_journal("run-1")


def test_append_belongs_to_its_journal(tmp_path: Path) -> None:
    """What was appended to one journal is damage in another, and in the place of the document."""
    stored = a_journal(tmp_path).read_bytes()
    (tmp_path / "default.journal-run-2.jsonl").write_bytes(stored)
    (tmp_path / "default.json").write_bytes(stored.splitlines(keepends=True)[0])
    backend = encrypted(a_backend(tmp_path))

    with pytest.raises(StateDamaged, match="journal run-2, append 1: it was altered"):
        backend.read_journal("run-2")
    with pytest.raises(StateDamaged, match="belongs in another place"):
        backend.read()


def test_failed_append_leaves_its_number_free(tmp_path: Path) -> None:
    """An append that the storage refused does not count, so that what was written before and after can be read."""
    backend = StoreBackend(FailingBackend(a_store(tmp_path), at=2, lasting=False), Encryption(a_keyring(KEY)))
    backend.append("run-1", b"first\n")

    with pytest.raises(BackendError):
        backend.append("run-1", b"second\n")
    backend.append("run-1", b"third\n")

    assert backend.read_journal("run-1") == b"first\nthird\n"


def test_former_document_is_read_with_the_same_keys(tmp_path: Path) -> None:
    """A former document is decrypted too, and refused in its own name where that cannot be done."""
    backend = an_encrypted_state(tmp_path)
    before = backend.read()
    assert before is not None
    backend.write(b"next", expected=before.version)
    (name,) = (backup.name for backup in backend.backups())

    assert backend.read_backup(name) == before.document
    with pytest.raises(StateError, match=f"former document {name}: it needs key {id_of(KEY)}"):
        encrypted(a_backend(tmp_path), OTHER_KEY).read_backup(name)


def test_any_of_the_keys_reads(tmp_path: Path) -> None:
    """While keys change, what either key encrypted is read, and the first key writes."""
    an_encrypted_state(tmp_path)
    backend = encrypted(a_backend(tmp_path), OTHER_KEY, KEY)

    with a_run(backend) as ledger:
        ledger.append(intended("sale"), created("sale"))

    assert list(read_state(encrypted(a_backend(tmp_path), OTHER_KEY), environment=ENVIRONMENT).campaigns) == ["sale"]


def test_journal_that_was_altered_endangers_its_run(tmp_path: Path) -> None:
    """Where the journal of a run is not as the run wrote it, all of the run has to be kept elsewhere."""
    with a_run(an_encrypted_state(tmp_path)) as ledger:
        ledger.append(intended("sale"), created("sale"))
        assert not ledger.endangered

        next(tmp_path.glob("default.journal-*.jsonl")).write_bytes(b"something else\n")

        assert ledger.endangered == (intended("sale"), created("sale"))


def test_recovery_file_has_the_form_of_its_state(tmp_path: Path) -> None:
    """What an encrypted state could not store is written encrypted as well, and as plain text for a plain one."""
    inner = a_backend(tmp_path)

    written = like_the_state(encrypted(inner), b"what was sent\n")

    envelope = read_envelope(written, where="here")
    assert envelope is not None
    assert Encryption(a_keyring(KEY)).opened(written, RECOVERY, "here") == b"what was sent\n"
    assert written.count(b"\n") == 1
    assert like_the_state(inner, b"what was sent\n") == b"what was sent\n"


def test_journal_is_written_as_the_storage_wants_it(tmp_path: Path) -> None:
    """Encryption changes neither where a state is nor how its journal is best written."""
    backend = encrypted(a_backend(tmp_path))

    assert (backend.url, backend.appends) == (a_backend(tmp_path).url, a_backend(tmp_path).appends)
