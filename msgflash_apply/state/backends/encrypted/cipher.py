"""
Authenticated encryption by AES-256-GCM: the only door to `cryptography`, an extra, which loads with the first cipher.

Nonces are random. A key may then encrypt 2^32 times before a repeated one becomes thinkable; at MsgFlash's rate limit a
run that never stops takes seven years to append as often, and `state rekey` starts from zero.
"""

import os

from msgflash_apply.errors import BackendError
from msgflash_apply.state.backends.encrypted.envelope import NONCE_BYTES, Envelope
from msgflash_apply.state.backends.encrypted.keyring import Keyring
from msgflash_apply.state.backends.encrypted.refusals import altered, another_key


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
