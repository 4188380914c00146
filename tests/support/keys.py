"""Keys for encrypted states: the same in every run, and recognised wherever they leak."""

from base64 import b64encode

from msgflash_apply.state.backends.base import Backend
from msgflash_apply.state.backends.encrypted.backend import Cipher, EncryptedBackend
from msgflash_apply.state.backends.encrypted.envelope import Keyring, read_keys

KEY = b64encode(bytes(range(32))).decode()
OTHER_KEY = b64encode(bytes(range(100, 132))).decode()


def a_keyring(*keys: str) -> Keyring:
    """Read keys, the one that encrypts in front."""
    return read_keys(" ".join(keys or [KEY]), origin="this test")


def encrypted(inner: Backend, *keys: str) -> EncryptedBackend:
    """Wrap a backend."""
    return EncryptedBackend(inner, Cipher(a_keyring(*keys)))


def id_of(key: str) -> str:
    """What may be shown of a key."""
    return a_keyring(key).ids[0]
