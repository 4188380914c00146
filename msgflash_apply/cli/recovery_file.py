"""
What a failed storage endangers: put where a person finds it, and brought back in from there.

A campaign's id exists nowhere else, so every place is tried, the terminal last.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from msgflash_apply.cli.output import note
from msgflash_apply.cli.wiring import backend_of, decrypted
from msgflash_apply.errors import MsgflashApplyError
from msgflash_apply.models.project import Settings
from msgflash_apply.state.backends.base import Backend
from msgflash_apply.state.backends.encrypted.backend import like_the_state
from msgflash_apply.state.backends.encrypted.envelope import RECOVERY
from msgflash_apply.state.ledger import Ledger
from msgflash_apply.state.lock import Claim
from msgflash_apply.state.recovery import recover, recovery_lines


def rescue(ledger: Ledger, backend: Backend, folder: Path) -> str:
    """
    Put what a failed storage endangers where a person finds it, encrypted if the state is, and say where.

    The repo's folder first, then the system's folder for temporary files; if both fail, the terminal: the ids exist
    nowhere else.
    """
    lines = like_the_state(backend, recovery_lines(ledger.head, ledger.endangered))
    for place in _places(folder):
        file = place / f"msgflash-recovery-{ledger.head.journal}.jsonl"
        if _write_new(file, lines):
            return str(file)
    note(lines.decode("utf-8"))
    return "the lines above, saved to a file by hand"


def _places(folder: Path) -> Iterator[Path]:
    yield folder
    with suppress(FileNotFoundError):  # no folder for temporary files can be written to
        yield Path(tempfile.gettempdir())


def _write_new(file: Path, lines: bytes) -> bool:
    """Write a file durably; False where that cannot be done, and then nothing is left that could pass for it."""
    try:
        stream = open(file, "xb", opener=_private)  # noqa: SIM115 - closed by the block below
    except OSError:
        return False
    try:
        with stream:
            stream.write(lines)
            stream.flush()
            os.fsync(stream.fileno())
    except OSError:
        file.unlink(missing_ok=True)
        return False
    return True


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def recover_from(settings: Settings, file: Path, claim: Claim) -> int:
    """Bring a recovery file into the state; returns how many outcomes were new to it."""
    try:
        data = file.read_bytes()
    except OSError as err:
        raise MsgflashApplyError(f"{file} cannot be read.", f"{err.strerror}.") from err
    lines = decrypted(data, settings, os.environ, context=RECOVERY, where=str(file))
    return len(recover(backend_of(settings), lines, claim, where=str(file)))
