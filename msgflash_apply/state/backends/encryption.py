"""
A state that its storage cannot read: encrypted here, before it leaves this machine.

What is encrypted is stored as JSON that says what it is and which key it needs:

    {"encrypted": "msgflash-apply/1", "key": "0a1b2c3d4e5f", "nonce": "..", "data": ".."}

`nonce` and `data` are base64. A document has each field on a line of its own, an append to a journal is one line. The
lock is not encrypted, so the storage sees who works on the state, from where and with which command; and the ids of
journals, the sizes of everything, and when it changed.

1. **Every piece is bound to its place.** What is authenticated beside the bytes says whether they are a document or
   an append, of which journal and the how-manieth: none can be swapped, repeated, left out of the middle or moved.
2. **Plain text is refused while a key is set.** Otherwise anyone who can write to the storage could replace the state
   by one that says that nothing was ever sent. Only `state rekey` takes it, when a person runs it.
3. **No key is ever shown.** Its id is: a digest, which says nothing of it. A key is 32 random bytes, written in base64,
   as `openssl rand -base64 32` prints them. Several may be given, for the time in which one takes another's place: the
   first encrypts, all of them decrypt.

What this cannot find out: a whole state put back as it once was, and a journal whose last appends were cut off. The
serial and the lineage inside the document do the most that can be done about the former.

The cipher is AES-256-GCM. Nonces are random: a key may encrypt 2^32 times before a repeated one becomes thinkable; at
MsgFlash's rate limit a run that never stops takes seven years to append as often, and `state rekey` starts from zero.
`cryptography`, an extra, loads with the first `Encryption`; even without it and without a key, an encrypted state is
not taken for a damaged one.
"""

import json
import os
import re
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from hashlib import sha256
from io import BytesIO
from typing import Final

from msgflash_apply.errors import BackendError, MsgflashApplyError, StateDamaged, StateError

FORM: Final = "msgflash-apply/1"
"""AES-256-GCM; the number grows when cipher or context change."""

NONCE_BYTES: Final = 12

DOCUMENT: Final = f"{FORM} document".encode()
"""Context of a state document, former ones included: what is authenticated beside its bytes."""

RECOVERY: Final = f"{FORM} recovery file".encode()
"""Context of a recovery file."""

_MARK: Final = "encrypted"
_KEY_ID: Final = re.compile(r"[0-9a-f]{12}", re.ASCII)
KEY_BYTES: Final = 32

_MAKE_ONE: Final = "Make a key once, and keep it where the API key is kept:\n    openssl rand -base64 32"

_PLAIN_DOCUMENT = b'"format_version"'
_PLAIN_ENTRY = b'{"checksum":"'


@dataclass(frozen=True, slots=True)
class Key:
    """
    One key.

    Attributes:
        secret: 32 bytes; `repr` leaves them out.
        id: 12 hexadecimal digits of a digest of the secret, safe to show.
    """

    secret: bytes = field(repr=False)
    id: str


@dataclass(frozen=True, slots=True)
class Keyring:
    """Keys in order, at least one: the first encrypts, all of them decrypt."""

    keys: tuple[Key, ...]

    @property
    def ids(self) -> tuple[str, ...]:
        """What may be shown of the keys, in order."""
        return tuple(key.id for key in self.keys)

    def led_by(self, key_id: str | None) -> "Keyring":
        """Put the key of this id first, if there is one."""
        return replace(self, keys=tuple(sorted(self.keys, key=lambda key: key.id != key_id)))


def read_keys(text: str, *, origin: str) -> Keyring:
    """
    Read keys: one after the other, separated by white space. A repeated key counts once.

    Args:
        text: from the environment or a file; never shown.
        origin: where it comes from, for messages.

    Raises:
        MsgflashApplyError: there is none, or one of them is malformed; says which by its number alone.
    """
    words = text.split()
    if not words:
        raise MsgflashApplyError("There is no state key.", f"{origin}: it is empty.", _MAKE_ONE)
    keys = [_key(word, f"{origin}: key {number} of {len(words)}") for number, word in enumerate(words, 1)]
    return Keyring(tuple(dict.fromkeys(keys)))


