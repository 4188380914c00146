"""Why nothing new may start: a signal, a refusal that all share, or a storage that failed. Never taken back."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")


class Stop:
    """
    The one switch that ends a running apply early.

    What is in flight is finished and recorded; only new starts are held back. `give_up` does not wait for it either.
    """

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self._at_once: list[Callable[[], object]] = []
        self.why: str | None = None
        self.signal_number: int | None = None
        self.is_urgent = False

    @property
    def is_set(self) -> bool:
        """Whether nothing new may start."""
        return self._event.is_set()

    def set(self, why: str, signal_number: int | None = None) -> None:
        """Hold back everything that has not started; the first reason is the one that is reported."""
        if not self.is_set:
            self.why = why
            self.signal_number = signal_number
            self._event.set()

    def give_up(self) -> None:
        """Wait for nothing that is in flight; after `set`."""
        self.is_urgent = True
        for call in tuple(self._at_once):
            call()

    @contextmanager
    def at_once(self, call: Callable[[], object]) -> Iterator[None]:
        """Have this called by `give_up` for the time of the block."""
        self._at_once.append(call)
        try:
            yield
        finally:
            self._at_once.remove(call)

    async def unless_given_up(self, work: Coroutine[Any, Any, T]) -> T | None:
        """Do some work, and leave it where it is as soon as the run is given up; None then."""
        task = asyncio.create_task(work)
        try:
            with self.at_once(task.cancel):
                await asyncio.wait({task})
        finally:
            task.cancel()
        return None if task.cancelled() else task.result()

    async def wait(self) -> None:
        """Return once it is set."""
        await self._event.wait()
