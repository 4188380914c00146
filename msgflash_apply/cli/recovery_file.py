"""The recovery file: outcomes that the state's storage refused, kept elsewhere for `state recover`."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from msgflash_apply.cli.output import note, write_file
from msgflash_apply.errors import MsgflashApplyError
from msgflash_apply.state.backends.backend import like_the_state
from msgflash_apply.state.backends.base import Backend
from msgflash_apply.state.backends.files import sync_folder
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
        if os.path.lexists(file):  # of an earlier attempt: it may hold what nothing else does
            continue
        with suppress(MsgflashApplyError):
            write_file(file, lines, root=folder)
            with suppress(OSError):
                sync_folder(place)
            return str(file)
    note(lines.decode("utf-8"))
    return "the lines above, saved to a file by hand"
