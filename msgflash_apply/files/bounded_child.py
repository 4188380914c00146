"""
The inside of a child that works on strangers' files: what it may use and say, and how it gives up all else.

Read `confine` first. Begun and listened to in `bounded.py`.
"""

import ctypes
import gc
import marshal
import os
import pickle
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias, cast

if sys.platform != "win32":
    import fcntl
    import resource

MIB: Final = 1024**2

CHUNK_BYTES: Final = 64 * 1024

_HOLD_SECONDS: Final = 0.05
"""Results are held back for as long: what a child that dies has not sent is done again."""

HEADER_BYTES: Final = 5

RESULT, EXCEEDED, WANTED, BUG = b"r", b"x", b"w", b"b"
"""Kinds of messages: each is a kind, the length of what follows in four bytes, and that."""

OUT_OF_MEMORY: Final = 71
"""Exit code of a child that was refused memory."""

_PR_SET_PDEATHSIG: Final = 1

_OUTLET: Final = 3
"""The only descriptor with which a child can do anything."""


_MOST_CHARACTERS, _MOST_FRAMES = 1_000, 50
"""Of a defect that is reported."""

_MOST_DESCRIPTORS: Final = 65_536
"""That are closed: a system may allow a billion, and some close them one by one."""


class File(NamedTuple):
    """
    One file to work on.

    Attributes:
        name: relative to the repo.
        data: its bytes, which the parent has read: a child can open nothing.
        about: what else the work needs to know of it; plain.
    """

    name: str
    data: bytes
    about: object = None


Work: TypeAlias = Callable[[File], object]
"""A function of a module, or a `partial` of one. Gives plain data of `marshal`'s own types."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """
    What the work may use.

    Attributes:
        cpu_seconds: for one file.
        wall_seconds: without progress.
        memory_bytes: of all children together, beyond what this process has; a file that a part of it does not
            suffice for gets all of it.
        result_bytes: for one file.
        total_cpu_seconds: for all files.
        total_result_bytes: for all files.
        failures: as many files may exceed something before the rest is left unread.
    """

    cpu_seconds: int = 10
    wall_seconds: float = 45.0
    memory_bytes: int = 512 * MIB
    result_bytes: int = 32 * MIB
    total_cpu_seconds: int = 600
    total_result_bytes: int = 256 * MIB
    failures: int = 5


class Wanted(Exception):
    """The work lacks what only the parent can get; once it is supplied, a new child begins the file again."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


_is_confined = False


def is_confined() -> bool:
    """Whether this is a child that can open nothing."""
    return _is_confined


def serve(
    work: Work,
    files: Iterable[tuple[int, File]],
    bounds: Bounds,
    begin: Callable[[int], None],
    send: Callable[[bytes], object],
    chunk_bytes: int,
) -> None:
    """Work on files one after the other, and say what came out, some results at a time."""
    said = bytearray()
    sent_at = time.monotonic()
    for index, file in files:
        if said and time.monotonic() > sent_at + _HOLD_SECONDS:
            send(bytes(said))
            said.clear()
            sent_at = time.monotonic()
        begin(index)
        kind, body = _answer(work, file, bounds)
        said += kind + len(body).to_bytes(HEADER_BYTES - 1, "big") + body
        if kind in (WANTED, BUG):
            break
        if len(said) >= chunk_bytes:
            send(bytes(said))
            said.clear()
            sent_at = time.monotonic()
    send(bytes(said))


def _answer(work: Work, file: File, bounds: Bounds) -> tuple[bytes, bytes]:
    """What to say of one file."""
    try:
        body = marshal.dumps(cast("bytes", work(file)))  # or whatever else it can carry
    except Wanted as err:
        return WANTED, err.what.encode()
    except MemoryError:
        raise
    except RecursionError:
        return EXCEEDED, b"more levels than can be followed"
    except BaseException as err:  # noqa: BLE001 - it is raised by the parent, as the defect that it is
        return BUG, _traceback_of(err).encode("utf-8", "backslashreplace")
    if len(body) > bounds.result_bytes:
        return EXCEEDED, f"more than {bounds.result_bytes // MIB} MiB for its campaigns".encode()
    return RESULT, body


def _traceback_of(err: BaseException) -> str:
    """An exception with its traceback, but not the lines of the source: no file can be opened here."""
    frames = traceback.walk_tb(err.__traceback__)
    places = [f"  {frame.f_code.co_filename}:{line} in {frame.f_code.co_name}" for frame, line in frames]
    return "\n".join([f"{type(err).__name__}: {str(err)[:_MOST_CHARACTERS]}", *places[-_MOST_FRAMES:]])


def serve_fresh() -> None:
    """Do what the parent of a fresh interpreter writes to its standard input."""
    work, files, bounds = pickle.load(sys.stdin.buffer)  # noqa: S301 - our parent's words

    def send(data: bytes) -> None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()

    serve(work, files, bounds, lambda _: None, send, 0)


def write_all(data: bytes) -> None:
    """Send all of it to the parent; waits where the parent is busy."""
    at = 0
    while at < len(data):
        at += os.write(_OUTLET, data[at : at + MIB])


class Clock:
    """
    Lets the system end this process when a file takes too long.

    Args:
        cpu_seconds: for each file.
        total_cpu_seconds: for all of them.
    """

    def __init__(self, cpu_seconds: int, total_cpu_seconds: int) -> None:
        self._seconds = cpu_seconds
        self._most = total_cpu_seconds
        self._renewed = float("-inf")

    def renew(self) -> None:
        """Give the next file its time; the system counts whole seconds."""
        now = time.process_time()
        if now >= self._renewed + 1:
            self._renewed = now
            _limit(resource.RLIMIT_CPU, min(int(now) + 1 + self._seconds, self._most), self._most)


def confine(outlet: int, null: int, parent: int, environment: tuple[int, int], memory_bytes: int) -> None:
    """Give up whatever this process inherited and does not need, for good."""
    global _is_confined  # noqa: PLW0603 - of the process itself, and never taken back
    _is_confined = True
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE, signal.SIGXCPU):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all; the parent ends us, and tells
    _end_with(parent)
    outlet, null = (fcntl.fcntl(each, fcntl.F_DUPFD, _OUTLET + 1) for each in (outlet, null))
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    os.dup2(outlet, _OUTLET)
    os.closerange(_OUTLET + 1, _MOST_DESCRIPTORS)
    os.environ.clear()
    begin, end = environment
    if begin:  # what the system shows of it is the memory that it came in
        ctypes.memset(begin, 0, end - begin)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_NPROC, 0)
    _limit(resource.RLIMIT_NOFILE, 0)  # what is open stays open; nothing can be opened any more
    if memory_bytes:
        _limit(resource.RLIMIT_AS, memory_bytes)
    gc.freeze()  # what is inherited stays shared
    gc.enable()


def _limit(kind: int, soft: int, hard: int | None = None) -> None:
    """Lower a limit of this process, as far as the system knows it; none can be raised again."""
    with suppress(ValueError, OSError):
        most = resource.getrlimit(kind)[1]
        hard = soft if hard is None else hard
        hard = hard if most == resource.RLIM_INFINITY else min(hard, most)
        resource.setrlimit(kind, (min(soft, hard), hard))


def _end_with(parent: int) -> None:
    """End when the parent ends, however it does; without Linux, with the next result that is not read."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))
        if os.getppid() != parent:
            os._exit(0)
