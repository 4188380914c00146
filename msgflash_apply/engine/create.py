"""
Sending one create: intent, effect, outcome; each of them durable before the next (style: section 4 of the house).

The order is the guarantee. A crash before the send leaves an open intent for something that never left; a crash after
it leaves one for something that may have arrived. Nobody can tell these apart, so both are in doubt and neither is
ever sent again by itself.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from msgflash_apply.api.client import Client
from msgflash_apply.api.outcome import Created, CreateOutcome, NotCreated, Then, Unknown, classify
from msgflash_apply.campaign import Facts, Intent, JsonObject, fingerprint
from msgflash_apply.engine.books import Books
from msgflash_apply.engine.plan import Change
from msgflash_apply.engine.result import Event, Outcome, Paused, Result
from msgflash_apply.engine.stop import Stop
from msgflash_apply.state import journal

CONNECT_ATTEMPTS = 4
RATE_LIMIT_ATTEMPTS = 30
MOST_UNKNOWN_IN_A_ROW = 5


@dataclass(slots=True)
class Streak:
    """Unknown outcomes in a row. An outage must not put every campaign of a plan in doubt, one after the other."""

    length: int = 0

    def count(self, outcome: CreateOutcome, stop: Stop) -> None:
        """Take one outcome in; hold back what has not started once too many in a row told nothing."""
        self.length = self.length + 1 if isinstance(outcome, Unknown) else 0
        if self.length >= MOST_UNKNOWN_IN_A_ROW:
            stop.set(
                f"the last {self.length} creates got no answer that tells how they ended; no more are put in doubt"
            )


@dataclass(frozen=True, slots=True)
class Sender:
    """
    What every create of a run shares.

    Attributes:
        client: MsgFlash.
        books: the journal of the run.
        stop: held back once set.
        turn: held from the intent to the send, so that at most one intent is open that has not left yet: after a
            crash no more campaigns are in doubt than were in flight, and that one.
        run: id of the run, written into each intent.
        on_event: told when MsgFlash asks for patience.
        now: the clock.
        streak: of unknown outcomes, over all creates.
    """

    client: Client
    books: Books
    stop: Stop
    turn: asyncio.Lock
    run: str
    on_event: Callable[[Event], None]
    now: Callable[[], datetime]
    streak: Streak = field(default_factory=Streak)

    async def create(self, change: Change) -> Result:
        """Create a campaign at most once. Only what provably was not created is tried again."""
        facts = facts_of(change)
        attempt = 0
        while True:
            attempt += 1
            held_back = await self._announce(change, facts, attempt)
            if held_back is not None:
                return Result(change.address, change.action, Outcome.SKIPPED, change.id, held_back)
            outcome = classify(await self.client.create(facts.payload))
            self.streak.count(outcome, self.stop)
            if isinstance(outcome, Created):
                return self._created(change, outcome)
            if isinstance(outcome, Unknown):
                return Result(change.address, change.action, Outcome.IN_DOUBT, change.id, outcome.what)
            self.books.write(journal.NotCreated(change.address, outcome.what, self.now()))
            if not await self._may_try_again(outcome, attempt):
                return Result(change.address, change.action, Outcome.FAILED, change.id, outcome.what)

    async def _announce(self, change: Change, facts: Facts, attempt: int) -> str | None:
        """Make the intent durable and wait for the slot. Returns why nothing may be sent, or None: send now."""
        async with self.turn:
            if self.stop.is_set:
                return self.stop.why
            if change.starts_at <= self.now():
                return "its start passed while others were sent"
            intent = Intent(self.run, attempt, self.now(), facts)
            if not self.books.write(journal.Intended(change.address, intent)):
                return self.stop.why
            is_paced = False
            try:
                is_paced = await self._paced()
            finally:
                # Also where the run is cancelled here: nothing left, so nothing may stay in doubt.
                if not is_paced:
                    self.books.write(journal.NotCreated(change.address, "stopped before it was sent", self.now()))
            return None if is_paced else self.stop.why

    async def _paced(self) -> bool:
        """Wait for the slot or the stop, whichever is first; True means send."""
        slot = asyncio.ensure_future(self.client.limiter.acquire())
        stopped = asyncio.ensure_future(self.stop.wait())
        try:
            await asyncio.wait({slot, stopped}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            slot.cancel()
            stopped.cancel()
        return not self.stop.is_set

    def _created(self, change: Change, outcome: Created) -> Result:
        status = str(outcome.campaign.get("status") or "scheduled")
        stored = self.books.write(journal.Created(change.address, outcome.id, status, self.now()))
        safety = outcome.campaign.get("safety")
        error = None if stored else "created, but its id could not be stored in the state"
        return Result(change.address, change.action, Outcome.DONE, outcome.id, error, _object(safety))

    async def _may_try_again(self, outcome: NotCreated, attempt: int) -> bool:
        if outcome.then is Then.STOP:
            self.stop.set(outcome.what)
        if outcome.then is not Then.RETRY:
            return False
        if outcome.is_rate_limit:
            self.on_event(Paused(self.client.limiter.pause(max(1.0, outcome.wait_seconds or 0.0))))
            return attempt < RATE_LIMIT_ATTEMPTS
        if attempt >= CONNECT_ATTEMPTS:
            self.stop.set(outcome.what)  # the host is away: every other create would fare the same
            return False
        await self.client.back_off(attempt)
        return True


def facts_of(change: Change) -> Facts:
    """Gather what the record keeps of a campaign that is about to be sent."""
    payload = change.after or {}
    return Facts(
        payload=payload,
        fingerprint=fingerprint(payload),
        names=change.names,
        file=change.source.file if change.source else "",
        timezone=change.timezone,
        on_remove=change.on_remove,
        labels=change.labels,
    )


def _object(value: object) -> JsonObject | None:
    return value if isinstance(value, dict) else None