def _key(word: str, which: str) -> Key:
    try:
        secret = b64decode(word, validate=True)
    except ValueError:
        secret = b""
    if len(secret) != KEY_BYTES:
        what = f"{which} is not {KEY_BYTES} bytes in base64."
        raise MsgflashApplyError("The state key is malformed.", what, _MAKE_ONE)
    return Key(secret, sha256(b"msgflash-apply/1 id of a state key\0" + secret).hexdigest()[:12])


class Plain(Enum):
    """What to make of plain text; anything but `REFUSED` is for `state rekey` and files that a person brings in."""

    REFUSED = auto()
    READ = auto()
    WRITTEN = auto()
    """Read too, and everything is written so."""


class Encryption:
    """
    Keys at work: encrypts with the first one, decrypts with all. The context of a piece must be the same for both.

    Args:
        keys: the keys.
        plain: what to make of plain text.
    """

    def __init__(self, keys: Keyring, *, plain: Plain = Plain.REFUSED) -> None:
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
        self._plain = plain

    def sealed(self, data: bytes, context: bytes) -> bytes:
        """Encrypt, bound to a context: what the bytes are, and where they belong. A document takes several lines."""
        if self._plain is Plain.WRITTEN:
            return data
        nonce, first = os.urandom(NONCE_BYTES), self._ids[0]
        envelope = Envelope(first, nonce, self._by_id[first].encrypt(nonce, data, context))
        return write_envelope(envelope, on_one_line=context != DOCUMENT)

    def opened(self, data: bytes, context: bytes, where: str) -> bytes:
        """
        Decrypt what was encrypted in the same context.

        Raises:
            StateError: it needs a key that is not at hand, and says which; or it is plain text, and that is refused.
            StateDamaged: it was altered, or belongs in another context.
        """
        envelope = read_envelope(data, where=where)
        if envelope is None:
            if self._plain is Plain.REFUSED:
                raise _not_encrypted(data, where)
            return data
        if envelope.key_id not in self._by_id:
            raise _another_key(where, envelope.key_id, self._ids)
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - it came with the cipher

        try:
            return self._by_id[envelope.key_id].decrypt(envelope.nonce, envelope.data, context)
        except InvalidTag as err:
            raise _damaged(where, "it was altered after it was encrypted, or belongs in another place") from err

    def opened_journal(self, data: bytes, journal: str, where: str) -> bytes:
        """Decrypt all appends to a journal; a last line that is torn is left out, for it was never durable."""
        lines: list[bytes] = []
        for number, line in enumerate(BytesIO(data)):
            place = f"{where}, append {number + 1}"
            if self._plain is Plain.REFUSED and not line.endswith(b"\n") and read_envelope(line, where=place) is None:
                break
            lines.append(self.opened(line, append_context(journal, number), place))
        return b"".join(lines)


@dataclass(frozen=True, slots=True)
class Envelope:
    """
    Encrypted bytes, and what it takes to decrypt them.

    Attributes:
        key_id: of the key that they need.
        nonce: 12 bytes, never used twice with one key.
        data: the encrypted bytes with their authentication tag.
    """

    key_id: str
    nonce: bytes
    data: bytes


def append_context(journal: str, number: int) -> bytes:
    """Give the context of one append to a journal; `number` counts from 0."""
    return f"{FORM} journal {journal} {number}".encode()


def write_envelope(envelope: Envelope, *, on_one_line: bool) -> bytes:
    """Write an envelope, with a line break at its end."""
    # By hand: the JSON library takes longer to look for characters to escape than everything else here together.
    begin, between, end = ("{", ", ", "}\n") if on_one_line else ("{\n  ", ",\n  ", "\n}\n")
    head = [f'"{_MARK}": "{FORM}"', f'"key": "{envelope.key_id}"', f'"nonce": "{b64encode(envelope.nonce).decode()}"']
    return b"".join(
        [begin.encode(), between.join([*head, '"data": "']).encode(), b64encode(envelope.data), b'"', end.encode()]
    )


