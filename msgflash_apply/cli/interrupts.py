"""
SIGINT, SIGTERM and SIGHUP: in order at the first, at once at the second, and never later than this module says.

What a signal does depends on what is under way. Where nothing is, it raises `Interrupted`. A run of coroutines is
cancelled (`wiring.run`). A change of the state goes on to its end (`holding`): its outcome would be unknown. An apply
says for itself (`answering`). In any case the exit code is 128 and the number of the first signal.

Whatever does not end by itself is ended: `ORDERLY_SECONDS` after the first signal, or at the second, a storage call
that the main thread waits in is broken off, so that what is known can be written down and the lock be given back;
`LAST_SECONDS` later the process ends. A thread of its own keeps that time, since a call into a library may never come
back to Python. Where there is no thread to be had, only calls that do can be broken off.
"""

import contextlib
import os
import select
import signal
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Final, TypeAlias

from msgflash_apply.cli.streams import last_words

NUMBERS: Final = tuple(signal.Signals[name] for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))

ORDERLY_SECONDS: Final = 20.0
LAST_SECONDS: Final = 4.0

_ECHO_SECONDS: Final = 1.0
"""A shell and the system both say that a terminal is gone: one SIGHUP."""

_MAY_BE_BROKEN_OFF: Final = ("msgflash_apply.state.", "msgflash_apply.cli.streams")
"""What waits for a storage, or for the reader of our output."""

Answer: TypeAlias = Callable[[int], object]
"""What a signal of this number does."""


class Interrupted(KeyboardInterrupt):
    """A signal ended what was under way."""


class Interrupts:
    """
    How this process answers signals; there is one, `INTERRUPTS`.

    Attributes:
        number: of the first signal; None before.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self._at = 0.0
        self._answer: Answer | None = None

    def install(self) -> None:
        """Begin; only in the main thread, once. A signal that is ignored, as under `nohup`, stays ignored."""
        for number in NUMBERS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._on_signal)
        if not hasattr(signal, "SIGALRM"):  # Windows
            return
        signal.signal(signal.SIGALRM, self._on_alarm)
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        with contextlib.suppress(RuntimeError):  # there is no thread to be had
            threading.Thread(target=self._watch, args=[reading], name="msgflash-apply signals", daemon=True).start()

    @contextlib.contextmanager
    def answering(self, answer: Answer | None) -> Iterator[None]:
        """Let signals do this for the time of the block; None to raise `Interrupted`."""
        before, self._answer = self._answer, answer
        try:
            yield
        finally:
            self._answer = before

    @contextlib.contextmanager
    def holding(self) -> Iterator[None]:
        """Let a change of the state go on to its end. In coroutines it still ends where it waits for MsgFlash."""
        with self.answering(self._answer or (lambda _number: None)):
            yield

    def sleep(self, seconds: float) -> None:
        """Wait; raises `Interrupted` at a signal, also at one that came before."""
        with self.answering(None):
            if self.number is not None:
                raise Interrupted
            time.sleep(seconds)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if _is_echo(number, self.number, time.monotonic() - self._at):
            return
        if self.number is None:
            self.number, self._at = number, time.monotonic()
        if self._answer is None:
            raise Interrupted
        self._answer(number)

    def _on_alarm(self, _number: int, frame: FrameType | None) -> None:
        """Break off a call that the main thread waits in; an event loop that turns ends by itself."""
        while frame is not None:
            if str(frame.f_globals.get("__name__")).startswith(_MAY_BE_BROKEN_OFF):
                raise Interrupted
            frame = frame.f_back

    def _watch(self, reading: int) -> None:
        """Keep the time, in a thread of its own: alarms in the last seconds, then the end."""
        first, first_at, urgent_at, alarm_at = 0, 0.0, float("inf"), float("inf")
        while True:
            wait_seconds = max(0.0, alarm_at - time.monotonic()) if first else None
            is_signal = bool(select.select([reading], [], [], wait_seconds)[0])
            now = time.monotonic()
            for number in os.read(reading, 64) if is_signal else b"":
                if number in NUMBERS and not first:
                    first, first_at = number, now
                    urgent_at = now + (ORDERLY_SECONDS if self._answer else 0.0)
                    alarm_at = urgent_at + 1.0
                elif number in NUMBERS and not _is_echo(number, first, now - first_at) and now < urgent_at:
                    urgent_at, alarm_at = now, now + 1.0
            if now >= urgent_at + LAST_SECONDS:
                last_words("Ended at once: something did not come to its end. What was sent is recorded or in doubt.\n")
                os._exit(128 + first)
            if first and not is_signal:
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGALRM)
                alarm_at = now + 1.0


def _is_echo(number: int, first: int | None, seconds: float) -> bool:
    return number == first == getattr(signal, "SIGHUP", None) and seconds < _ECHO_SECONDS


INTERRUPTS: Final = Interrupts()
