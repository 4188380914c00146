"""
From the decision to create to the moment of sending: the intent is made durable, and then waits for its slot.

A few may do so side by side, as many as the storage wants (`Appends.ahead`): their intents share an append, and its
latency passes while others wait for their slots. What was announced and provably did not leave is closed again.

Sending one create: intent, effect, outcome; each of them durable before the next (style: section 4 of the house).

The order is the guarantee. A crash before the send leaves an open intent for something that never left; a crash after
it leaves one for something that may have arrived. Nobody can tell these apart, so both are in doubt and neither is
ever sent again by itself.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from msgflash_apply.api.client import Client
from msgflash_apply.api.limiter import Limiter
from msgflash_apply.api.outcome import Created, CreateOutcome, NotCreated, Then, Unknown, classify
from msgflash_apply.apply.journal_writer import Books, Written
from msgflash_apply.apply.result import Event, Outcome, Paused, Result, spell_advice
from msgflash_apply.apply.stop import Stop
from msgflash_apply.campaign import Facts, Intent, fingerprint
from msgflash_apply.plan.plan import Change
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


CONNECT_ATTEMPTS: Final = 4

MOST_UNKNOWN_IN_A_ROW: Final = 5

PATIENCE_TOLD_EVERY_SECONDS: Final = 5.0


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


@dataclass(slots=True)
class Patience:
    """What was told of MsgFlash's pauses: each long one, and a short one of a shared key now and then."""

    told_until: float = float("-inf")

    def is_news(self, seconds: float, now: float) -> bool:
        """Whether a pause of so many seconds from `now` (a monotonic time) should be told; remembers that it was."""
        if seconds <= 0 or now + seconds <= self.told_until + 1:
            return False
        self.told_until = now + max(seconds, PATIENCE_TOLD_EVERY_SECONDS)
        return True


@dataclass(frozen=True, slots=True)
class Sender:
    """
    What every create of a run shares.

    Attributes:
        client: MsgFlash.
        books: the journal of the run.
        stop: set by what all creates share: an outage, a refusal of the account, a rate that never suffices.
        announcer: stands before every send.
        on_event: told when MsgFlash asks for patience.
        now: the clock.
        streak: of unknown outcomes, over all creates.
        patience: what was told of it, over all creates.
    """

    client: Client
    books: Books
    stop: Stop
    announcer: Announcer
    on_event: Callable[[Event], None]
    now: Callable[[], datetime]
    streak: Streak = field(default_factory=Streak)
    patience: Patience = field(default_factory=Patience)

    async def create(self, change: Change) -> Result:
        """Create a campaign at most once. Only what provably was not created is tried again."""
        facts = facts_of(change)
        attempt = 0
        while True:
            attempt += 1
            held_back = await self.announcer.announce(change, facts, attempt)
            if held_back is not None:
                return Result(change.address, change.action, Outcome.SKIPPED, change.id, held_back)
            outcome = classify(await self.client.create(facts.payload))
            self.streak.count(outcome, self.stop)
            if isinstance(outcome, Created):
                return await self._created(change, outcome)
            if isinstance(outcome, Unknown):
                return Result(change.address, change.action, Outcome.IN_DOUBT, change.id, outcome.what)
            if outcome.is_rate_limit:
                self._be_patient()
            await self.books.write(journal.NotCreated(change.address, outcome.what, self.now()))
            if not await self._may_try_again(outcome, attempt):
                return Result(change.address, change.action, Outcome.FAILED, change.id, outcome.what)

    async def _created(self, change: Change, outcome: Created) -> Result:
        status = str(outcome.campaign.get("status") or "scheduled")
        stored = await self.books.write(journal.Created(change.address, outcome.id, status, self.now()))
        advice = spell_advice(outcome.campaign.get("safety"))
        error = None if stored else "created, but its id could not be stored in the state"
        return Result(change.address, change.action, Outcome.DONE, outcome.id, error, advice)

    def _be_patient(self) -> None:
        """Tell of the pause. A refusal for the rate is no campaign's fault: only the run ends, if it never ceases."""
        seconds = self.client.limiter.pause_seconds
        if self.patience.is_news(seconds, asyncio.get_running_loop().time()):
            self.on_event(Paused(seconds))
        if self.client.limiter.is_hopeless:
            self.stop.set("MsgFlash refuses every request for the rate of this key, whatever the pace")

    async def _may_try_again(self, outcome: NotCreated, attempt: int) -> bool:
        if outcome.then is Then.STOP:
            self.stop.set(outcome.what)
        if outcome.then is not Then.RETRY:
            return False
        if outcome.is_rate_limit:
            return True  # the limiter makes it wait
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
        line=change.source.line if change.source else 1,
    )
