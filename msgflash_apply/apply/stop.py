"""Why nothing new may start: a signal, a refusal that all share, or a storage that failed. Never taken back."""

import asyncio


class Stop:
    """
    The one switch that ends a running apply early.

    What is in flight is finished and recorded; only new starts are held back.
    """

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self.why: str | None = None
        self.signal_number: int | None = None

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

    async def wait(self) -> None:
        """Return once it is set."""
        await self._event.wait()
