"""
The form in which encrypted bytes are stored: JSON that says what it is and which key it needs.

    {"encrypted": "msgflash-apply/1", "key": "0a1b2c3d4e5f", "nonce": "..", "data": ".."}

`nonce` and `data` are base64. A document has each field on a line of its own, an append to a journal is one line.
"""

import json
import re
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Final

from msgflash_apply.errors import StateDamaged, StateError

FORM: Final = "msgflash-apply/1"
"""AES-256-GCM; the number grows when cipher or context change."""

NONCE_BYTES: Final = 12

DOCUMENT: Final = f"{FORM} document".encode()
"""Context of a state document, former ones included: what is authenticated beside its bytes."""

RECOVERY: Final = f"{FORM} recovery file".encode()
"""Context of a recovery file."""

_MARK: Final = "encrypted"
_KEY_ID: Final = re.compile(r"[0-9a-f]{12}", re.ASCII)


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
        raise damaged(where, "it begins like an encrypted state, and is not whole") from err


def damaged(where: str, what: str) -> StateDamaged:
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
