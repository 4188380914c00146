"""The recovery file: outcomes that the state's storage refused, kept elsewhere for `state recover`."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from msgflash_apply.cli.output import note, private
from msgflash_apply.state.backends.base import Backend
from msgflash_apply.state.backends.encrypted.backend import like_the_state
from msgflash_apply.state.ledger import Ledger
from msgflash_apply.state.recovery import recovery_lines


def rescue(ledger: Ledger, backend: Backend, folder: Path) -> str:
    """
    Write the recovery file of a run, encrypted if the state is, and say where it is.

    In the repo's folder, else in the system's folder for temporary files, else on the terminal: a campaign's id exists
    nowhere else.
    """
    lines = like_the_state(backend, recovery_lines(ledger.head, ledger.endangered))
    folders = [folder]
    with suppress(FileNotFoundError):  # no folder for temporary files can be written to
        folders.append(Path(tempfile.gettempdir()))
    for place in folders:
        file = place / f"msgflash-recovery-{ledger.head.journal}.jsonl"
        if _write_new(file, lines):
            return str(file)
    note(lines.decode("utf-8"))
    return "the lines above, saved to a file by hand"


def _write_new(file: Path, lines: bytes) -> bool:
    """Write a file durably; False if that fails, and then nothing is left that could pass for it."""
    try:
        stream = open(file, "xb", opener=private)  # noqa: SIM115 - closed by the block below
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
