"""
Printing: results to stdout, everything else to stderr, every key redacted, colour only on a terminal.

Everything that the command line prints, logs or writes to a file for people leaves through here.
"""

import logging
import os
import shutil
import sys
import tempfile
import traceback
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import TextIO

import click

from msgflash_apply import __version__
from msgflash_apply.errors import MsgflashApplyError
from msgflash_apply.files.repo import read_bytes
from msgflash_apply.findings import Diagnostic, InvalidFiles
from msgflash_apply.report.diagnostics import diagnostics_to_text
from msgflash_apply.report.layout import Paint
from msgflash_apply.report.safe_text import RedactingFilter, redact, visible

WIDEST = 120


def paint_for(stream: TextIO, colour: bool | None) -> Paint:  # noqa: FBT001 - a value handed on, not a switch
    """Colour on a terminal, unless `colour` is False or the environment says otherwise."""
    wanted = colour is not False and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return Paint(colour=wanted and stream.isatty())


def width() -> int:
    """Columns to write in: those of the terminal, but no more than reads well."""
    return min(shutil.get_terminal_size((100, 24)).columns, WIDEST)


def set_up_logging(level: str) -> None:
    """Send log lines to stderr, with every key redacted, also those of libraries."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    handler.addFilter(RedactingFilter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)


def result(text: str) -> None:
    """Print the result of the command to stdout."""
    click.echo(redact(text), nl=not text.endswith("\n"), color=True)


def note(text: str) -> None:
    """Print to stderr. A closed stderr does not stop the run: it may be sending."""
    with suppress(BrokenPipeError):
        click.echo(redact(text), err=True, nl=not text.endswith("\n"), color=True)


def error_text(error: MsgflashApplyError) -> str:
    """Write an error for stderr: the summary, what was found, what to do."""
    if isinstance(error, InvalidFiles):
        return findings_text(error.diagnostics)
    # It may quote a server, a state or a lock: everything in there is shown, and does nothing to the terminal.
    text = "\n".join(part for part in (f"Error: {error.summary}", error.detail, error.fix) if part)
    return "\n".join(map(visible, text.split("\n")))


def findings_text(diagnostics: Sequence[Diagnostic]) -> str:
    """Write findings for stderr, each with its line of the file."""
    paint = paint_for(sys.stderr, None)
    return diagnostics_to_text(diagnostics, paint=paint, source_line=source_line, width=width())


def source_line(file: str, line: int) -> str | None:
    """Read one line of a file of the current repo; None if it cannot be read."""
    lines = _lines(file)
    return lines[line - 1].rstrip("\r") if 0 < line <= len(lines) else None


@lru_cache(maxsize=8)
def _lines(file: str) -> Sequence[str]:
    """Read a file once for all its findings, and no more of it than was read to find them."""
    try:
        return read_bytes(file).decode("utf-8-sig", "replace").split("\n")
    except OSError:
        return ()


def write_bug_report(error: BaseException) -> str:
    """Write what a maintainer needs to a temporary file, with every key redacted, and return its path."""
    text = f"msgflash-apply {__version__}, Python {sys.version}\n\n{''.join(traceback.format_exception(error))}"
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", prefix="msgflash-apply-bug-", suffix=".txt", delete=False
    ) as file:
        file.write(redact(text))
    return file.name


def write_file(path: Path, text: str) -> None:
    """Write a report to a file; a clear error where that fails."""
    try:
        path.write_text(redact(text), encoding="utf-8")
    except OSError as err:
        raise MsgflashApplyError(f"{path} cannot be written.", f"{err.strerror}.") from err


def write_private(path: Path, data: bytes) -> None:
    """Write a file that only its owner may read; a clear error where that fails."""
    try:
        with open(path, "wb", opener=private) as stream:
            stream.write(data)
    except OSError as err:
        raise MsgflashApplyError(f"{path} cannot be written.", f"{err.strerror}.") from err


def private(path: str, flags: int) -> int:
    """Open a file that only its owner may read; an `opener` for `open`."""
    return os.open(path, flags, 0o600)
