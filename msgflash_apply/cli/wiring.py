"""
How the parts are put together: settings, files, the state's storage and keys, the client of MsgFlash, the clock.

Everything that comes from the environment is read here: the key of MsgFlash (MSGFLASH_API_KEY, or a file named by
MSGFLASH_API_KEY_FILE) and the keys of the state (MSGFLASH_STATE_KEY, else the file that `state_key_file` in
msgflash.yaml names). Neither a key nor what a file holds in its place is ever shown. Read `process_environ` first.
"""

import asyncio
import os
import random
import socket
import stat
import sys
import uuid
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from getpass import getuser
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from msgflash_apply.api.access import DEFAULT_BASE_URL, Access, origin_of
from msgflash_apply.api.client import Client
from msgflash_apply.api.limiter import Limiter
from msgflash_apply.cli.interrupts import INTERRUPTS, Interrupted
from msgflash_apply.cli.options import Globals
from msgflash_apply.cli.output import note
from msgflash_apply.cli.streams import without_waiting
from msgflash_apply.errors import MsgflashApplyError, StateError
from msgflash_apply.files.load import Loaded, load
from msgflash_apply.files.settings import load_each_settings, load_settings
from msgflash_apply.findings import InvalidFiles
from msgflash_apply.models.project import Settings, scheme_of_state
from msgflash_apply.report.own_secrets import learn
from msgflash_apply.report.safe_text import shell_word, visible
from msgflash_apply.state.backends.backend import open_backend
from msgflash_apply.state.backends.base import Backend, Holder, Location
from msgflash_apply.state.backends.encryption import Encryption, Keyring, Plain, read_envelope, read_keys
from msgflash_apply.state.ledger import Ledger, open_ledger
from msgflash_apply.state.lock import Claim
from msgflash_apply.state.reading import read_state
from msgflash_apply.state.snapshot import Snapshot

API_KEY_FIX: Final = """Set it in the environment, or name a file that holds it:
  export MSGFLASH_API_KEY=...
  export MSGFLASH_API_KEY_FILE=/run/secrets/msgflash
To look without a key: msgflash-apply plan --offline, or msgflash-apply demo."""

Value = TypeVar("Value")

STATE_KEY: Final = "MSGFLASH_STATE_KEY"

_KEY_FILE_LIMIT_BYTES: Final = 65536


def now() -> datetime:
    """Read the clock."""
    return datetime.now(UTC)


def process_environ() -> Mapping[str, str]:
    """Read the process's environment; white space around a value of MSGFLASH_* is an accident of copying."""
    return {name: value.strip() if name.startswith("MSGFLASH_") else value for name, value in os.environ.items()}


def settings_of(options: Globals) -> Settings:
    """Read msgflash.yaml and the variables for the environment that the options or MSGFLASH_ENV choose."""
    return load_settings(
        options.root,
        environment=options.environment,
        environ=process_environ(),
        variables=options.variables,
        variable_files=options.variable_files,
    )


