"""
The keys of a state: 32 random bytes each, written in base64, as `openssl rand -base64 32` prints them.

Several may be given, for the time in which one takes another's place: the first encrypts, all of them decrypt.
"""

from base64 import b64decode
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Final

from msgflash_apply.errors import MsgflashApplyError

KEY_BYTES: Final = 32

_MAKE_ONE: Final = "Make a key once, and keep it where the API key is kept:\n    openssl rand -base64 32"


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
