"""
Many files at once: a second process reads its share of them, where there is a second core.

Reading YAML takes one core as long as it takes, and a first plan of thousands of files is nothing but that. The other
process is a fork, so it begins at once and knows all that this one knows. Each claims a portion of the files after the
other, so both end together. The other leaves what it read as text for the cache in memory that both see, and ends.
Whatever keeps it from doing so costs time and nothing else: this one does it all.
"""

import json
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import Final

from msgflash_apply.config.contents import contents_of
from msgflash_apply.config.known import Entry, File, entries_text
from msgflash_apply.config.placed import AllContents, Contents
from msgflash_apply.config.rows import from_rows
from msgflash_apply.config.settings import Settings

ENOUGH: Final = 500
"""Files below which a second process costs more than it spares."""

MOST_PORTIONS: Final = 256
"""A claim is one byte."""


def contents_of_all(files: Sequence[File], settings: Settings, *, enough: int = ENOUGH) -> AllContents:
    """
    Read files; see `contents_of`.

    Args:
        files: in any order.
        settings: of the run.
        enough: from how many files on a second process takes its share of them.
    """
    if len(files) < enough or not can_fork():
        return AllContents(_read(files, settings))
    portions = _Portions(len(files))
    shared = os.memfd_create("share")
    pid = _begin(files, portions, settings, shared)
    own = {portion.start: _read_and_write(files[portion], settings) for portion in portions.claimed()}
    others = _end(pid, shared)
    every = [
        own.get(portion.start) or _taken_over(others.get(portion.start), files[portion], settings)
        for portion in portions.all
    ]
    return AllContents([one for contents, _ in every for one in contents], [part for _, part in every])


def can_fork() -> bool:
    """Whether a second process would have a core to run on, and could not inherit a lock that a thread holds."""
    return sys.platform == "linux" and len(os.sched_getaffinity(0)) > 1 and threading.active_count() == 1


class _Portions:
    """
    So many files in portions, each of which is claimed once, by this process or a fork of it.

    The claims lie in a pipe, one byte each: a byte can only be read once.
    """

    def __init__(self, files: int) -> None:
        size = -(-files // MOST_PORTIONS)
        self.all = [slice(start, start + size) for start in range(0, files, size)]
        self._claims, end = os.pipe()
        os.write(end, bytes(range(len(self.all))))
        os.close(end)

    def claimed(self) -> Iterator[slice]:
        """Claim one after the other, as long as there are any."""
        while claim := os.read(self._claims, 1):
            yield self.all[claim[0]]
        os.close(self._claims)


def _read(files: Sequence[File], settings: Settings) -> list[Contents]:
    return [contents_of(data, name, settings) for name, data in files]


def _read_and_write(files: Sequence[File], settings: Settings) -> tuple[list[Contents], bytes]:
    contents = _read(files, settings)
    return contents, entries_text(files, contents)


def _begin(files: Sequence[File], portions: _Portions, settings: Settings, shared: int) -> int:
    pid = os.fork()
    if pid == 0:
        _work(files, portions, settings, shared)
    return pid


def _work(files: Sequence[File], portions: _Portions, settings: Settings, shared: int) -> None:
    """Be the second process. It must end here whatever happens: the rest of the program is not its to run."""
    try:
        with os.fdopen(shared, "wb") as stream:
            for portion in portions.claimed():
                _, part = _read_and_write(files[portion], settings)
                stream.write(b"%d %b\n" % (portion.start, part))
    finally:
        os._exit(0)


def _end(pid: int, shared: int) -> dict[int, bytes]:
    """Take what the second process wrote, by where its portions start; what came to grief is not among it."""
    os.waitpid(pid, 0)
    with os.fdopen(shared, "rb") as stream:
        stream.seek(0)
        lines = (line.partition(b" ") for line in stream if line.endswith(b"\n"))
        return {int(start): part[:-1] for start, _, part in lines}


def _taken_over(part: bytes | None, files: Sequence[File], settings: Settings) -> tuple[list[Contents], bytes]:
    """Read a portion from the other's part; files with a mistake are not in it, and explained here."""
    if part is None:
        return _read_and_write(files, settings)
    entries: dict[str, Entry] = json.loads(b"{%b}" % part)
    contents = [
        from_rows(*entries[name][1:], name, data) if name in entries else contents_of(data, name, settings)
        for name, data in files
    ]
    return contents, part
