"""Printing: results to stdout, the rest to stderr, every key taken out, colour only where a person looks."""

import os
import shutil
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import TextIO

import click

from msgflash_apply.errors import MsgflashApplyError
from msgflash_apply.files.repo import read_bytes
from msgflash_apply.findings import Diagnostic
from msgflash_apply.report.diagnostics import diagnostics_to_text
from msgflash_apply.report.layout import Paint
from msgflash_apply.report.safe_text import redact

WIDEST = 120


def paint_for(stream: TextIO, colour: bool | None) -> Paint:  # noqa: FBT001 - a value handed on, not a switch
    """Colour on a terminal unless told otherwise."""
    wanted = colour is not False and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return Paint(colour=wanted and stream.isatty())


def width() -> int:
    """Columns to write in: those of the terminal, but no more than reads well."""
    return min(shutil.get_terminal_size((100, 24)).columns, WIDEST)


def result(text: str) -> None:
    """Print what was asked for."""
    click.echo(redact(text), nl=not text.endswith("\n"), color=True)


def note(text: str) -> None:
    """Print what else a person should know. Where nobody listens any more the run goes on: it may be sending."""
    with suppress(BrokenPipeError):
        click.echo(redact(text), err=True, nl=not text.endswith("\n"), color=True)


def findings_text(diagnostics: Sequence[Diagnostic]) -> str:
    """Show findings with the lines they speak of, for stderr."""
    paint = paint_for(sys.stderr, None)
    return diagnostics_to_text(diagnostics, paint=paint, source_line=source_line, width=width())


def source_line(file: str, line: int) -> str | None:
    """Read one line of a file of the repo we work in; None where it cannot be had."""
    lines = _lines(file)
    return lines[line - 1].rstrip("\r") if 0 < line <= len(lines) else None


@lru_cache(maxsize=8)
def _lines(file: str) -> Sequence[str]:
    """Read a file once for all its findings, and no more of it than was looked at for them."""
    try:
        return read_bytes(file).decode("utf-8-sig", "replace").split("\n")
    except OSError:
        return ()


def write_file(path: Path, text: str) -> None:
    """Write a report to a file; a clear error where that fails."""
    try:
        path.write_text(redact(text), encoding="utf-8")
    except OSError as err:
        raise MsgflashApplyError(f"{path} cannot be written.", f"{err.strerror}.") from err


def write_private(path: Path, data: bytes) -> None:
    """Write a file that only its owner may read; a clear error where that fails."""
    try:
        with open(path, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as stream:
            stream.write(data)
    except OSError as err:
        raise MsgflashApplyError(f"{path} cannot be written.", f"{err.strerror}.") from err
