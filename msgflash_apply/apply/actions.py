"""
Each action that needs requests: from a change to its result.

Pause and resume can be repeated, because a campaign can be read again in between (contract section 6, reference 10.3):
an answer that never came, or a 400, is settled by reading, and "already there" is success.
"""

import dataclasses
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal, TypeAlias

from msgflash_apply.api.client import TOO_LATE, MayLeave
from msgflash_apply.api.outcome import Answer, NoReply, Reply, is_rate_limit, object_in, problem_in
from msgflash_apply.apply.create import create, wait_for_slot
from msgflash_apply.apply.result import Outcome, Result, spell_advice
from msgflash_apply.apply.run import Run
from msgflash_apply.campaign import PAUSED_BY_SYSTEM, TERMINAL, Status
from msgflash_apply.errors import ApiError
from msgflash_apply.plan.plan import Action, Change
from msgflash_apply.state.journal import Announced, Entry, Observed, Restored, Retired

PAUSE_ATTEMPTS: Final = 4
AFTER_PAUSE: Final = frozenset({Status.PAUSED}) | PAUSED_BY_SYSTEM
AFTER_RESUME: Final = frozenset({Status.RUNNING, Status.SCHEDULED})


@dataclass(frozen=True, slots=True)
class Settled:
    """
    Where a pause or resume led.

    Attributes:
        status: of the campaign, as last read; None where it could not be read.
        problem: why it is not where it should be; None when it is.
        is_sent: False where nothing was sent, since it could not be written ahead or the run stops.
        advice: MsgFlash's on a resume; see `spell_advice`.
    """

    status: str | None
    problem: str | None = None
    advice: str | None = None
    is_sent: bool = True


async def create_campaign(run: Run, change: Change) -> Result:
    """Create, and pause at once where the file says `paused: true`."""
    created = await create(run, change)
    # One that was created otherwise than it was sent is paused all the more.
    is_there = created.outcome is Outcome.DONE or bool(created.differences)
    if not change.pause_after or not is_there or created.id is None:
        return created
    settled = await pause(run, dataclasses.replace(change, id=created.id), "pause", is_second_half=True)
    if settled.status is not None:
        await run.journal.write(Observed(change.address, settled.status, run.now()))
    if settled.problem is None:
        error = f"{created.error}; it is paused, as its file says" if created.differences else created.error
        return dataclasses.replace(created, error=error, is_stoppable=False)
    error = "; ".join(filter(None, (f"created, but not paused: {settled.problem}", created.error)))
    return dataclasses.replace(created, outcome=Outcome.FAILED, error=error)


async def replace_campaign(run: Run, change: Change) -> Result:
    """Pause the old one, make sure that it sent nothing, and only then create the new one."""
    failed = partial(Result, change.address, change.action, Outcome.FAILED, change.id)
    if change.status != Status.PAUSED:
        settled = await pause(run, change, "replace")
        if settled.problem is not None:
            return failed(f"the former one was not paused: {settled.problem}")
    try:
        former = await run.client.campaign(change.id or "")
    except ApiError as err:
        return failed(f"the former one could not be read: {err.detail or err.summary}")
    if former is None:
        return failed("the former one is gone on MsgFlash, and whether it sent anything cannot be known")
    await run.journal.write(Observed(change.address, former.status, run.now()))
    if former.status != Status.PAUSED or former.has_sent:
        return failed(f"the former one is {former.status} and may have sent something; the new one was not created")
    result = await create_campaign(run, change)
    if result.id != change.id:
        return result
    return dataclasses.replace(result, error=f"{result.error}; the former one, {change.id}, stays paused")


async def retire_campaign(run: Run, change: Change) -> Result:
    """Pause for good; one that ended meanwhile sends nothing more, and the next plan forgets it."""
    settled = Settled(Status.PAUSED)
    if change.status != Status.PAUSED:
        settled = await pause(run, change, "retire")
    if settled.problem is not None and settled.status in TERMINAL:
        return await done(run, change, Observed(change.address, str(settled.status), run.now()))
    if settled.problem is not None:
        return await not_settled(run, change, settled)
    return await done(run, change, Retired(change.address, run.now(), str(settled.status)))


async def pause_campaign(run: Run, change: Change) -> Result:
    """Pause, and record the status."""
    settled = await pause(run, change, "pause")
    if settled.problem is not None:
        return await not_settled(run, change, settled)
    return await done(run, change, Observed(change.address, str(settled.status), run.now()))


async def resume_campaign(run: Run, change: Change) -> Result:
    """Resume, and record the status; a retired one is managed again."""
    settled = await resume(run, change)
    if settled.problem is not None:
        return await not_settled(run, change, settled)
    address, status = change.address, str(settled.status)
    is_back = address in run.retired
    entry = Restored(address, run.now(), status) if is_back else Observed(address, status, run.now())
    return await done(run, change, entry, settled.advice)


