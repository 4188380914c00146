"""
Work on strangers' files in child processes that the operating system bounds. Read `run` first.

A branch decides what is in a file, so it is read where it can do no harm: in a copy of this process that has lost its
environment and its descriptors, and may use so much time and memory. A file that needs more costs its child, and is
named. Results come back as plain data (by `marshal`, never `pickle`) through a pipe, and are bounded too.

Where the system has no `fork`, a fresh interpreter does the work, in an empty environment and within wall-clock time.
"""

import marshal
import mmap
import os
import pickle
import queue
import select
import signal
import subprocess
import sys
import threading
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, Protocol, TypeAlias, cast

from msgflash_apply.errors import MsgflashApplyError
from msgflash_apply.files.bounded_child import (
    BUG,
    CHUNK_BYTES,
    EXCEEDED,
    HEADER_BYTES,
    MIB,
    OUT_OF_MEMORY,
    RESULT,
    WANTED,
    Bounds,
    Clock,
    File,
    Work,
    confine,
    serve,
    serve_fresh,
    write_all,
)

if TYPE_CHECKING:
    from io import BufferedReader

if sys.platform != "win32":
    import fcntl

_BATCH_FILES: Final = 16384

_BATCH_BYTES: Final = 32 * MIB

_FILES_PER_CHILD: Final = 64
"""A child takes as long to begin as about ten files to read: for so many, one more pays."""

_MOST_CHILDREN: Final = 8

_LOOK_SECONDS: Final = 0.5

_ENDED, _LATE = b"", b"l"

_FAILED, _UNCAUGHT = 70, 1
"""Exit codes of defects: of ours, and Python's own."""

_SIGXCPU: Final = 24
"""Where there is no such signal, none ends a child."""


@dataclass(frozen=True, slots=True)
class Exceeded:
    """
    The result of a file that needs more than it may use.

    Attributes:
        what: for a sentence such as "reading this file takes more than 10 s of processor time".
    """

    what: str


BOUNDS: Final = Bounds()

UNREAD: Final = object()
"""The result of a file that came after too many others."""

Supply: TypeAlias = Callable[[str], None]
"""Gets, in the parent, what the work `Wanted`."""


class ChildFailed(RuntimeError):
    """A defect in the work; its text is the child's traceback."""


