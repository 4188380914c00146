"""
The keys of the state: from MSGFLASH_STATE_KEY, else from the file that `state_key_file` in msgflash.yaml names.

Neither a key nor what a file holds in its place is ever shown. The library for encryption loads with the first key.
"""

import os
import stat
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgflash_apply.cli.output import note
from msgflash_apply.config.settings import Settings
from msgflash_apply.errors import MsgflashApplyError
from msgflash_apply.state.backends.base import Backend

if TYPE_CHECKING:  # it loads only where there is a key
    from msgflash_apply.state.backends.encrypted.cipher import Cipher
    from msgflash_apply.state.backends.encrypted.keyring import Keyring

VARIABLE: Final = "MSGFLASH_STATE_KEY"

_LIMIT_BYTES: Final = 65536


def keys_of(settings: Settings, environ: Mapping[str, str]) -> "Keyring | None":
    """
    Read the keys; None where none is set, which an empty variable does not do either.

    Raises:
        MsgflashApplyError: there is a file and no key in it, it can not be read, or a key is malformed.
    """
    text = environ.get(VARIABLE, "").strip()
    if not text and settings.state_key_file is None:
        return None
    from msgflash_apply.state.backends.encrypted.keyring import read_keys

    if text or settings.state_key_file is None:
        return read_keys(text, origin=VARIABLE)
    file = settings.root / settings.state_key_file
    return read_keys(_read(file), origin=f"state_key_file {file}")


def encrypted(backend: Backend, settings: Settings, environ: Mapping[str, str]) -> Backend:
    """Give a storage as it is to be used: encrypted where a key is set, as it is where none is."""
    cipher = _cipher(settings, environ)
    if cipher is None:
        return backend
    from msgflash_apply.state.backends.encrypted.backend import EncryptedBackend

    return EncryptedBackend(backend, cipher)


def decrypted(data: bytes, settings: Settings, environ: Mapping[str, str], *, context: bytes, where: str) -> bytes:
    """
    Decrypt a file that a person hands in; whatever is plain, or can not be decrypted for want of any key, as it is.

    Raises:
        StateError: it needs another key.
        StateDamaged: it was altered, or it is not what `context` says.
    """
    from msgflash_apply.state.backends.encrypted.envelope import read_envelope

    envelope = read_envelope(data, where=where)
    cipher = None if envelope is None else _cipher(settings, environ)
    return data if envelope is None or cipher is None else cipher.decrypt(envelope, context=context, where=where)


def _cipher(settings: Settings, environ: Mapping[str, str]) -> "Cipher | None":
    keys = keys_of(settings, environ)
    if keys is None:
        return None
    from msgflash_apply.state.backends.encrypted.cipher import Cipher

    return Cipher(keys)


def _read(file: Path) -> str:
    """Read a key file, whose name a branch may have chosen: no more than a few keys of it, and never a device."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            mode = os.fstat(descriptor).st_mode
            data = os.read(descriptor, _LIMIT_BYTES) if stat.S_ISREG(mode) else None
        finally:
            os.close(descriptor)
    except (OSError, ValueError) as err:
        why = str(err.strerror) if isinstance(err, OSError) else "no file can have this name"
        raise _unreadable(file, why) from err
    if data is None:
        raise _unreadable(file, "it is not a regular file")
    if mode & stat.S_IROTH:
        _warn(file)
    return data.decode("ascii", "replace")


@cache
def _warn(file: Path) -> None:
    """Warn once for each process, however often a command asks for the keys."""
    note(f"Warning: everybody on this machine can read the state key: chmod 600 {file}")


def _unreadable(file: Path, why: str) -> MsgflashApplyError:
    return MsgflashApplyError(
        "The state key can not be read.",
        f"state_key_file is {file}: {why}.",
        f"Put the key there, or set it in the environment:\n    export {VARIABLE}=...",
    )
