"""Which key an encrypted state needs, what happens without it, and why plain text is not trusted."""

import json
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msgflash_apply.errors import BackendError, StateDamaged, StateError
from msgflash_apply.state.backends.encryption import Encryption, Envelope, read_envelope, read_keys
from msgflash_apply.state.codec import decode_journal
from msgflash_apply.state.ledger import init_state, read_state
from tests.support.keys import KEY, OTHER_KEY, encrypted, id_of
from tests.support.states import ENVIRONMENT, LINEAGE, a_backend, a_run_that_ends, a_state, intended


def test_wrong_key_is_reported_by_id(tmp_path: Path) -> None:
    """With the wrong keys the error says which one is needed and which are at hand, and shows none of them."""
    init_state(encrypted(a_backend(tmp_path)), environment=ENVIRONMENT, lineage=LINEAGE)

    with pytest.raises(StateError) as caught:
        read_state(encrypted(a_backend(tmp_path), OTHER_KEY), environment=ENVIRONMENT)

    assert not isinstance(caught.value, StateDamaged)
    assert caught.value.detail.endswith(f"it needs key {id_of(KEY)}; at hand: {id_of(OTHER_KEY)}.")
    assert not [key for key in (KEY, OTHER_KEY) if key in str(caught.value)]


def test_state_without_any_key_is_neither_damaged_nor_empty(tmp_path: Path) -> None:
    """Without a key, the message says that one is needed, which, and how to set it."""
    init_state(encrypted(a_backend(tmp_path)), environment=ENVIRONMENT, lineage=LINEAGE)

    with pytest.raises(StateError, match="The state is encrypted, and no key is set") as caught:
        read_state(a_backend(tmp_path), environment=ENVIRONMENT)

    assert not isinstance(caught.value, StateDamaged)
    assert id_of(KEY) in caught.value.detail
    assert "MSGFLASH_STATE_KEY" in caught.value.fix


def test_journal_without_any_key_is_not_damaged(tmp_path: Path) -> None:
    """An encrypted journal beside a plain document asks for a key too, with its line."""
    a_state(tmp_path)
    encrypted(a_backend(tmp_path)).append("run-1", b"first\n")

    with pytest.raises(StateError, match=r"journal run-1, line 1: it needs key") as caught:
        read_state(a_backend(tmp_path), environment=ENVIRONMENT)

    assert not isinstance(caught.value, StateDamaged)


def test_plain_document_is_refused_while_a_key_is_set(tmp_path: Path) -> None:
    """Plain text in the place of an encrypted state is refused, with the one way in."""
    a_state(tmp_path)

    with pytest.raises(StateError, match="The state is not encrypted") as caught:
        read_state(encrypted(a_backend(tmp_path)), environment=ENVIRONMENT)

    assert "msgflash-apply state rekey" in caught.value.fix


def test_plain_journal_is_refused_while_a_key_is_set(tmp_path: Path) -> None:
    """A journal of plain text is not folded into an encrypted state."""
    with pytest.raises(KeyboardInterrupt):
        a_run_that_ends(KeyboardInterrupt(), a_state(tmp_path), intended("sale"))

    with pytest.raises(StateError, match="journal run-1, append 1: a key is set, and this is plain text"):
        encrypted(a_backend(tmp_path)).read_journal("run-1")


@pytest.mark.parametrize(
    ("found", "what"),
    [
        (b"", "it is empty"),
        (b" \n", "it is empty"),
        (b"name: sale\n", "it is neither encrypted nor a state"),
        (b"[" * 100_000, "it is neither encrypted nor a state"),
        (b'{"encrypted": "msgflash-apply/1"}', "it begins like an encrypted state, and is not whole"),
        (b'{"encrypted": "msgflash-apply/1", "key": 7, "nonce": "", "data": ""}', "is not whole"),
        (b'{"encrypted": "msgflash-apply/1", "key": "../../etc", "nonce": "", "data": ""}', "is not whole"),
        (b'{"encrypted": "msgflash-apply/1", "key": "0a1b2c3d4e5f", "nonce": "AAAA", "data": ""}', "is not whole"),
        (b'{"encrypted": "msgflash-apply/1", "key": "0a1b2c3d4e5f", "nonce": "*", "data": ""}', "is not whole"),
    ],
    ids=lambda value: value.decode("latin-1")[:20] if isinstance(value, bytes) else "",
)
def test_whatever_else_lies_there_is_damage(tmp_path: Path, found: bytes, what: str) -> None:
    """Bytes that are neither an encrypted nor a plain state are damage, whatever their maker meant."""
    a_backend(tmp_path).write(found, expected=None)

    with pytest.raises(StateDamaged, match=what):
        encrypted(a_backend(tmp_path)).read()


@pytest.mark.parametrize("form", ["msgflash-apply/2", {"a": 1}, "x" * 1000])
def test_form_of_another_version_is_left_alone(tmp_path: Path, form: object) -> None:
    """A state in a form that this version does not know asks for a newer version, with a key and without."""
    document = json.dumps({"encrypted": form, "key": "", "nonce": "", "data": ""}).encode()
    backend = a_backend(tmp_path)
    backend.write(document, expected=None)

    for client in (backend, encrypted(backend)):
        with pytest.raises(StateError, match="a form that this version does not know") as caught:
            read_state(client, environment=ENVIRONMENT)
        assert len(caught.value.detail) < 300
        assert not isinstance(caught.value, StateDamaged)


def test_torn_tail_of_an_encrypted_journal_is_dropped_without_a_key_too(tmp_path: Path) -> None:
    """A last line that was cut short was never durable, with or without a key."""
    encrypted(a_backend(tmp_path)).append("run-1", b"first\n")
    data = a_backend(tmp_path).read_journal("run-1")
    assert data is not None

    assert decode_journal(data[:-10], where="here") == ()


@given(
    st.binary()
    | st.dictionaries(
        st.sampled_from(["encrypted", "key", "nonce", "data", "x"]),
        st.sampled_from(["msgflash-apply/1", "0a1b2c3d4e5f", "AAAAAAAAAAAAAAAA", "AAAA"])
        | st.text()
        | st.integers()
        | st.none()
        | st.lists(st.none()),
    ).map(lambda fields: json.dumps(fields).encode())
)
def test_no_bytes_are_too_strange(data: bytes) -> None:
    """Whatever lies there is read as an envelope that could be one, as none, or refused in our own words."""
    envelope: Envelope | None = None

    with suppress(StateError):
        envelope = read_envelope(data, where="here")

    assert envelope is None or (len(envelope.key_id), len(envelope.nonce)) == (12, 12)


def test_missing_library_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a key is set and the library for it is not installed, the error says what to install."""
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.ciphers.aead", None)

    with pytest.raises(BackendError, match=r"pip install 'msgflash-apply\[encryption\]'"):
        Encryption(read_keys(KEY, origin="MSGFLASH_STATE_KEY"))
