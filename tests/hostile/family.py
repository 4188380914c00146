"""A process and all that come of it, as everybody on the machine can see them: their arguments; and what they know."""

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

from tests.support.command import Completed, Repo, Running, wait_until

PROC = Path("/proc")
PAUSE_SECONDS = 0.003


@dataclass(frozen=True)
class Member:
    """
    One process at one moment.

    Attributes:
        is_first: whether it is the one that was asked about.
        words: its argument list, which every user of the machine may read.
        environment: what it was started with, which only its own user may read.
    """

    is_first: bool
    words: tuple[str, ...]
    environment: bytes

    @property
    def shown(self) -> bytes:
        """What a list of all processes shows."""
        return " ".join(self.words).encode("utf-8", "surrogateescape")


def family(first: int) -> frozenset[Member]:
    """Look at a process, its children, and theirs. What ends meanwhile is left out."""
    parents = _parents()
    return frozenset(member for pid in _below(first, parents) for member in _member(pid, is_first=pid == first))


def run_seen(repo: Repo, *arguments: str, env: Mapping[str, str] | None = None) -> tuple[Completed, frozenset[Member]]:
    """Run a command to its end, and look at its family all the while."""
    running = repo.start(*arguments, env=env)
    seen = set(family(running.process.pid))
    done = Event()

    def look() -> None:
        while not done.wait(PAUSE_SECONDS):
            seen.update(family(running.process.pid))

    thread = Thread(target=look)
    thread.start()
    try:
        return running.wait(), frozenset(seen)
    finally:
        done.set()
        thread.join()


def first_child(running: Running) -> Member:
    """
    Wait until a command runs another program, and look at that.

    Between its birth and the program that it is to run, a child is a copy of its parent: that one is waited for.
    """
    own = {member.words for member in family(running.process.pid)}
    found: list[Member] = []

    def look() -> bool:
        found[:] = [member for member in family(running.process.pid) if member.words not in own]
        return bool(found)

    wait_until(look)
    return found[0]


def _parents() -> Mapping[int, int]:
    """The parent of every process; it is the second word after the name, which stands in parentheses."""
    found = {}
    for folder in PROC.iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                found[int(folder.name)] = int((folder / "stat").read_bytes().rpartition(b")")[2].split()[1])
    return found


def _below(first: int, parents: Mapping[int, int]) -> Iterator[int]:
    yield first
    for pid, parent in parents.items():
        if parent == first:
            yield from _below(pid, parents)


def _member(pid: int, *, is_first: bool) -> Iterator[Member]:
    with suppress(OSError):
        folder = PROC / str(pid)
        words, environment = (folder / "cmdline").read_bytes(), (folder / "environ").read_bytes()
        if words:  # one that has ended, and that nobody has asked for its end, shows nothing
            yield Member(is_first, tuple(os.fsdecode(words).split("\0")[:-1]), environment)
