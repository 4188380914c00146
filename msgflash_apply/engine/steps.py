"""How each action that needs requests is carried out; one method each, from a change to its result."""

import dataclasses
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from msgflash_apply.api.client import Client
from msgflash_apply.campaign import TERMINAL, Address, Status
from msgflash_apply.engine.books import Books
from msgflash_apply.engine.create import Sender
from msgflash_apply.engine.plan import Action, Change
from msgflash_apply.engine.result import Outcome, Result
from msgflash_apply.engine.steer import Steered, pause, resume
from msgflash_apply.engine.stop import Stop
from msgflash_apply.errors import ApiError
from msgflash_apply.state.journal import Entry, Observed, Restored, Retired


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