def each_settings_of(options: Globals) -> Sequence[Settings]:
    """Read them for every environment, or for the one of `--env`: for commands that need no state."""
    return load_each_settings(
        options.root,
        environment=options.environment,
        environ=process_environ(),
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


# MsgFlash


def server() -> str:
    """Origin of the MsgFlash that the environment names."""
    return origin_of(os.environ.get("MSGFLASH_BASE_URL") or DEFAULT_BASE_URL)


def client_of(settings: Settings) -> Client:
    """
    Make the client from the environment, at the project's pace. It connects with its first request.

    Raises:
        MsgflashApplyError: there is no key, or it would travel in clear.
    """
    given = process_environ()
    base_url = given.get("MSGFLASH_BASE_URL") or DEFAULT_BASE_URL
    access = Access.checked(base_url, api_key(given), given.get("MSGFLASH_TEAM_ID") or None)
    return Client(access, Limiter(settings.requests_per_second, jitter=random.random), jitter=random.random)


def api_key(environ: Mapping[str, str]) -> str:
    """Read the key of MsgFlash; MsgflashApplyError if there is none."""
    if key := environ.get("MSGFLASH_API_KEY"):
        return key
    file = environ.get("MSGFLASH_API_KEY_FILE")
    if not file:
        raise MsgflashApplyError("There is no API key.", "", API_KEY_FIX)
    try:
        key = Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as err:
        why = err.strerror if isinstance(err, OSError) else "it is not text"
        raise MsgflashApplyError("The API key cannot be read.", f"MSGFLASH_API_KEY_FILE is {file}: {why}.") from err
    if not key:
        detail = f"MSGFLASH_API_KEY_FILE is {file}, and it is empty."
        raise MsgflashApplyError("There is no API key.", detail, API_KEY_FIX)
    learn(key)
    return key


# The state


def location_of(settings: Settings) -> Location:
    """Where the state of the environment is; `open_backend` opens it, with `keys_of(settings, process_environ())`."""
    return Location(settings.state, settings.root, process_environ(), is_trusted=settings.state_is_from_environment)


def backend_of(settings: Settings) -> Backend:
    """Open the storage of the state, encrypted if there is a key."""
    return open_backend(location_of(settings), keys_of(settings, process_environ()))


def snapshot_of(settings: Settings, *, is_offline: bool = False) -> Snapshot:
    """Read the state as it is known now, without the lock; StateError if that takes a request and none may be sent."""
    if is_offline and scheme_of_state(settings.state) is not None:
        raise StateError(
            "The state cannot be read offline.",
            f"Environment {settings.environment} keeps it on a server, and --offline sends no request at all.",
            "Plan without --offline; or preview the files alone, with --offline --no-state.",
        )
    return read_state(backend_of(settings), environment=settings.environment)


@contextmanager
def ledger_of(settings: Settings, what: str, lock_timeout_seconds: float) -> Iterator[Ledger]:
    """Take the lock and give the ledger for a command called `what`; see `open_ledger`. Its warnings are printed."""
    backend, wanted = backend_of(settings), claim(settings, what, lock_timeout_seconds)
    with without_waiting(), INTERRUPTS.holding(), open_ledger(backend, wanted) as ledger:
        yield ledger
    for warning in ledger.warnings:
        note(f"Warning: {visible(warning)}")


def claim(settings: Settings, what: str, lock_timeout_seconds: float) -> Claim:
    """Say who wants to write to the state, from where and with which command, and for how long to wait."""
    return Claim(settings.environment, holder(what), now, lock_timeout_seconds, INTERRUPTS.sleep)


def holder(what: str) -> Holder:
    """Say who takes the lock, from where and with which command."""
    try:
        who = getuser()
    except (KeyError, OSError):  # a container's user may have no name
        who = str(os.getuid())
    return Holder(str(uuid.uuid4()), who, socket.gethostname(), os.getpid(), what, now())


def read_document(file: Path, settings: Settings, *, context: bytes) -> bytes:
    """
    Read a file that the user brings into the state, decrypted if it is encrypted and there is a key.

    Raises:
        MsgflashApplyError: it cannot be read.
        StateError: it needs another key.
        StateDamaged: it was altered, or it is not what `context` says.
    """
    try:
        data = file.read_bytes()
    except OSError as err:
        raise MsgflashApplyError(f"{file} cannot be read.", f"{err.strerror}.") from err
    keys = keys_of(settings, process_environ()) if read_envelope(data, where=str(file)) else None
    return Encryption(keys, plain=Plain.READ).opened(data, context, str(file)) if keys else data


def keys_of(settings: Settings, environ: Mapping[str, str]) -> Keyring | None:
    """
    Read the keys of the state; None if none is set. An empty variable sets none.

    Raises:
        MsgflashApplyError: there is a file and no key in it, it cannot be read, or a key is malformed.
    """
    if text := environ.get(STATE_KEY):
        return read_keys(text, origin=STATE_KEY)
    if settings.state_key_file is None:
        return None
    file = settings.root / settings.state_key_file
    text = _read_key_file(file)
    keys = read_keys(text, origin=f"state_key_file {file}")
    learn(text)  # proven to be keys: a branch chose the file, and must not choose which words a report hides
    return keys


def _read_key_file(file: Path) -> str:
    """Read a file whose name a branch may have chosen: no more than a few keys of it, and never a device."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            mode = os.fstat(descriptor).st_mode
            data = os.read(descriptor, _KEY_FILE_LIMIT_BYTES) if stat.S_ISREG(mode) else None
        finally:
            os.close(descriptor)
    except (OSError, ValueError) as err:
        why = str(err.strerror) if isinstance(err, OSError) else "no file can have this name"
        raise _unreadable(file, why) from err
    if data is None:
        raise _unreadable(file, "it is not a regular file")
    if mode & stat.S_IROTH:
        _warn_of_readers(file)
    return data.decode("ascii", "replace")


@cache
def _warn_of_readers(file: Path) -> None:
    """Warn once per process, however often a command reads the keys."""
    note(f"Warning: everybody on this machine can read the state key: chmod 600 {shell_word(str(file))}")


def _unreadable(file: Path, why: str) -> MsgflashApplyError:
    return MsgflashApplyError(
        "The state key cannot be read.",
        f"state_key_file is {file}: {why}.",
        f"Put the key there, or set it in the environment:\n    export {STATE_KEY}=...",
    )


# The process


def run(main: Coroutine[Any, Any, Value]) -> Value:
    """Run a coroutine as `asyncio.run` does. A signal cancels it, unless it says otherwise: `Interrupted`."""

    async def cancellable() -> Value:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None  # noqa: S101 - for the types
        with INTERRUPTS.answering(lambda _number: loop.call_soon_threadsafe(task.cancel)):
            try:
                return await main
            except Interrupted as err:
                raise asyncio.CancelledError from err

    try:
        return asyncio.run(cancellable())
    except asyncio.CancelledError as err:
        raise Interrupted from err


# The user


def fail_without_terminal(what: str, option: str | None = "--auto-approve") -> None:
    """Refuse to ask if stdin is no terminal: there would be no answer. In a pipeline `option` answers, if any does."""
    if not sys.stdin.isatty():
        fix = f"In a pipeline, add {option}." if option else "A person answers this; no option does."
        raise MsgflashApplyError(f"There is no terminal to ask whether to {what}.", "", fix)


def says_yes(question: str, otherwise: str) -> bool:
    """Ask for the word `yes`; note what is so without it. A signal ends the question at once."""
    with INTERRUPTS.answering(None):
        answer = click.prompt(f"{question} Only `yes` is accepted", default="", show_default=False, err=True)
    if answer.strip().lower() == "yes":
        return True
    note(otherwise)
    return False
