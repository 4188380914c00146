"""
Carry a plan out: write down, send, write down. The careful loop that closes the gap between files and server.

Pauses and retires go first, then what sends, soonest start first (contract section 8). Several requests are in flight,
and one writer owns the journal. The caller holds the lock for as long as this runs.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, Final

from msgflash_apply.api.client import Client
from msgflash_apply.apply.actions import ACTIONS
from msgflash_apply.apply.create import NEVER_LEFT
from msgflash_apply.apply.journal_writer import JournalWriter
from msgflash_apply.apply.marker import MarkerWriter
from msgflash_apply.apply.records import entries_of_all, entries_without_requests, record_before, refusals
from msgflash_apply.apply.result import (
    ApplyReport,
    ChangeEnded,
    ChangeStarted,
    Event,
    Outcome,
    Result,
    TemplateEnded,
    TemplateResult,
    TemplateStarted,
)
from msgflash_apply.apply.run import Run, Templates
from msgflash_apply.apply.stop import Stop
from msgflash_apply.apply.templates import IN_FLIGHT as TEMPLATES_IN_FLIGHT
from msgflash_apply.apply.templates import NOT_MADE, begin, clean_up, make
from msgflash_apply.errors import ApiError
from msgflash_apply.plan.plan import WRITING, Action, Change, Plan, TemplateAction, TemplateChange
from msgflash_apply.state.backends.base import Appends
from msgflash_apply.state.journal import Marked
from msgflash_apply.state.ledger import Ledger
from msgflash_apply.state.replay import Slot

IN_FLIGHT: Final = 16
FIRST: Final = frozenset({Action.PAUSE, Action.RETIRE})
WITHOUT_REQUESTS: Final = frozenset({Action.MOVE, Action.FORGET, Action.ACCEPT})


def most_in_flight(appends: Appends) -> int:
    """
    Say how many changes may be under way at once; after a crash no more creates than these can be in doubt.

    Besides the requests themselves: those whose intents one append carries, and as many again whose outcomes wait for
    the next one.
    """
    return IN_FLIGHT + 2 * (appends.ahead - 1)


async def apply_plan(
    plan: Plan,
    ledger: Ledger,
    client: Client,
    *,
    stop: Stop,
    run_id: str,
    marker: MarkerWriter | None = None,
    on_event: Callable[[Event], None],
    now: Callable[[], datetime],
) -> ApplyReport:
    """
    Carry a plan out as far as can be.

    Args:
        plan: made under the lock that the caller holds.
        ledger: open; its journal takes every step. Nothing else uses it while this runs.
        client: MsgFlash.
        stop: lets a signal end the run early, or at once.
        run_id: the lock's id.
        marker: writes what the account remembers of the state; None for no such thing.
        on_event: receives what starts and what ended; must not block.
        now: the clock.

    Returns:
        What happened to each change. Nothing expected raises: refusals, doubts and a storage that fails are in the
        report. Cancelling stops at once and leaves what was in flight in doubt; it returns when the storage has settled
        what was written last, so that the caller may unlock.
    """
    before = ledger.snapshot
    records = [(change.address, record_before(before, change)) for change in plan.changes]
    effective = plan.effective
    results: dict[str, Result] = {}

    def end(result: Result) -> None:
        results[result.address] = result
        on_event(ChangeEnded(result))

    async with JournalWriter(ledger, stop) as journal:
        run = Run(
            id=run_id,
            client=client,
            journal=journal,
            stop=stop,
            now=now,
            on_event=on_event,
            announcing=asyncio.Semaphore(ledger.appends.ahead),
            retired=frozenset(address for address, record in records if record is not None and record.retired),
            known_ids=dict(before.ids()),
            templates=Templates(dict(before.templates)),
        )
        if first := entries_of_all(plan, before, now()):
            journal.queue(*first)
        entries = entries_without_requests(plan, before, now())
        queued = {address: journal.queue(*wanted) for address, wanted in entries.items()}
        refused = {address for address, written in queued.items() if not await journal.is_durable(written)}
        for change in effective:
            if change.action in WITHOUT_REQUESTS:
                skipped = change.address in refused
                outcome, error = (Outcome.SKIPPED, stop.why) if skipped else (Outcome.DONE, None)
                end(Result(change.address, change.action, outcome, change.id, error))
        room = most_in_flight(ledger.appends)
        of_templates = await begin(run, plan.templates)
        for result in of_templates:
            on_event(TemplateEnded(result))
        await _carry_out(run, [change for change in effective if change.action in FIRST], room, end)
        to_make = [change for change in plan.templates if change.action in WRITING]
        of_templates += await _carry_out_templates(run, to_make, make)
        rest = [change for change in effective if change.action not in FIRST | WITHOUT_REQUESTS]
        if marker is not None and any(change.is_sending for change in rest):
            await _mark(run, marker, campaigns=len(before.campaigns))
        await _carry_out(run, sorted(rest, key=lambda change: (change.starts_at, change.address)), room, end)
        unused = [change for change in plan.templates if change.unused and change.reason is None]
        of_templates += await _carry_out_templates(run, unused, clean_up)
    for change in effective:
        if change.address not in results:
            results[change.address] = _given_up(change, ledger.slot(change.address))
    return ApplyReport(
        environment=plan.environment,
        results=tuple(results[change.address] for change in effective),
        templates=tuple(of_templates),
        blocked=len(plan.blocked) + sum(change.reason is not None for change in plan.templates),
        requests_sent=client.requests_sent,
        stopped=stop.why,
        diagnostics=refusals([(change, results[change.address]) for change in effective]),
        interrupted_by=stop.signal_number,
        is_hurting=plan.is_hurting,
    )


async def _mark(run: Run, marker: MarkerWriter, *, campaigns: int) -> None:
    """Let the account remember that this run begins, once the state knows of it; nothing is created if that fails."""
    while not run.stop.is_set:
        may_leave = run.deadline()
        if not await run.journal.write(Marked(run.id)):
            return
        try:
            if await run.stop.unless_given_up(marker.write(campaigns=campaigns, at=run.now(), may_leave=may_leave)):
                return
        except ApiError as err:
            run.stop.set(f"the account's marker of the state was not written. {err.summary} {err.detail}".strip())


async def _carry_out_templates(
    run: Run,
    changes: Sequence[TemplateChange],
    do: Callable[[Run, TemplateChange], Coroutine[Any, Any, TemplateResult]],
) -> list[TemplateResult]:
    """Do something for templates, some side by side."""
    results: list[TemplateResult] = []

    async def carry_out(change: TemplateChange) -> None:
        result = TemplateResult(change.address, change.action, Outcome.SKIPPED, change.id, run.stop.why)
        if not run.stop.is_set:
            run.on_event(TemplateStarted(change))
            done = await run.stop.unless_given_up(do(run, change))
            result = done or replace(result, outcome=Outcome.FAILED, error="stopped before its outcome was known")
        if result.outcome is not Outcome.DONE and do is make:
            run.templates.failed.setdefault(change.address, result.error or NOT_MADE)
            if change.id is not None and change.action is TemplateAction.UPDATE:
                why = f"its template {change.address} was not changed: {result.error or NOT_MADE}"
                run.templates.stale[change.id] = why
        results.append(result)
        run.on_event(TemplateEnded(result))

    await _side_by_side([partial(carry_out, change) for change in changes], TEMPLATES_IN_FLIGHT)
    return results


async def _side_by_side(work: Iterable[Callable[[], Coroutine[Any, Any, None]]], room: int) -> None:
    """Do some work in its order, so many side by side."""
    free = asyncio.Semaphore(room)
    async with asyncio.TaskGroup() as group:
        for each in work:
            await free.acquire()
            group.create_task(each()).add_done_callback(lambda _task: free.release())


async def _carry_out(run: Run, changes: Sequence[Change], room: int, end: Callable[[Result], None]) -> None:
    """Carry changes out in their order, so many side by side."""

    async def carry_out(change: Change) -> None:
        if (why := run.stop.why if run.stop.is_set else run.templates.held_back(change)) is not None:
            end(Result(change.address, change.action, Outcome.SKIPPED, change.id, why))
            return
        change = run.templates.filled_in(change)
        run.on_event(ChangeStarted(change))
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - for the types
        try:
            with run.stop.at_once(task.cancel):
                end(await ACTIONS[change.action](run, change))
        except asyncio.CancelledError:
            if not run.stop.is_urgent:
                raise

    await _side_by_side([partial(carry_out, change) for change in changes], room)


def _given_up(change: Change, slot: Slot) -> Result:
    """Say how a change ended that was under way when the run was given up: what its journal says."""
    result = partial(Result, change.address, change.action)
    if slot.intent is not None:
        return result(Outcome.IN_DOUBT, change.id, "stopped before its answer came")
    if change.action is Action.CREATE and slot.record is None:
        return result(Outcome.SKIPPED, change.id, NEVER_LEFT)
    return result(Outcome.FAILED, slot.record.id if slot.record else None, "stopped before its outcome was known")