ACTIONS: Final[Mapping[Action, Callable[[Run, Change], Awaitable[Result]]]] = {
    Action.CREATE: create_campaign,
    Action.REPLACE: replace_campaign,
    Action.PAUSE: pause_campaign,
    Action.RETIRE: retire_campaign,
    Action.RESUME: resume_campaign,
}
"""How each is carried out. What can be expected to go wrong is reported in the result."""


async def not_settled(run: Run, change: Change, settled: Settled) -> Result:
    """Record what was read of a campaign that could not be paused or resumed."""
    if settled.status is not None:
        await run.journal.write(Observed(change.address, settled.status, run.now()))
    outcome = Outcome.FAILED if settled.is_sent else Outcome.SKIPPED
    return Result(change.address, change.action, outcome, change.id, settled.problem)


async def done(run: Run, change: Change, entry: Entry, advice: str | None = None) -> Result:
    """Make the outcome durable, then report it."""
    await run.journal.write(entry)
    return Result(change.address, change.action, Outcome.DONE, change.id, advice=advice)


Effect: TypeAlias = Literal["pause", "resume", "retire", "replace"]


async def pause(run: Run, change: Change, effect: Effect, *, is_second_half: bool = False) -> Settled:
    """Pause a campaign for a reason, or find it paused; a run that stops still does it where it is half of a change."""
    return await _settle(run, change, effect, run.client.pause, AFTER_PAUSE, is_second_half=is_second_half)


async def resume(run: Run, change: Change) -> Settled:
    """Resume a campaign, or find it resumed. One whose start is ahead is `scheduled` again (reference 10.3)."""
    return await _settle(run, change, "resume", run.client.resume, AFTER_RESUME)


async def _settle(
    run: Run,
    change: Change,
    effect: Effect,
    send: Callable[[str, MayLeave], Awaitable[Answer]],
    goal: frozenset[Status],
    *,
    is_second_half: bool = False,
) -> Settled:
    """Send until the campaign is where it should be, or why it is not is known."""
    attempt, identifier = 0, change.id or ""
    while True:
        answer = await _announced(run, change, effect, partial(send, identifier), is_second_half=is_second_half)
        if isinstance(answer, Settled):
            return dataclasses.replace(answer, is_sent=attempt > 0)
        if is_rate_limit(answer) and not run.client.limiter.is_hopeless:
            continue  # no attempt: the limiter waits as long as MsgFlash wants
        attempt += 1
        campaign = object_in(answer) if isinstance(answer, Reply) and answer.status == 200 else None
        if campaign is not None and str(campaign.get("status")) in goal:
            return Settled(str(campaign["status"]), advice=spell_advice(campaign.get("safety")))
        settled = await _look_again(run, identifier, answer, goal, is_last=attempt == PAUSE_ATTEMPTS)
        if settled is not None:
            return settled
        await run.client.back_off(attempt)


async def _announced(
    run: Run, change: Change, effect: Effect, send: Callable[[MayLeave], Awaitable[Answer]], *, is_second_half: bool
) -> Answer | Settled:
    """
    Write ahead, wait for a slot and send; again where all that took longer than an announcement holds.

    So the status is known to be unknown whatever happens then, and a run that slept finds out that another one has
    taken over.

    Returns:
        The answer; or why nothing was sent.
    """
    for late in range(PAUSE_ATTEMPTS):
        may_leave = run.deadline()
        if not await run.journal.write(Announced(change.address, effect, run.now())):
            return Settled(None, run.stop.why)
        if not late:  # Later it has its slot: waiting again could take as long again.
            await (run.client.limiter.acquire() if is_second_half else wait_for_slot(run))
        if run.stop.is_set and not is_second_half:
            return Settled(None, run.stop.why)
        answer = await send(may_leave)
        if answer is not TOO_LATE:
            return answer
    return Settled(None, TOO_LATE.what)


async def _look_again(
    run: Run, identifier: str, answer: Answer, goal: frozenset[Status], *, is_last: bool
) -> Settled | None:
    """Read the campaign after an answer that did not settle it; None where the same may be sent again."""
    problem = problem_in(answer) if isinstance(answer, Reply) else None
    why = answer.what if isinstance(answer, NoReply) else str(problem or f"{answer.status} without an error code")
    if problem is not None and problem.stops_the_run:
        run.stop.set(why)
        return Settled(None, why)
    try:
        remote = await run.client.campaign(identifier)
    except ApiError as err:
        return Settled(None, f"{why}; and it could not be read again: {err.detail or err.summary}")
    if remote is None:
        return Settled(None, "it is gone on MsgFlash")
    if remote.status in goal:
        return Settled(remote.status)
    was_refused = problem is not None and problem.status < 500
    if was_refused or remote.status not in AFTER_PAUSE | AFTER_RESUME:
        return Settled(remote.status, f"it is {remote.status} ({why})")
    return Settled(None, why) if is_last else None
