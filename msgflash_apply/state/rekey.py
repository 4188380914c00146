"""
`state rekey`: encrypt a state for the first time, encrypt it with another key, or decrypt it.

Until the document is replaced everything stays in its former form, so a crash before that leaves the state as usable
as it was, and one after it as usable as it will be. Running it again finishes what a crash interrupted.
"""

from dataclasses import dataclass

from msgflash_apply.errors import StateError
from msgflash_apply.state.backends.backend import StoreBackend
from msgflash_apply.state.backends.base import Backup, Store
from msgflash_apply.state.backends.encryption import Encryption, Keyring, Plain, read_envelope
from msgflash_apply.state.commit import commit, settle_all
from msgflash_apply.state.lock import Claim, locked
from msgflash_apply.state.reading import load, read_document


@dataclass(frozen=True, slots=True)
class Rekeyed:
    """
    What became of a state.

    Attributes:
        before: id of the key that it needed; None for plain text.
        after: id of the key that it needs now; None for plain text.
        serial: of the document now.
        former: documents of the past that the storage keeps, and that are not in the new form.
    """

    before: str | None
    after: str | None
    serial: int
    former: tuple[Backup, ...]


def rekey(store: Store, keys: Keyring, claim: Claim, *, decrypt: bool) -> Rekeyed:
    """
    Rewrite a state with the first key. Nothing else reads plain text while a key is set.

    Journals that dead runs left are folded in first, so that none is left in the former form.

    Args:
        store: where the state is.
        keys: the new one first; the one that the state needs now among them.
        claim: who does it.
        decrypt: write plain text instead.

    Raises:
        StateMissing, StateDamaged: there is no state, or it cannot be proven.
        StateError: it needs a key that is not among these, belongs to another environment, or has moved.
        StateLocked: a run is at work.
        StateConflict: the state changed under the lock. Running it again does what is left.
        BackendError: the storage failed; running it again does what is left, too.
    """
    before = _key_of(read_document(StoreBackend(store)).document, store.url)
    form_before = Encryption(keys.led_by(before), plain=Plain.READ if before else Plain.WRITTEN)
    as_before = StoreBackend(store, form_before)
    as_wanted = StoreBackend(store, Encryption(keys, plain=Plain.WRITTEN if decrypt else Plain.REFUSED))
    with locked(as_before, claim):
        load(as_before, claim.environment)  # A copy of a state that has moved is left alone.
        found = settle_all(as_before, claim.environment)
        written = commit(as_wanted, found, found.snapshot, None)
        # Twice: where a storage keeps just the former document, that one is in the new form too from now on.
        written = commit(as_wanted, written, written.snapshot, None)
    after = None if decrypt else keys.ids[0]
    former = [
        backup
        for backup in store.backups()
        if (document := store.read_backup(backup.name)) is not None and not _has_form(document, after)
    ]
    return Rekeyed(before, after, written.snapshot.serial, tuple(former))


def _key_of(document: bytes, where: str) -> str | None:
    envelope = read_envelope(document, where=where)
    return None if envelope is None else envelope.key_id


def _has_form(document: bytes, key_id: str | None) -> bool:
    try:
        return _key_of(document, "") == key_id
    except StateError:  # damaged, or of another version: a person should look at it too
        return False
