"""
From the decision to create to the moment of sending: the intent is made durable, and then waits for its slot.

A few may do so side by side, as many as the storage wants (`Appends.ahead`): their intents share an append, and its
latency passes while others wait for their slots. What was announced and provably did not leave is closed again.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from msgflash_apply.api.limiter import Limiter
from msgflash_apply.campaign import Facts, Intent
from msgflash_apply.engine.books import Books
from msgflash_apply.engine.plan import Change
from msgflash_apply.engine.stop import Stop
from msgflash_apply.engine.writer import Written
from msgflash_apply.state import journal

TOO_LATE: Final = "its start passed while others were sent"
NEVER_LEFT: Final = "stopped before it was sent"


@dataclass(frozen=True, slots=True)
class Announcer:
    """
    What every announcement of a run shares.

    Attributes:
        books: the journal of the run.
        stop: held back once set.
        limiter: gives the slots.
        ahead: as many as may be announced and not have left; first come first served, so whoever starts soonest
            leaves first. After a crash these are in doubt, besides those that were sent.
        run: id of the run, written into each intent.
        now: the clock.
    """

    books: Books
    stop: Stop
    limiter: Limiter
    ahead: asyncio.Semaphore
    run: str
    now: Callable[[], datetime]

    async def announce(self, change: Change, facts: Facts, attempt: int) -> str | None:
        """Make an intent durable and wait for its slot. Returns why nothing may be sent, or None: send now."""
        async with self.ahead:
            if self.stop.is_set:
                return self.stop.why
            if change.starts_at <= self.now():
                return TOO_LATE
            intent = Intent(self.run, attempt, self.now(), facts)
            announced = self.books.queue(journal.Intended(change.address, intent))
            held_back: str | None = NEVER_LEFT
            try:
                held_back = await self._slot(change, announced)
            except asyncio.CancelledError:
                self.books.hurry()
                raise
            finally:
                # Also where the run is cancelled here: nothing left, so nothing may stay in doubt.
                if held_back is not None and await self.books.is_durable(announced):
                    await self.books.write(journal.NotCreated(change.address, held_back, self.now()))
            return held_back

    async def _slot(self, change: Change, announced: Written) -> str | None:
        if not await self.books.is_durable(announced) or not await self._paced():
            return self.stop.why
        return TOO_LATE if change.starts_at <= self.now() else None

    async def _paced(self) -> bool:
        """Wait for the slot or the stop, whichever is first; True means send."""
        slot = asyncio.ensure_future(self.limiter.acquire())
        stopped = asyncio.ensure_future(self.stop.wait())
        try:
            await asyncio.wait({slot, stopped}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            slot.cancel()
            stopped.cancel()
        return not self.stop.is_set
