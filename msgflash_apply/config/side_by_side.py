"""
Many files at once: half of them in a second process, where there is a second core.

Reading YAML takes one core as long as it takes, and a first plan of thousands of files is nothing but that. The other
process is a fork, so it begins at once and knows all that this one knows; it hands its half back as the rows that the
cache is made of, and ends. Whatever keeps it from doing so costs time and nothing else: then this one does it all.
"""

import json
import os
import sys
import threading
from collections.abc import Sequence
from typing import Final, TypeAlias

from msgflash_apply.config.contents import contents_of
from msgflash_apply.config.placed import Contents
from msgflash_apply.config.rows import Row, from_rows, to_rows
from msgflash_apply.config.settings import Settings

ENOUGH: Final = 500
"""Files below which a second process costs more than it spares."""

File: TypeAlias = tuple[str, bytes]
"""A file's name relative to the repo, and its bytes."""

_Half: TypeAlias = list[tuple[list[Row], list[Row]] | None]


def contents_of_all(files: Sequence[File], settings: Settings, *, enough: int = ENOUGH) -> list[Contents]:
    """
    Read files; see `contents_of`.

    Args:
        files: in any order.
        settings: of the run.
        enough: from how many files on a second process takes half of them.

    Returns:
        What each says, in the order given.
    """
    if len(files) < enough or not can_fork():
        return _read(files, settings)
    middle = len(files) // 2
    pid, pipe = _begin(files[middle:], settings)
    first = _read(files[:middle], settings)
    return first + _taken_over(_end(pid, pipe), files[middle:], settings)


def can_fork() -> bool:
    """Whether a second process would have a core to run on, and could not inherit a lock that a thread holds."""
    return sys.platform == "linux" and len(os.sched_getaffinity(0)) > 1 and threading.active_count() == 1


def _read(files: Sequence[File], settings: Settings) -> list[Contents]:
    return [contents_of(data, name, settings) for name, data in files]


def _begin(files: Sequence[File], settings: Settings) -> tuple[int, int]:
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        _work(files, settings, theirs)
    os.close(theirs)
    return pid, ours


def _work(files: Sequence[File], settings: Settings, pipe: int) -> None:
    """Be the second process. It must end here whatever happens: the rest of the program is not its to run."""
    try:
        half: _Half = [
            None if contents.has_errors else to_rows(contents)  # mistakes have no rows; the other process explains them
            for contents in _read(files, settings)
        ]
        with os.fdopen(pipe, "wb") as stream:
            stream.write(json.dumps(half, separators=(",", ":"), ensure_ascii=False).encode())
    finally:
        os._exit(0)


def _end(pid: int, pipe: int) -> _Half:
    """Take what the second process found; nothing if it came to grief."""
    with os.fdopen(pipe, "rb") as stream:
        text = stream.read()
    os.waitpid(pid, 0)
    try:
        half: _Half = json.loads(text)
    except ValueError:
        return []
    return half


def _taken_over(half: _Half, files: Sequence[File], settings: Settings) -> list[Contents]:
    if len(half) != len(files):
        return _read(files, settings)
    return [
        contents_of(data, name, settings) if rows is None else from_rows(*rows, name, data)
        for rows, (name, data) in zip(half, files, strict=True)
    ]
