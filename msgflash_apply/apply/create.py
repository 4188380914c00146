"""
One create: intent, effect, outcome; each of them durable before the next.

The order is the guarantee. A crash before the send leaves an open intent for something that never left; a crash after
it leaves one for something that may have arrived. They cannot be distinguished, so both are in doubt and neither is
ever sent again by itself.
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Final

from msgflash_apply.api.client import TOO_LATE as NOT_IN_TIME
from msgflash_apply.api.client import MayLeave
from msgflash_apply.api.outcome import (
    Answer,
    Created,
    CreateOutcome,
    NotCreated,
    Problem,
    Then,
    Unknown,
    classify,
)
from msgflash_apply.apply.result import Outcome, Paused, Result, spell_advice
from msgflash_apply.apply.run import Run
from msgflash_apply.campaign import (
    PAUSABLE,
    SEND_WITHIN,
    TEMPLATE,
    Facts,
    Intent,
    Payload,
    fingerprint,
    plain_id,
)
from msgflash_apply.plan.echo import differences_in_answer, spelled
from msgflash_apply.plan.plan import AttributeDiff, Change
from msgflash_apply.state import journal

CONNECT_ATTEMPTS: Final = 4
MOST_UNKNOWN_IN_A_ROW: Final = 5
"""An outage must not put every campaign of a plan in doubt, one after the other."""

MOST_NAMED: Final = 4
LONGEST_LINE: Final = 160

TOO_LATE: Final = "its start passed while others were sent"
NEVER_LEFT: Final = "stopped before it was sent"


async def create(run: Run, change: Change) -> Result:
    """Create a campaign at most once. Only what provably was not created is tried again."""
    payload = change.after or {}
    facts = Facts(
        payload=payload,
        fingerprint=fingerprint(payload),
        names=change.names,
        file=change.source.file if change.source else "",
        timezone=change.timezone,
        on_remove=change.lifecycle.on_remove,
        labels=change.labels,
        line=change.source.line if change.source else 1,
        seen=change.seen,
    )
    result = partial(Result, change.address, change.action)
    attempt, failures, is_late = 0, 0, False
    while True:
        attempt += 1
        may_leave = await announce(run, change, facts, attempt, has_slot=is_late)
        if isinstance(may_leave, str):
            return result(Outcome.SKIPPED, change.id, may_leave)
        answer = await _send(run, change, payload, may_leave)
        is_late = answer is NOT_IN_TIME
        outcome = _not_taken(run, classify(answer))
        run.unknown_in_a_row = run.unknown_in_a_row + 1 if isinstance(outcome, Unknown) else 0
        if isinstance(outcome, Created):
            status = str(outcome.campaign.get("status") or "scheduled")
            run.known_ids[plain_id(outcome.id)] = change.address
            differing = differences_in_answer(payload, outcome.campaign)
            created = journal.Created(change.address, outcome.id, status, run.now(), _in_short(differing))
            stored = await run.journal.write(created)
            error = None if stored else "created, but its id could not be stored in the state"
            advice = spell_advice(outcome.campaign.get("safety"))
            if not differing:
                return result(Outcome.DONE, outcome.id, error, advice)
            error = "; ".join(filter(None, (error or f"created as {outcome.id}", _contradiction(created.differs))))
            return result(Outcome.FAILED, outcome.id, error, advice, differing, status in PAUSABLE)
        if isinstance(outcome, Unknown):
            if run.unknown_in_a_row >= MOST_UNKNOWN_IN_A_ROW:
                run.stop.set(
                    f"the outcome of the last {run.unknown_in_a_row} creates is unknown; no more are put in doubt"
                )
            return result(Outcome.IN_DOUBT, change.id, outcome.what)
        if outcome.is_rate_limit:
            report_pause(run)
        await run.journal.write(journal.NotCreated(change.address, outcome.what, run.now()))
        failures = 0 if outcome.is_rate_limit else failures + 1
        if not await may_try_again(run, outcome, failures):
            return result(Outcome.FAILED, change.id, outcome.what, refused=_refused(run, payload, outcome.problem))


async def _send(run: Run, change: Change, payload: Payload, may_leave: MayLeave) -> Answer:
    """Send a create that was announced. Where the run is given up before its first byte left, it is closed again."""
    has_left = False

    def leaves() -> bool:
        nonlocal has_left
        has_left = may_leave()
        return has_left

    try:
        return await run.client.create(payload, leaves)
    except asyncio.CancelledError:
        if not has_left:
            await run.journal.write(journal.NotCreated(change.address, NEVER_LEFT, run.now()))
        raise


def _not_taken(run: Run, outcome: CreateOutcome) -> CreateOutcome:
    """Believe no id that is on record: it is not known then whether a campaign was created, and as which one."""
    if not isinstance(outcome, Created):
        return outcome
    identifier = plain_id(outcome.id)
    if (other := run.known_ids.get(identifier)) is not None:
        return Unknown(f"MsgFlash answered with the id {outcome.id}, and that is the campaign {other} on record")
    return outcome


def _refused(run: Run, payload: Payload, problem: Problem | None) -> tuple[tuple[str, str], ...]:
    """Give what is wrong with which field; what this account cannot do is not tried again with another campaign."""
    if problem is not None and problem.is_about_a_feature:
        run.unsupported[_kind(payload)] = str(problem)
    return problem.details if problem is not None else ()


def _kind(payload: Payload) -> str:
    """What an account may lack a feature for: a type of content, or one template, whose type may be any."""
    return str(payload.get("type") or payload.get(TEMPLATE))


def _in_short(differing: Sequence[AttributeDiff]) -> tuple[str, ...]:
    """Say what was sent and what came back, in short; the result has all of it."""
    lines = zip(differing[:MOST_NAMED], spelled(differing), strict=False)
    return tuple(line if len(line) <= LONGEST_LINE else f"{diff.path} differs" for diff, line in lines)


def _contradiction(differs: Sequence[str]) -> str:
    return f"MsgFlash's answer is not what was sent: {'; '.join(differs)}"


async def announce(run: Run, change: Change, facts: Facts, attempt: int, *, has_slot: bool) -> MayLeave | str:
    """
    Make the intent durable, then wait for its slot.

    Several creates do so side by side: their intents share an append, and its latency passes while others wait for
    their slots. What was announced and provably did not leave is closed again.

    Args:
        run: of the plan.
        change: a create or replace.
        facts: what is sent.
        attempt: from 1.
        has_slot: it waited for its slot before, for too long to be sent. Waiting again could take as long again.

    Returns:
        Until when to send it now; or why nothing may be sent.
    """
    async with run.announcing:
        if (why := _held_back(run, change)) is not None:
            return why
        # Read before the intent is written, and before the clock: nothing is sent later than the intent says.
        may_leave, now = run.deadline(), run.now()
        intent = Intent(run.id, attempt, now, facts, now + SEND_WITHIN)
        announced = run.journal.queue(journal.Intended(change.address, intent))
        held_back: str | None = NEVER_LEFT
        try:
            if await run.journal.is_durable(announced) and not has_slot:
                await wait_for_slot(run)
            held_back = _held_back(run, change)
        except asyncio.CancelledError:
            run.journal.flush()
            raise
        finally:
            # Also where the run is cancelled here: nothing left, so nothing may stay in doubt.
            if held_back is not None and await run.journal.is_durable(announced):
                await run.journal.write(journal.NotCreated(change.address, held_back, run.now()))
        return held_back or may_leave


def _held_back(run: Run, change: Change) -> str | None:
    """Why a create may not be sent now; None if it may."""
    if run.stop.is_set:
        return run.stop.why
    if (said := run.unsupported.get(_kind(change.after or {}))) is not None:
        return f"not tried, since another one like it was refused: {said}"
    return TOO_LATE if change.starts_at <= run.now() else None


async def wait_for_slot(run: Run) -> None:
    """Wait for the limiter's slot or the stop, whichever is first."""
    slot = asyncio.ensure_future(run.client.limiter.acquire())
    stopped = asyncio.ensure_future(run.stop.wait())
    try:
        await asyncio.wait({slot, stopped}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        slot.cancel()
        stopped.cancel()


def report_pause(run: Run) -> None:
    """Report how long every request waits. A rate limit ends a run only if it never ceases."""
    seconds = run.client.limiter.pause_seconds
    if run.pause_reports.is_news(seconds, asyncio.get_running_loop().time()):
        run.on_event(Paused(seconds))
    if run.client.limiter.is_hopeless:
        run.stop.set("MsgFlash refuses every request for the rate of this key, whatever the pace")


async def may_try_again(run: Run, outcome: NotCreated, failures: int) -> bool:
    """
    Whether a create that provably did not happen is sent again; waits before it, and stops the run for the rest.

    One that came too late is. It is announced first, which only a run can that no other one has taken over from.
    """
    if outcome.then is Then.STOP:
        run.stop.set(outcome.what)
    if outcome.then is not Then.RETRY:
        return False
    if outcome.is_rate_limit:
        return True  # the limiter makes it wait
    if failures >= CONNECT_ATTEMPTS:
        # The host is away, or storage or network take half a minute: every other create would fail the same way.
        run.stop.set(outcome.what)
        return False
    await run.client.back_off(failures)
    return True
