"""
Printing: results to stdout, everything else to stderr, our secrets redacted, colour only on a terminal.

Everything that the command line prints, logs or writes to a file for people leaves through here.
"""

import logging
import os
import re
import shutil
import stat
import sys
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from secrets import token_hex
from typing import TextIO

import click

from msgflash_apply import __version__
from msgflash_apply.errors import MsgflashApplyError
from msgflash_apply.files.repo import is_within, name_in_repo, read_bytes
from msgflash_apply.findings import Diagnostic, InvalidFiles, without_keys
from msgflash_apply.report.diagnostics import diagnostics_to_text
from msgflash_apply.report.layout import Paint
from msgflash_apply.report.own_secrets import RedactingFilter, redact
from msgflash_apply.report.safe_text import visible

WIDEST = 120


def paint_for(stream: TextIO, colour: bool | None) -> Paint:  # noqa: FBT001 - a value handed on, not a switch
    """Colour on a terminal, unless `colour` is False or the environment says otherwise."""
    wanted = colour is not False and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return Paint(colour=wanted and stream.isatty())


def width() -> int:
    """Columns to write in: those of the terminal, but no more than reads well."""
    return min(shutil.get_terminal_size((100, 24)).columns, WIDEST)


def set_up_logging(level: str) -> None:
    """Send log lines to stderr, with our secrets redacted, also those of libraries."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    handler.addFilter(RedactingFilter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)


def result(text: str) -> None:
    """Print the result of the command to stdout."""
    click.echo(redact(text), nl=not text.endswith("\n"), color=True)


def note(text: str) -> None:
    """Print to stderr. That it cannot be written never stops the run: see `streams`."""
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
    """Read one line of a file of the current repo, without keys of MsgFlash; None if it cannot be read."""
    lines = _lines(file)
    return without_keys(lines[line - 1].rstrip("\r")) if 0 < line <= len(lines) else None


@lru_cache(maxsize=8)
def _lines(file: str) -> Sequence[str]:
    """Read a file once for all its findings, and no more of it than was read to find them."""
    try:
        return read_bytes(file).decode("utf-8-sig", "replace").split("\n")
    except OSError:
        return ()


def write_bug_report(error: BaseException) -> str:
    """Write what a maintainer needs to a temporary file, with our secrets redacted, and return its path."""
    text = f"msgflash-apply {__version__}, Python {sys.version}\n\n{''.join(traceback.format_exception(error))}"
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", prefix="msgflash-apply-bug-", suffix=".txt", delete=False
    ) as file:
        file.write(redact(text))
    return file.name


@contextmanager
def written_aside(path: Path, data: bytes, *, root: Path, is_shared: bool = False) -> Iterator[None]:
    """
    Write a file beside its place, and put it there in one step once the block has succeeded.

    Never through a link: one in its place is replaced, and one on the way that leads out of the repo is refused. If
    anything fails, what was there stays as it was. A pipe or a device (`/dev/stdout`) is written to as it is.

    Args:
        path: of the file.
        data: all of it.
        root: the repo.
        is_shared: it is for git: it keeps its mode, or gets that of any new file. Otherwise it is this user's alone.

    Raises:
        MsgflashApplyError: the operating system refused; nothing was changed.
    """
    refuse_way_out(path, root)
    aside = path.with_name(f".msgflash-{token_hex(8)}.tmp")
    is_stream = _is_stream(path)
    try:
        with _refusals_translated(path):
            if is_stream:
                path.write_bytes(data)
            else:
                with open(aside, "xb", opener=None if is_shared else _private) as stream:
                    stream.write(data)
                    stream.flush()
                    os.fsync(stream.fileno())
                if is_shared and path.exists():
                    aside.chmod(stat.S_IMODE(path.stat().st_mode))
        yield
        if not is_stream:
            with _refusals_translated(path):
                aside.replace(path)
    finally:
        with suppress(OSError):
            aside.unlink(missing_ok=True)


def write_file(path: Path, data: bytes, *, root: Path, is_shared: bool = False) -> None:
    """Write a file at once; see `written_aside`."""
    with written_aside(path, data, root=root, is_shared=is_shared):
        pass


@contextmanager
def placed_anew(path: Path, text: str, *, root: Path) -> Iterator[None]:
    """
    Put a new file in place once the block has succeeded; until then the file is empty, which is no campaign.

    Raises:
        MsgflashApplyError: the operating system refused, before the block was entered.
    """
    refuse_way_out(path, root)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.open("x").close()
    except OSError as err:
        raise MsgflashApplyError(f"{path} cannot be written.", f"{err.strerror}.") from err
    try:
        with written_aside(path, text.encode("utf-8", "replace"), root=root, is_shared=True):
            yield
    except BaseException:
        path.unlink()
        raise


@contextmanager
def _refusals_translated(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as err:
        detail = f"In {path.parent}: {err.strerror}. What was there is as it was."
        raise MsgflashApplyError(f"{path} cannot be written.", detail) from err


def refuse_way_out(path: Path, root: Path) -> None:
    """Refuse to write in a folder of the repo that is a link out of it: a branch may have brought it along."""
    is_root = os.path.realpath(path.parent) == os.path.realpath(root)
    if name_in_repo(root, path) is not None and not is_root and not is_within(root, str(path.parent)):
        detail = f"{path.parent} leads out of the repo by a link, or belongs to git."
        raise MsgflashApplyError(f"{path} cannot be written.", detail, "Give a path without that link.")


_STREAMS = re.compile(r"/dev/(fd/)?[^/]+|/proc/[^/]+/fd/[^/]+")
"""Links of the system's own to what this process has open."""


def _is_stream(path: Path) -> bool:
    """Whether a path is a pipe, a device or an open file, and no file to be put in place."""
    if _STREAMS.fullmatch(os.path.abspath(path)):  # noqa: PTH100 - pathlib would follow the link
        return True
    kind = path.lstat().st_mode if os.path.lexists(path) else stat.S_IFREG
    return stat.S_ISFIFO(kind) or stat.S_ISCHR(kind) or stat.S_ISSOCK(kind)


def _private(path: str, flags: int) -> int:
    """Open a file that only its owner may read; an `opener` for `open`."""
    return os.open(path, flags, 0o600)
