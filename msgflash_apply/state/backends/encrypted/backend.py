"""
Any backend, with its contents encrypted: the document, its former ones, and every append to a journal.

The lock passes through as it is, so the storage sees who works on the state, from where and with which command; and
the ids of journals, the sizes of everything, and when it changed.

The cipher is AES-256-GCM, and this the only door to `cryptography`, an extra, which loads with the first cipher. Nonces
are random. A key may then encrypt 2^32 times before a repeated one becomes thinkable; at MsgFlash's rate limit a run
that never stops takes seven years to append as often, and `state rekey` starts from zero.
"""

import os
from collections.abc import Collection, Sequence
from enum import Enum, auto
from io import BytesIO

from msgflash_apply.errors import BackendError
from msgflash_apply.state.backends.base import Appends, Backend, Backup, Holder, Stored
from msgflash_apply.state.backends.encrypted.envelope import (
    DOCUMENT,
    NONCE_BYTES,
    RECOVERY,
    Envelope,
    Keyring,
    altered,
    another_key,
    append_context,
    not_encrypted,
    read_envelope,
    write_envelope,
)


class Cipher:
    """Encrypts with the first key of a keyring, decrypts with all. A context must be the same for both."""

    def __init__(self, keys: Keyring) -> None:
        try:
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - an extra, seldom needed
        except ImportError as err:
            raise BackendError(
                "A key for the state is set, and the library for it is missing.",
                "Encryption comes with an extra of its own.",
                "Install it:\n    pip install 'msgflash-apply[encryption]'",
            ) from err
        self._ids = keys.ids
        self._by_id = {key.id: AESGCM(key.secret) for key in keys.keys}

    def encrypt(self, data: bytes, *, context: bytes) -> Envelope:
        """Encrypt, bound to a context: what the bytes are, and where they belong."""
        nonce = os.urandom(NONCE_BYTES)
        first = self._ids[0]
        return Envelope(first, nonce, self._by_id[first].encrypt(nonce, data, context))

    def decrypt(self, envelope: Envelope, *, context: bytes, where: str) -> bytes:
        """
        Decrypt what was encrypted in the same context.

        Raises:
            StateError: it needs a key that is not at hand; says which.
            StateDamaged: it was altered, or belongs in another context.
        """
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - it came with the first cipher

        if envelope.key_id not in self._by_id:
            raise another_key(where, envelope.key_id, self._ids)
        try:
            return self._by_id[envelope.key_id].decrypt(envelope.nonce, envelope.data, context)
        except InvalidTag as err:
            raise altered(where) from err


class Plain(Enum):
    """What to make of plain text; anything but `REFUSED` is for `state rekey` alone."""

    REFUSED = auto()
    READ = auto()
    WRITTEN = auto()
    """Read too, and everything is written so."""


class EncryptedBackend:
    """
    A state in another backend, encrypted; see `Backend` for what each method promises.

    Versions are those of the inner backend: of the encrypted document, which is another one each time it is written.

    Besides BackendError, reading raises:
        StateError: the key that is needed is not at hand, or plain text is there.
        StateDamaged: something was altered, or is not where it was written.

    Args:
        inner: where the encrypted bytes are kept.
        cipher: the keys, at work.
        plain: what to make of plain text.
    """

    def __init__(self, inner: Backend, cipher: Cipher, *, plain: Plain = Plain.REFUSED) -> None:
        self._inner = inner
        self._cipher = cipher
        self._plain = plain
        self._appended: dict[str, int] = {}

    @property
    def url(self) -> str:
        """Where the encrypted document is."""
        return self._inner.url

    @property
    def appends(self) -> Appends:
        """As the inner backend wants it."""
        return self._inner.appends

    @property
    def lock_dies_with_its_holder(self) -> bool:
        """As that of the storage."""
        return self._inner.lock_dies_with_its_holder

    def read(self) -> Stored | None:
        """Read the document, decrypted."""
        stored = self._inner.read()
        return None if stored is None else Stored(self._opened(stored.document, DOCUMENT, self.url), stored.version)

    def write(self, document: bytes, *, expected: str | None) -> str:
        """Encrypt and write the document."""
        return self._inner.write(self._sealed(document, DOCUMENT, on_one_line=False), expected=expected)

    def append(self, journal: str, lines: bytes) -> None:
        """Encrypt lines, and add them to a journal as one line: cut short, all of them are dropped together."""
        number = self._appended.get(journal, 0)
        self._inner.append(journal, self._sealed(lines, append_context(journal, number), on_one_line=True))
        self._appended[journal] = number + 1

    def seal(self, journal: str) -> None:
        """Pass on."""
        self._inner.seal(journal)

    def journals(self) -> Collection[str]:
        """Pass on."""
        return self._inner.journals()

    def read_journal(self, journal: str) -> bytes | None:
        """Read a journal, decrypted; a last line that is torn is left out, for it was never durable."""
        data = self._inner.read_journal(journal)
        if data is None:
            return None
        lines: list[bytes] = []
        for number, line in enumerate(BytesIO(data)):
            where = f"{self.url}, journal {journal}, append {number + 1}"
            if self._plain is Plain.REFUSED and not line.endswith(b"\n") and read_envelope(line, where=where) is None:
                break
            lines.append(self._opened(line, append_context(journal, number), where))
        return b"".join(lines)

    def drop(self, journal: str) -> None:
        """Pass on."""
        self._inner.drop(journal)

    def backups(self) -> Sequence[Backup]:
        """Pass on: sizes are those of encrypted documents."""
        return self._inner.backups()

    def read_backup(self, name: str) -> bytes | None:
        """Read a former document, decrypted."""
        document = self._inner.read_backup(name)
        return None if document is None else self._opened(document, DOCUMENT, f"{self.url}, former document {name}")

    def remains(self) -> tuple[str, ...]:
        """Pass on."""
        return self._inner.remains()

    def lock(self, holder: Holder) -> None:
        """Pass on, as it is."""
        self._inner.lock(holder)

    def unlock(self, lock_id: str) -> None:
        """Pass on."""
        self._inner.unlock(lock_id)

    def holder(self) -> Holder | None:
        """Pass on."""
        return self._inner.holder()

    def break_lock(self, lock_id: str) -> None:
        """Pass on."""
        self._inner.break_lock(lock_id)

    def seal_recovery(self, lines: bytes) -> bytes:
        """Encrypt a recovery file, on one line."""
        return self._sealed(lines, RECOVERY, on_one_line=True)

    def _sealed(self, data: bytes, context: bytes, *, on_one_line: bool) -> bytes:
        if self._plain is Plain.WRITTEN:
            return data
        return write_envelope(self._cipher.encrypt(data, context=context), on_one_line=on_one_line)

    def _opened(self, data: bytes, context: bytes, where: str) -> bytes:
        envelope = read_envelope(data, where=where)
        if envelope is not None:
            return self._cipher.decrypt(envelope, context=context, where=where)
        if self._plain is Plain.REFUSED:
            raise not_encrypted(data, where)
        return data


def like_the_state(backend: Backend, lines: bytes) -> bytes:
    """Give a recovery file the form of the state that it is for: encrypted where that is."""
    return backend.seal_recovery(lines) if isinstance(backend, EncryptedBackend) else lines
