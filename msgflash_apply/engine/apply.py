"""
Walk a plan: write down, send, write down. The careful loop that closes the gap between files and server.

Pauses and retires go first, then what sends, soonest start first (contract section 8). Several requests are in flight;
one thread, this event loop, owns the journal. The caller holds the lock for as long as this runs.
"""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from functools import partial

from msgflash_apply.api.client import Client
from msgflash_apply.campaign import TERMINAL, Status
from msgflash_apply.engine.books import Books, keep_books
from msgflash_apply.engine.create import Sender
from msgflash_apply.engine.plan import Action, Change, Plan
from msgflash_apply.engine.result import ApplyReport, ChangeEnded, ChangeStarted, Event, Outcome, Result
from msgflash_apply.engine.steer import Steered, pause, resume
from msgflash_apply.engine.stop import Stop
from msgflash_apply.errors import ApiError
from msgflash_apply.state.journal import Entry, Observed, Restored, Retired
from msgflash_apply.state.ledger import Ledger

IN_FLIGHT = 16
FIRST = frozenset({Action.PAUSE, Action.RETIRE})
BY_BOOKS_ALONE = frozenset({Action.MOVE, Action.FORGET})


class Apply:
    """
    One run over one plan.

    Args:
        plan: made under the lock that the caller holds.
        ledger: open; its journal takes every step.
        client: MsgFlash.
        stop: lets a signal end the run early.
        run: id of this run, the lock's id.
        on_event: told what starts and what ended; must not block.
        now: the clock.
    """

    def __init__(
        self,
        plan: Plan,
        ledger: Ledger,
        client: Client,
        *,
        stop: Stop,
        run: str,
        on_event: Callable[[Event], None],
        now: Callable[[], datetime],
    ) -> None:
        self._plan = plan
        self._ledger = ledger
        self._client = client
        self._stop = stop
        self._on_event = on_event
        self._now = now
        self._books = Books(ledger, stop)
        self._sender = Sender(client, self._books, stop, asyncio.Lock(), run, on_event, now)
        self._results: dict[str, Result] = {}
        self._steps: Mapping[Action, Callable[[Change], Awaitable[Result]]] = {
            Action.CREATE: self._create,
            Action.REPLACE: self._replace,
            Action.PAUSE: self._pause,
            Action.RETIRE: self._retire,
            Action.RESUME: self._resume,
        }

    async def run(self) -> ApplyReport:
        """
        Carry the plan out as far as can be.

        Returns:
            What happened to each change. Nothing expected raises: refusals, doubts and a storage that fails are told
            in the report. Cancelling stops at once and leaves what was in flight in doubt.
        """
        durable = keep_books(self._plan, self._ledger, self._books, self._now)
        effective = self._plan.effective
        for change in effective:
            if change.action in BY_BOOKS_ALONE:
                is_done = change.address in durable
                outcome, error = (Outcome.DONE, None) if is_done else (Outcome.SKIPPED, self._stop.why)
                self._end(Result(change.address, change.action, outcome, change.id, error))
        await self._carry_out([change for change in effective if change.action in FIRST])
        rest = [change for change in effective if change.action not in FIRST | BY_BOOKS_ALONE]
        await self._carry_out(sorted(rest, key=lambda change: (change.starts_at, change.address)))
        return self._report()

    async def _carry_out(self, changes: Sequence[Change]) -> None:
        free = asyncio.Semaphore(IN_FLIGHT)
        async with asyncio.TaskGroup() as group:
            for change in changes:
                await free.acquire()
                task = group.create_task(self._carry_out_one(change))
                task.add_done_callback(lambda _task: free.release())

    async def _carry_out_one(self, change: Change) -> None:
        if self._stop.is_set:
            result = Result(change.address, change.action, Outcome.SKIPPED, change.id, self._stop.why)
        else:
            self._on_event(ChangeStarted(change))
            result = await self._steps[change.action](change)
        self._end(result)

    async def _create(self, change: Change) -> Result:
        created = await self._sender.create(change)
        if not change.pause_after or created.outcome is not Outcome.DONE or created.id is None:
            return created
        steered = await pause(self._client, created.id, self._stop)
        if steered.status is not None:
            self._books.write(Observed(change.address, steered.status, self._now()))
        if steered.problem is None:
            return created
        error = f"created, but not paused: {steered.problem}"
        return Result(change.address, change.action, Outcome.FAILED, created.id, error, created.safety)

    async def _replace(self, change: Change) -> Result:
        """Pause the old one, make sure that nobody was sent anything, and only then create the new one."""
        failed = partial(Result, change.address, change.action, Outcome.FAILED, change.id)
        if change.status != Status.PAUSED:
            steered = await pause(self._client, change.id or "", self._stop)
            if steered.problem is not None:
                return failed(f"the former one was not paused: {steered.problem}")
        try:
            former = await self._client.campaign(change.id or "")
        except ApiError as err:
            return failed(f"the former one could not be read: {err.detail or err.summary}")
        if former is None:
            return failed("the former one is gone on MsgFlash, and nobody can say whether it sent anything")
        self._books.write(Observed(change.address, former.status, self._now()))
        if former.status != Status.PAUSED or former.has_sent:
            return failed(f"the former one is {former.status} and may have sent something; the new one was not created")
        result = await self._create(change)
        if result.id != change.id:
            return result
        return dataclasses.replace(result, error=f"{result.error}; the former one, {change.id}, stays paused")

    async def _retire(self, change: Change) -> Result:
        steered = Steered(Status.PAUSED)
        if change.status != Status.PAUSED:
            steered = await pause(self._client, change.id or "", self._stop)
        if steered.problem is not None and steered.status in TERMINAL:
            # It ended while we came to stop it: nothing more will be sent, and the next plan forgets it.
            return self._ended(change, Observed(change.address, str(steered.status), self._now()))
        if steered.problem is not None:
            return self._not_steered(change, steered)
        return self._ended(change, Retired(change.address, self._now(), str(steered.status)))

    async def _pause(self, change: Change) -> Result:
        steered = await pause(self._client, change.id or "", self._stop)
        if steered.problem is not None:
            return self._not_steered(change, steered)
        return self._ended(change, Observed(change.address, str(steered.status), self._now()))

    async def _resume(self, change: Change) -> Result:
        steered = await resume(self._client, change.id or "", self._stop)
        if steered.problem is not None:
            return self._not_steered(change, steered)
        address, status = change.address, str(steered.status)
        is_back = self._books.is_retired(address)
        entry = Restored(address, self._now(), status) if is_back else Observed(address, status, self._now())
        return self._ended(change, entry, steered)

    def _not_steered(self, change: Change, steered: Steered) -> Result:
        if steered.status is not None:
            self._books.write(Observed(change.address, steered.status, self._now()))
        return Result(change.address, change.action, Outcome.FAILED, change.id, steered.problem)

    def _ended(self, change: Change, entry: Entry, steered: Steered | None = None) -> Result:
        self._books.write(entry)
        safety = steered.safety if steered is not None else None
        return Result(change.address, change.action, Outcome.DONE, change.id, safety=safety)

    def _end(self, result: Result) -> None:
        self._results[result.address] = result
        self._on_event(ChangeEnded(result))

    def _report(self) -> ApplyReport:
        return ApplyReport(
            environment=self._plan.environment,
            results=tuple(self._results[change.address] for change in self._plan.effective),
            blocked=len(self._plan.blocked),
            requests_sent=self._client.requests_sent,
            stopped=self._stop.why,
            interrupted_by=self._stop.signal_number,
        )