def run(
    work: Work,
    files: Iterable[File],
    *,
    supply: Supply | None = None,
    bounds: Bounds = BOUNDS,
    forks: bool = hasattr(os, "fork"),
) -> Iterator[tuple[File, object]]:
    """
    Do some work on each file in children: one for a few files, one per core for many.

    Args:
        work: what to do.
        files: taken as they are needed, some thousands at a time.
        supply: where the work may want something.
        bounds: what may be used.
        forks: whether children are copies of this process; fresh ones are bounded by wall-clock time alone.

    Returns:
        Each file, in order, with the work's result; or `Exceeded`; or `UNREAD`, as all that are left when too many
        exceeded what they may use, or all together did.

    Raises:
        ChildFailed: a defect in the work.
        MsgflashApplyError: no child can be started.
    """
    spent = _Spent()
    remaining = iter(files)
    batch = _batch(remaining)
    while batch:
        count = 1 + min(len(batch) // _FILES_PER_CHILD, _cores() - 1, _MOST_CHILDREN - 1)
        plan = _Plan(work, batch, supply, bounds, spent, forks=forks)
        shares = [_Share(plan, range(first, len(batch), count), bounds.memory_bytes // count) for first in range(count)]
        try:
            for share in shares:
                share.begin()
            following = _batch(remaining)  # read while the children work
            for index, file in enumerate(batch):
                result = UNREAD if spent.is_too_much(bounds) else shares[index % count].next()
                spent.failures += isinstance(result, Exceeded)
                yield file, result
        finally:
            for share in shares:
                share.end()
        batch = following


def _batch(files: Iterator[File]) -> list[File]:
    """Take as many files as this process and its children can hold and stay small."""
    batch: list[File] = []
    size = 0
    for file in islice(files, _BATCH_FILES):
        batch.append(file)
        size += len(file.data)
        if size >= _BATCH_BYTES:
            break
    return batch


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


# The parent's side


@dataclass(slots=True)
class _Spent:
    """What all files have used so far."""

    cpu_seconds: float = 0.0
    result_bytes: int = 0
    failures: int = 0

    def is_too_much(self, bounds: Bounds) -> bool:
        is_too_long = self.cpu_seconds >= bounds.total_cpu_seconds
        return is_too_long or self.result_bytes > bounds.total_result_bytes or self.failures >= bounds.failures


@dataclass(frozen=True, slots=True)
class _Plan:
    """What the shares of one batch have in common."""

    work: Work
    files: Sequence[File]
    supply: Supply | None
    bounds: Bounds
    spent: _Spent
    forks: bool


class _Child(Protocol):
    """A running child."""

    @property
    def at(self) -> int:
        """The index of the file that it works on."""

    def read(self, seconds: float) -> bytes | None:
        """Wait for some of what it says; None where nothing comes, no bytes once it has ended."""

    def end(self) -> tuple[int, float]:
        """End it if it still runs. Gives its exit code, or minus a signal's number, and its processor time."""


class _Share:
    """
    The files of a batch that one child works on, and another one from where that child ended.

    Args:
        plan: of the batch.
        indexes: of its files.
        memory_bytes: that a child may have more than this process.
    """

    def __init__(self, plan: _Plan, indexes: Iterable[int], memory_bytes: int) -> None:
        self._plan = plan
        self._todo = deque(indexes)
        self._memory_bytes = memory_bytes
        self._outcomes: dict[int, object] = {}
        self._child: _Child | None = None
        self._heard = bytearray()

    def begin(self) -> _Child | None:
        """Let a child work on what is left, if none does; None where all together took too much."""
        if self._child is None and not self._plan.spent.is_too_much(self._plan.bounds):
            self._child = self._new_child([each for each in self._todo if each not in self._outcomes])
        return self._child

    def next(self) -> object:
        """Wait for the result of the next file."""
        while (index := self._todo[0]) not in self._outcomes:
            if (child := self.begin()) is None:
                return UNREAD
            kind, body = self._message(child)
            if kind == RESULT:
                self._plan.spent.result_bytes += len(body)
                self._outcomes[index] = marshal.loads(body)  # noqa: S302 - data and no code; a child is a copy of us
            elif kind == EXCEEDED:
                self._outcomes[index] = Exceeded(body.decode())
            elif kind == BUG:
                raise ChildFailed(body.decode())
            elif kind == WANTED and self._plan.supply is not None:
                self.end()
                self._plan.supply(body.decode())
            else:
                self._bury(child, is_late=kind == _LATE)
        self._todo.popleft()
        return self._outcomes.pop(index)

    def end(self) -> int:
        """Leave no child running; gives how it ended."""
        child, self._child = self._child, None
        self._heard.clear()
        code, cpu_seconds = child.end() if child is not None else (0, 0.0)
        self._plan.spent.cpu_seconds += cpu_seconds
        return code

    def _new_child(self, indexes: Sequence[int]) -> _Child:
        files = [(index, self._plan.files[index]) for index in indexes]
        plan = self._plan
        if not plan.forks:
            return _Fresh(plan.work, files, plan.bounds)
        left = max(1, int(plan.bounds.total_cpu_seconds - plan.spent.cpu_seconds))
        return _Copy(plan.work, files, plan.bounds, memory_bytes=self._memory_bytes, cpu_seconds=left)

    def _message(self, child: _Child) -> tuple[bytes, bytes]:
        """The next message of a child: its kind, and what it says."""
        heard, at, waited = self._heard, child.at, 0.0
        while True:
            if len(heard) >= HEADER_BYTES:
                end = HEADER_BYTES + int.from_bytes(heard[1:HEADER_BYTES], "big")
                if len(heard) >= end:
                    kind, body = bytes(heard[:1]), bytes(heard[HEADER_BYTES:end])
                    del heard[:end]
                    return kind, body
            data = child.read(_LOOK_SECONDS)
            if data:
                heard += data
            elif data is not None:
                return _ENDED, b""
            waited = 0.0 if data or child.at != at else waited + _LOOK_SECONDS
            at = child.at
            if waited >= self._plan.bounds.wall_seconds:
                return _LATE, b""

    def _bury(self, child: _Child, *, is_late: bool) -> None:
        """Say what became of the file on which a child ended."""
        at = child.at if child.at in self._todo else self._todo[0]
        code, bounds = self.end(), self._plan.bounds
        if is_late:
            what = f"more than {bounds.wall_seconds:g} s"
        elif self._plan.spent.cpu_seconds >= bounds.total_cpu_seconds:
            what = f"more than {bounds.total_cpu_seconds} s of processor time, with all files before it"
        elif code == -_SIGXCPU:
            what = f"more than {bounds.cpu_seconds} s of processor time"
        elif code in (_FAILED, _UNCAUGHT):
            raise ChildFailed(f"a child ended with {code}")
        elif self._memory_bytes < bounds.memory_bytes:
            alone = _Share(self._plan, [at], bounds.memory_bytes)
            try:
                self._outcomes[at] = alone.next()
            finally:
                alone.end()
            return
        elif code in (OUT_OF_MEMORY, -signal.SIGABRT):
            what = f"more than {bounds.memory_bytes // MIB} MiB of memory"
        else:
            what = f"more than the system allows (its process ended with {code})"
        self._outcomes[at] = Exceeded(what)


class _Copy:
    """A child that is a copy of this process, but for all that `confine` takes from it."""

    def __init__(
        self, work: Work, files: Iterable[tuple[int, File]], bounds: Bounds, *, memory_bytes: int, cpu_seconds: int
    ) -> None:
        self._progress = memoryview(mmap.mmap(-1, 8)).cast("q")  # shared with the child: no message for each file
        self._progress[0] = -1
        own_bytes, environment = _memory_of_this_process()
        self._reading, writing = os.pipe()
        null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        parent = os.getpid()
        with suppress(OSError, AttributeError):  # more than a child says at a time: it need not wait
            fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, MIB)
        try:
            with warnings.catch_warnings():
                # Python warns of threads, whose locks a copy inherits. It needs none but Python's own, which are new.
                warnings.simplefilter("ignore", DeprecationWarning)
                self._pid = os.fork()
        except OSError as err:
            raise _not_started(err) from err
        if self._pid == 0:
            code = _FAILED
            try:
                confine(writing, null, parent, environment, own_bytes and own_bytes + memory_bytes)
                clock = Clock(bounds.cpu_seconds, cpu_seconds)

                def begin(index: int) -> None:
                    self._progress[0] = index
                    clock.renew()

                serve(work, files, bounds, begin, write_all, CHUNK_BYTES)
                code = 0
            except MemoryError:
                code = OUT_OF_MEMORY
            finally:
                os._exit(code)
        os.close(writing)
        os.close(null)
        self._poll = select.poll()
        self._poll.register(self._reading, select.POLLIN)

    @property
    def at(self) -> int:
        """See `_Child`."""
        return self._progress[0]

    def read(self, seconds: float) -> bytes | None:
        """See `_Child`."""
        return os.read(self._reading, MIB) if self._poll.poll(seconds * 1000) else None

    def end(self) -> tuple[int, float]:
        """See `_Child`."""
        os.close(self._reading)
        with suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)  # it may have ended
        _, status, used = os.wait4(self._pid, 0)
        return os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime


def _not_started(err: OSError) -> MsgflashApplyError:
    return MsgflashApplyError("The files cannot be read.", f"No process can be started: {err.strerror}.")


class _Fresh:
    """A child that is a new interpreter, for systems without `fork`; it says after each file that it is done."""

    def __init__(self, work: Work, files: Sequence[tuple[int, File]], bounds: Bounds) -> None:
        package = str(Path(__file__).parents[2])
        program = f"import sys; sys.path.insert(0, {package!r}); from {serve_fresh.__module__} import *; serve_fresh()"
        kept = {name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ}  # Windows needs it to begin
        try:
            self._process = subprocess.Popen(  # noqa: S603 - this interpreter, with a line of our own
                [sys.executable, "-I", "-c", program],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=kept,
            )
        except OSError as err:
            raise _not_started(err) from err
        self._said: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        task = pickle.dumps((work, files, bounds))
        self._threads = [threading.Thread(target=self._write, args=[task]), threading.Thread(target=self._listen)]
        for thread in self._threads:
            thread.start()

    @property
    def at(self) -> int:
        """Not known: it says when it is done, and does one after the other."""
        return -1

    def read(self, seconds: float) -> bytes | None:
        """See `_Child`."""
        try:
            return self._said.get(timeout=seconds)
        except queue.Empty:
            return None

    def end(self) -> tuple[int, float]:
        """See `_Child`."""
        self._process.kill()
        code = self._process.wait()
        for thread in self._threads:
            thread.join()
        return code, 0.0

    def _write(self, task: bytes) -> None:
        with suppress(OSError), cast("IO[bytes]", self._process.stdin) as stream:  # it may have ended
            stream.write(task)

    def _listen(self) -> None:
        with cast("BufferedReader", self._process.stdout) as stream:
            while data := stream.read1(MIB):
                self._said.put(data)
        self._said.put(b"")


def _memory_of_this_process() -> tuple[int, tuple[int, int]]:
    """The size of its address space, and where in it its first environment is; zeros where the system does not say."""
    try:
        pages = Path("/proc/self/statm").read_bytes().split()[0]
        after_name = Path("/proc/self/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return 0, (0, 0)
    return int(pages) * mmap.PAGESIZE, (int(after_name[47]), int(after_name[48]))
