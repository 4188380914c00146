"""
Walk a plan: write down, send, write down. The careful loop that closes the gap between files and server.

Pauses and retires go first, then what sends, soonest start first (contract section 8). Several requests are in flight;
one writer owns the journal (`writer.py`). The caller holds the lock for as long as this runs.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from msgflash_apply.api.client import Client
from msgflash_apply.apply.actions import Steps
from msgflash_apply.apply.create import Announcer, Sender
from msgflash_apply.apply.journal_writer import Books, Writer, keep_books, retired_in
from msgflash_apply.apply.result import ApplyReport, ChangeEnded, ChangeStarted, Event, Outcome, Result
from msgflash_apply.apply.stop import Stop
from msgflash_apply.plan.plan import Action, Change, Plan
from msgflash_apply.state.backends.base import Appends
from msgflash_apply.state.ledger import Ledger

IN_FLIGHT: Final = 16

FIRST: Final = frozenset({Action.PAUSE, Action.RETIRE})

BY_BOOKS_ALONE: Final = frozenset({Action.MOVE, Action.FORGET})


def most_in_flight(appends: Appends) -> int:
    """
    Say how many changes may be under way at once; after a crash no more creates than these can be in doubt.

    Besides the requests themselves: those whose intents one append carries, and as many again whose outcomes wait for
    the next one.
    """
    return IN_FLIGHT + 2 * (appends.ahead - 1)


class Apply:
    """
    One run over one plan.

    Args:
        plan: made under the lock that the caller holds.
        ledger: open; its journal takes every step. Nobody else uses it while this runs.
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
        self._before = ledger.snapshot
        self._appends = ledger.appends
        self._client = client
        self._stop = stop
        self._on_event = on_event
        self._now = now
        self._writer = Writer(ledger)
        self._books = Books(self._writer, stop)
        ahead = asyncio.Semaphore(self._appends.ahead)
        announcer = Announcer(self._books, stop, client.limiter, ahead, run, now)
        sender = Sender(client, self._books, stop, announcer, on_event, now)
        self._steps = Steps(client, self._books, stop, sender, retired_in(self._before, plan), now)
        self._results: dict[str, Result] = {}

    async def run(self) -> ApplyReport:
        """
        Carry the plan out as far as can be. Once only.

        Returns:
            What happened to each change. Nothing expected raises: refusals, doubts and a storage that fails are told
            in the report. Cancelling stops at once and leaves what was in flight in doubt; it returns when the storage
            has settled what was written last, so that the caller may unlock.
        """
        async with self._writer:
            await self._keep_books()
            effective = self._plan.effective
            await self._carry_out([change for change in effective if change.action in FIRST])
            rest = [change for change in effective if change.action not in FIRST | BY_BOOKS_ALONE]
            await self._carry_out(sorted(rest, key=lambda change: (change.starts_at, change.address)))
        return self._report()

    async def _keep_books(self) -> None:
        durable = await keep_books(self._plan, self._before, self._books, self._now)
        for change in self._plan.effective:
            if change.action in BY_BOOKS_ALONE:
                is_done = change.address in durable
                outcome, error = (Outcome.DONE, None) if is_done else (Outcome.SKIPPED, self._stop.why)
                self._end(Result(change.address, change.action, outcome, change.id, error))

    async def _carry_out(self, changes: Sequence[Change]) -> None:
        free = asyncio.Semaphore(most_in_flight(self._appends))
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
            result = await self._steps.carry_out(change)
        self._end(result)

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
