"""
Standard output and standard error: UTF-8 whatever the locale, and nothing waits for them while something is sent.

A reader may be slow, gone, or never read; a disk may be full; a terminal may be closed. Standard error never fails:
what cannot be written there is dropped. Standard output fails, since it is what the user asked for; but while a state
is locked (`without_waiting`) it only remembers that it did, and keeps for later what its reader does not take.
"""

import io
import os
import select
import stat
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

PATIENCE_SECONDS: Final = 2.0
"""For a reader of standard error that did not read while something was sent."""

_TOGETHER: Final = 4096
"""A pipe takes so many bytes all at once or not at all (PIPE_BUF)."""


class Stream(io.RawIOBase):
    """
    A standard stream.

    Args:
        descriptor: 1 or 2.

    Attributes:
        failure: the first error of writing to it.
        waits: whether a write waits for the reader.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self.failure: OSError | None = None
        self.waits = True
        self._descriptor = descriptor
        self._is_for_results = descriptor == 1
        self._is_stalled = False
        self._kept = b""

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._descriptor

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return os.isatty(self._descriptor)

    def writable(self) -> bool:
        """Whether it is for writing: it is."""
        return True

    def write(self, data: "ReadableBuffer", /) -> int:
        """Write all of it; OSError where standard output cannot be written and nothing is being sent."""
        text = bytes(data)
        try:
            if not self.waits:
                self._write_without_waiting(text)
            elif self._is_stalled:
                self._write_patiently(text)
            else:
                _write_all(self._descriptor, text)
        except OSError as err:
            self.failure = self.failure or err
            self._kept = b""
            if self.waits and self._is_for_results:
                raise
        return len(text)

    def settle(self) -> None:
        """Write what was kept; OSError as for `write`."""
        kept, self._kept = self._kept, b""
        self.write(kept)

    def offer(self, text: bytes) -> int:
        """Write as much as there is room for; gives how much. Others share the descriptor's flags: they stay."""
        kind = os.fstat(self._descriptor).st_mode
        is_socket = stat.S_ISSOCK(kind)
        if not (is_socket or stat.S_ISFIFO(kind) or self.isatty()):
            return _write_all(self._descriptor, text)
        try:
            again = os.open(f"/dev/fd/{self._descriptor}", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
        except OSError as err:
            # No socket can be opened again, nor what another user opened, as in a container. A piece fits where there
            # is room.
            if not (is_socket or isinstance(err, PermissionError)):
                raise
            return _as_it_goes(lambda piece: os.write(self._descriptor, piece) if self._has_room() else 0, text)
        try:
            return _as_it_goes(lambda piece: os.write(again, piece), text)
        finally:
            os.close(again)

    def _write_without_waiting(self, text: bytes) -> None:
        if self._is_for_results and self.failure is None:
            self._kept += text
            self._kept = self._kept[self.offer(self._kept) :]
        elif not self._is_for_results:
            self._is_stalled = self.offer(text) < len(text)

    def _write_patiently(self, text: bytes) -> None:
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while (text := text[self.offer(text) :]) and time.monotonic() < give_up_at:
            time.sleep(0.05)

    def _has_room(self) -> bool:
        return bool(select.select([], [self._descriptor], [], 0)[1])


def _write_all(descriptor: int, text: bytes) -> int:
    left = memoryview(text)
    while left:
        left = left[os.write(descriptor, left) :]
    return len(text)


def _as_it_goes(write: Callable[[bytes], int], text: bytes) -> int:
    """Write piece by piece until one is not taken whole; gives how much was taken."""
    taken = 0
    with suppress(BlockingIOError):
        while taken < len(text):
            piece = text[taken : taken + _TOGETHER]
            taken += (length := write(piece))
            if length < len(piece):
                break
    return taken


_STREAMS: Final[list[Stream]] = []


def set_up() -> None:
    """Take over both streams for the rest of the process. What is closed leads nowhere from now on."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:  # or the next file that is opened would get what is meant for people
            os.open(os.devnull, os.O_RDWR)
    sys.stdout, sys.stderr = _text(Stream(1)), _text(Stream(2))


def _text(stream: Stream) -> io.TextIOWrapper:
    _STREAMS.append(stream)
    return io.TextIOWrapper(
        stream,  # type: ignore[arg-type]  # as Python's own streams with -u
        encoding="utf-8",
        errors="backslashreplace",
        write_through=True,
    )


@contextmanager
def without_waiting() -> Iterator[None]:
    """Wait for no reader during the block; at its end what is left of the results is written, and waited for."""
    for stream in _STREAMS:
        stream.waits = False
    try:
        yield
    finally:
        for stream in _STREAMS:
            stream.waits = True
            with suppress(OSError):  # it is remembered
                stream.settle()


def last_words(text: str) -> None:
    """Say something on standard error if there is room for it, whatever becomes of it."""
    for stream in _STREAMS[-1:]:
        with suppress(OSError):
            stream.offer(text.encode())


def words_of(err: OSError) -> str:
    """Say that standard output cannot be written."""
    return f"Error: Standard output cannot be written.\n{err.strerror}.\n"


def check() -> None:
    """Raise why not all of the results could be written, also what was only remembered."""
    if (error := failure()) is not None:
        raise error


def failure() -> OSError | None:
    """Return why not all of the results could be written; None where they were."""
    return next((stream.failure for stream in _STREAMS if stream.fileno() == 1), None)