def read_envelope(data: bytes, *, where: str) -> Envelope | None:
    """
    Read an envelope, however its JSON is laid out.

    Args:
        data: from anywhere, so perhaps hostile.
        where: its place, for messages.

    Returns:
        None for whatever is no envelope, such as plain text or the torn half of one.

    Raises:
        StateDamaged: it says that it is one, and is not whole.
        StateError: its form is one that this version does not know.
    """
    try:
        fields = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict) or _MARK not in fields:
        return None
    if fields[_MARK] != FORM:
        raise StateError(
            "The state is encrypted in a form that this version does not know.",
            f"{where}: its form is {str(fields[_MARK])[:40]!r}; this version reads {FORM!r}.",
            "The state stays as it is. Upgrade msgflash-apply to the version that wrote it, or a later one.",
        )
    try:
        return _envelope(fields["key"], _bytes(fields["nonce"]), _bytes(fields["data"]))
    except (KeyError, TypeError, ValueError) as err:
        raise _damaged(where, "it begins like an encrypted state, and is not whole") from err


def without_key(data: bytes, *, where: str) -> StateError | None:
    """
    Say that bytes are encrypted and that it takes a key to read them; None if they are not encrypted.

    Raises:
        StateDamaged, StateError: as for `read_envelope`.
    """
    envelope = read_envelope(data, where=where)
    if envelope is None:
        return None
    return StateError(
        "The state is encrypted, and no key is set.",
        f"{where}: it needs key {envelope.key_id}.",
        "Set that key in the environment, or name a file that holds it as state_key_file in msgflash.yaml:\n"
        "    export MSGFLASH_STATE_KEY=...",
    )


def _another_key(where: str, key_id: str, at_hand: Sequence[str]) -> StateError:
    """Say that none of the keys at hand is the one that is needed; shows ids alone."""
    return StateError(
        "The state is encrypted with another key.",
        f"{where}: it needs key {key_id}; at hand: {', '.join(at_hand)}.",
        "Set the key that it needs, in MSGFLASH_STATE_KEY or in the file that state_key_file names. The ids are "
        "digests of keys.\n"
        "While one key takes another's place give both, the new one first, and then run once:\n"
        "    msgflash-apply state rekey",
    )


def _not_encrypted(data: bytes, where: str) -> StateError:
    """Say why bytes that should be encrypted and are not cannot be used: plain text of ours, or damage."""
    if _PLAIN_DOCUMENT not in data and not data.startswith(_PLAIN_ENTRY):
        return _damaged(where, "it is neither encrypted nor a state" if data.strip() else "it is empty")
    return StateError(
        "The state is not encrypted.",
        f"{where}: a key is set, and this is plain text. Anyone with write access could have put it there.",
        "If it never was encrypted, encrypt it now, once:\n"
        "    msgflash-apply state rekey\n"
        "If it was encrypted, it has been replaced: restore the encrypted one.",
    )


def _damaged(where: str, what: str) -> StateDamaged:
    """Word what is wrong with encrypted bytes, or with bytes that should be."""
    return StateDamaged(
        "The state is damaged.",
        f"{where}: {what}.",
        "Restore its last good copy, encrypted as it is, and leave the journals where they are.\n"
        "Never delete it, and do not start an empty one: it is the only record of what was sent.",
    )


def _envelope(key_id: str, nonce: bytes, data: bytes) -> Envelope:
    if not _KEY_ID.fullmatch(key_id) or len(nonce) != NONCE_BYTES:
        raise ValueError("no key id, or no nonce")
    return Envelope(key_id, nonce, data)


def _bytes(text: str) -> bytes:
    return b64decode(text, validate=True)
