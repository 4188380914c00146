"""Keys for encrypted states: the same in every run, and recognised wherever they leak."""

from base64 import b64encode

from msgflash_apply.state.backends.backend import StoreBackend
from msgflash_apply.state.backends.encryption import Encryption, Keyring, read_keys

KEY = b64encode(bytes(range(32))).decode()
OTHER_KEY = b64encode(bytes(range(100, 132))).decode()


def a_keyring(*keys: str) -> Keyring:
    """Read keys, the one that encrypts in front."""
    return read_keys(" ".join(keys or [KEY]), origin="this test")


def encrypted(backend: StoreBackend, *keys: str) -> StoreBackend:
    """Open the same store with keys."""
    return StoreBackend(backend.store, Encryption(a_keyring(*keys)))


def id_of(key: str) -> str:
    """What may be shown of a key."""
    return a_keyring(key).ids[0]
