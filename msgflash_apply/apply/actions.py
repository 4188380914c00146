"""
Pause and resume: repeatable, because a campaign can be read again in between (contract section 6, reference 10.3).

An answer that never came, or a 400, is settled by reading: "already there" is success.

How each action that needs requests is carried out; one method each, from a change to its result.
"""

import dataclasses
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from msgflash_apply.api.client import Client
from msgflash_apply.api.outcome import Answer, NoReply, Problem, Reply, campaign_in, is_rate_limit, problem_in
from msgflash_apply.apply.create import Sender
from msgflash_apply.apply.journal_writer import Books
from msgflash_apply.apply.result import Outcome, Result, spell_advice
from msgflash_apply.apply.stop import Stop
from msgflash_apply.campaign import PAUSED_BY_SYSTEM, TERMINAL, Address, Status
from msgflash_apply.errors import ApiError
from msgflash_apply.plan.plan import Action, Change
from msgflash_apply.state.journal import Entry, Observed, Restored, Retired

ATTEMPTS = 4

AFTER_PAUSE = frozenset({Status.PAUSED}) | PAUSED_BY_SYSTEM

AFTER_RESUME = frozenset({Status.RUNNING, Status.SCHEDULED})


@dataclass(frozen=True, slots=True)
class Steered:
    """
    Where a pause or resume led.

    Attributes:
        status: of the campaign, as last told; None where nothing could be learnt.
        problem: why it is not where it should be; None when it is.
        advice: MsgFlash's on a resume; see `spell_advice`.
    """

    status: str | None
    problem: str | None = None
    advice: str | None = None


async def pause(client: Client, identifier: str, stop: Stop) -> Steered:
    """Pause a campaign, or find it paused."""
    return await _steer(client, identifier, client.pause, AFTER_PAUSE, stop)


async def resume(client: Client, identifier: str, stop: Stop) -> Steered:
    """Resume a campaign, or find it resumed. One whose start is ahead is `scheduled` again (reference 10.3)."""
    return await _steer(client, identifier, client.resume, AFTER_RESUME, stop)


async def _steer(
    client: Client,
    identifier: str,
    send: Callable[[str], Awaitable[Answer]],
    goal: frozenset[Status],
    stop: Stop,
) -> Steered:
    attempt = 0
    while True:
        answer = await send(identifier)
        if is_rate_limit(answer) and not client.limiter.is_hopeless:
            continue  # no attempt: the limiter waits as long as MsgFlash wants
        attempt += 1
        campaign = campaign_in(answer) if isinstance(answer, Reply) and answer.status == 200 else None
        if campaign is not None and str(campaign.get("status")) in goal:
            return Steered(str(campaign["status"]), advice=spell_advice(campaign.get("safety")))
        problem = problem_in(answer) if isinstance(answer, Reply) else None
        told = _told(answer, problem)
        if problem is not None and problem.stops_the_run:
            stop.set(told)
            return Steered(None, told)
        refused = problem is not None and problem.status < 500
        settled = await _settle(client, identifier, goal, told, may_try_again=not refused)
        if settled is not None:
            return settled
        if attempt == ATTEMPTS:
            return Steered(None, told)
        await client.back_off(attempt)


async def _settle(
    client: Client, identifier: str, goal: frozenset[Status], told: str, *, may_try_again: bool
) -> Steered | None:
    """Read the campaign; None when it is where it was and another attempt may help."""
    try:
        remote = await client.campaign(identifier)
    except ApiError as err:
        return Steered(None, f"{told}; and it could not be read again: {err.detail or err.summary}")
    if remote is None:
        return Steered(None, "it is gone on MsgFlash")
    if remote.status in goal:
        return Steered(remote.status)
    if remote.status in AFTER_PAUSE | AFTER_RESUME and may_try_again:
        return None
    return Steered(remote.status, f"it is {remote.status} ({told})")


def _told(answer: Answer, problem: Problem | None) -> str:
    if isinstance(answer, NoReply):
        return answer.what
    return str(problem) if problem is not None else f"{answer.status} without an error code"


