"""
How the parts fit together: settings, files, state, MsgFlash, clock. The only module that knows them all.

Secrets come in here, from the environment alone, and go into `Access`; nothing else ever sees them.

The keys of the state: from MSGFLASH_STATE_KEY, else from the file that `state_key_file` in msgflash.yaml names.

Neither a key nor what a file holds in its place is ever shown. The library for encryption loads with the first key.
"""

import os
import random
import socket
import stat
import sys
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from getpass import getuser
from pathlib import Path
from typing import Final

from msgflash_apply.api.access import DEFAULT_BASE_URL, Access
from msgflash_apply.api.client import Client
from msgflash_apply.api.limiter import Limiter
from msgflash_apply.cli.options import Globals
from msgflash_apply.cli.output import note
from msgflash_apply.errors import MsgflashApplyError
from msgflash_apply.files.load import Loaded, load
from msgflash_apply.files.settings import load_settings
from msgflash_apply.findings import InvalidFiles
from msgflash_apply.models.project import Settings
from msgflash_apply.state.backends.base import Backend, Holder, Location
from msgflash_apply.state.backends.encrypted.backend import EncryptedBackend
from msgflash_apply.state.backends.encrypted.cipher import Cipher
from msgflash_apply.state.backends.encrypted.envelope import read_envelope
from msgflash_apply.state.backends.encrypted.keyring import Keyring, read_keys
from msgflash_apply.state.backends.open import open_backend
from msgflash_apply.state.lock import Claim
from msgflash_apply.state.reading import read_state
from msgflash_apply.state.snapshot import Snapshot

KEY_FIX = """Set it in the environment, or name a file that holds it:
  export MSGFLASH_API_KEY=...
  export MSGFLASH_API_KEY_FILE=/run/secrets/msgflash
To look without a key: msgflash-apply plan --offline, or msgflash-apply demo."""


def now() -> datetime:
    """Read the clock."""
    return datetime.now(UTC)


def settings_of(options: Globals) -> Settings:
    """Read msgflash.yaml and the variables for the environment that the options choose."""
    return load_settings(
        options.root,
        environment=options.environment,
        environ=os.environ,
        variables=options.variables,
        variable_files=options.variable_files,
    )


def load_files(settings: Settings) -> Loaded:
    """
    Read campaigns without a mistake; see `load`.

    Raises:
        InvalidFiles: with every mistake of every file.
    """
    loaded = load(settings)
    if loaded.has_errors:
        raise InvalidFiles(loaded.diagnostics)
    return loaded


def backend_of(settings: Settings) -> Backend:
    """Open the storage of the state."""
    return backend_at(settings, settings.state, is_trusted=settings.state_is_from_environment)


def backend_at(settings: Settings, url: str, *, is_trusted: bool) -> Backend:
    """Open the storage of a state elsewhere; `is_trusted`: no file that a branch can edit chose the URL."""
    return encrypted(_storage(settings, url, is_trusted=is_trusted), settings, os.environ)


def storage_of(settings: Settings) -> Backend:
    """Open the storage of the state without its keys: what lies there is seen as it lies there."""
    return _storage(settings, settings.state, is_trusted=settings.state_is_from_environment)


def _storage(settings: Settings, url: str, *, is_trusted: bool) -> Backend:
    return open_backend(Location(url, settings.root, environ=os.environ, is_trusted=is_trusted))


def access_from(environ: Mapping[str, str]) -> Access:
    """
    Learn where MsgFlash is and with which key to ask it.

    Raises:
        MsgflashApplyError: there is no key, or it would travel in clear.
    """
    base_url = environ.get("MSGFLASH_BASE_URL") or DEFAULT_BASE_URL
    return Access.checked(base_url, _api_key(environ), environ.get("MSGFLASH_TEAM_ID") or None)


def _api_key(environ: Mapping[str, str]) -> str:
    if key := environ.get("MSGFLASH_API_KEY", "").strip():
        return key
    file = environ.get("MSGFLASH_API_KEY_FILE")
    if not file:
        raise MsgflashApplyError("There is no API key.", "", KEY_FIX)
    try:
        key = Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as err:
        why = err.strerror if isinstance(err, OSError) else "it is not text"
        raise MsgflashApplyError("The API key cannot be read.", f"MSGFLASH_API_KEY_FILE is {file}: {why}.") from err
    if not key:
        raise MsgflashApplyError("There is no API key.", f"MSGFLASH_API_KEY_FILE is {file}, and it is empty.", KEY_FIX)
    return key


def client_of(settings: Settings) -> Client:
    """Make the client from the environment; the request pace is the project's. It connects with its first request."""
    limiter = Limiter(settings.requests_per_second, jitter=random.random)
    return Client(access_from(os.environ), limiter, jitter=random.random)


def claim(settings: Settings, what: str, lock_timeout_seconds: float = 0.0) -> Claim:
    """Say who wants to write to the state, where and for what, and for how long to wait."""
    return Claim(settings.environment, holder(what), now, lock_timeout_seconds)


def holder(what: str) -> Holder:
    """Say who takes the lock, where and for what."""
    try:
        who = getuser()
    except (KeyError, OSError):  # a container's user may have no name
        who = str(os.getuid())
    return Holder(str(uuid.uuid4()), who, socket.gethostname(), os.getpid(), what, now())


def fail_without_terminal(what: str) -> None:
    """Refuse to ask where nobody can answer."""
    if not sys.stdin.isatty():
        raise MsgflashApplyError(
            f"There is no terminal to ask whether to {what}.", "", "In a pipeline, add --auto-approve."
        )


def snapshot_of(settings: Settings) -> Snapshot:
    """Read the state as it is known now."""
    return read_state(backend_of(settings), environment=settings.environment)


VARIABLE: Final = "MSGFLASH_STATE_KEY"

_LIMIT_BYTES: Final = 65536


def keys_of(settings: Settings, environ: Mapping[str, str]) -> Keyring | None:
    """
    Read the keys; None where none is set, which an empty variable does not do either.

    Raises:
        MsgflashApplyError: there is a file and no key in it, it cannot be read, or a key is malformed.
    """
    text = environ.get(VARIABLE, "").strip()
    if not text and settings.state_key_file is None:
        return None

    if text or settings.state_key_file is None:
        return read_keys(text, origin=VARIABLE)
    file = settings.root / settings.state_key_file
    return read_keys(_read(file), origin=f"state_key_file {file}")


def encrypted(backend: Backend, settings: Settings, environ: Mapping[str, str]) -> Backend:
    """Give a storage as it is to be used: encrypted where a key is set, as it is where none is."""
    cipher = _cipher(settings, environ)
    if cipher is None:
        return backend

    return EncryptedBackend(backend, cipher)


def decrypted(data: bytes, settings: Settings, environ: Mapping[str, str], *, context: bytes, where: str) -> bytes:
    """
    Decrypt a file that a person hands in; whatever is plain, or cannot be decrypted for want of any key, as it is.

    Raises:
        StateError: it needs another key.
        StateDamaged: it was altered, or it is not what `context` says.
    """
    envelope = read_envelope(data, where=where)
    cipher = None if envelope is None else _cipher(settings, environ)
    return data if envelope is None or cipher is None else cipher.decrypt(envelope, context=context, where=where)


def _cipher(settings: Settings, environ: Mapping[str, str]) -> Cipher | None:
    keys = keys_of(settings, environ)
    if keys is None:
        return None

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
        "The state key cannot be read.",
        f"state_key_file is {file}: {why}.",
        f"Put the key there, or set it in the environment:\n    export {VARIABLE}=...",
    )