@dataclass(frozen=True, slots=True)
class Steps:
    """
    What every step of a run shares.

    Attributes:
        client: MsgFlash.
        books: the journal of the run.
        stop: set by a refusal that all share.
        sender: for what is created.
        retired: the addresses whose record is a retired one.
        now: the clock.
    """

    client: Client
    books: Books
    stop: Stop
    sender: Sender
    retired: Collection[Address]
    now: Callable[[], datetime]

    async def carry_out(self, change: Change) -> Result:
        """Carry one change out; what can be expected to go wrong is told in the result. Other actions: KeyError."""
        steps: Mapping[Action, Callable[[Change], Awaitable[Result]]] = {
            Action.CREATE: self._create,
            Action.REPLACE: self._replace,
            Action.PAUSE: self._pause,
            Action.RETIRE: self._retire,
            Action.RESUME: self._resume,
        }
        return await steps[change.action](change)

    async def _create(self, change: Change) -> Result:
        created = await self.sender.create(change)
        if not change.pause_after or created.outcome is not Outcome.DONE or created.id is None:
            return created
        steered = await pause(self.client, created.id, self.stop)
        if steered.status is not None:
            await self.books.write(Observed(change.address, steered.status, self.now()))
        if steered.problem is None:
            return created
        error = f"created, but not paused: {steered.problem}"
        return Result(change.address, change.action, Outcome.FAILED, created.id, error, created.advice)

    async def _replace(self, change: Change) -> Result:
        """Pause the old one, make sure that nobody was sent anything, and only then create the new one."""
        failed = partial(Result, change.address, change.action, Outcome.FAILED, change.id)
        if change.status != Status.PAUSED:
            steered = await pause(self.client, change.id or "", self.stop)
            if steered.problem is not None:
                return failed(f"the former one was not paused: {steered.problem}")
        try:
            former = await self.client.campaign(change.id or "")
        except ApiError as err:
            return failed(f"the former one could not be read: {err.detail or err.summary}")
        if former is None:
            return failed("the former one is gone on MsgFlash, and nobody can say whether it sent anything")
        await self.books.write(Observed(change.address, former.status, self.now()))
        if former.status != Status.PAUSED or former.has_sent:
            return failed(f"the former one is {former.status} and may have sent something; the new one was not created")
        result = await self._create(change)
        if result.id != change.id:
            return result
        return dataclasses.replace(result, error=f"{result.error}; the former one, {change.id}, stays paused")

    async def _retire(self, change: Change) -> Result:
        steered = Steered(Status.PAUSED)
        if change.status != Status.PAUSED:
            steered = await pause(self.client, change.id or "", self.stop)
        if steered.problem is not None and steered.status in TERMINAL:
            # It ended while we came to stop it: nothing more will be sent, and the next plan forgets it.
            return await self._ended(change, Observed(change.address, str(steered.status), self.now()))
        if steered.problem is not None:
            return await self._not_steered(change, steered)
        return await self._ended(change, Retired(change.address, self.now(), str(steered.status)))

    async def _pause(self, change: Change) -> Result:
        steered = await pause(self.client, change.id or "", self.stop)
        if steered.problem is not None:
            return await self._not_steered(change, steered)
        return await self._ended(change, Observed(change.address, str(steered.status), self.now()))

    async def _resume(self, change: Change) -> Result:
        steered = await resume(self.client, change.id or "", self.stop)
        if steered.problem is not None:
            return await self._not_steered(change, steered)
        address, status = change.address, str(steered.status)
        is_back = address in self.retired
        entry = Restored(address, self.now(), status) if is_back else Observed(address, status, self.now())
        return await self._ended(change, entry, steered)

    async def _not_steered(self, change: Change, steered: Steered) -> Result:
        if steered.status is not None:
            await self.books.write(Observed(change.address, steered.status, self.now()))
        return Result(change.address, change.action, Outcome.FAILED, change.id, steered.problem)

    async def _ended(self, change: Change, entry: Entry, steered: Steered | None = None) -> Result:
        await self.books.write(entry)
        advice = steered.advice if steered is not None else None
        return Result(change.address, change.action, Outcome.DONE, change.id, advice=advice)
