"""The account's marker of the state during one apply: written before the first create, and after the last."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from msgflash_apply.api.client import READ_ATTEMPTS, TOO_LATE, TRANSIENT_STATUSES, Client, MayLeave, always, failure
from msgflash_apply.api.outcome import NoReply, Reply, is_rate_limit, object_in, problem_in
from msgflash_apply.campaign import Content
from msgflash_apply.errors import ApiError
from msgflash_apply.findings import Code, Diagnostic, Severity
from msgflash_apply.plan.marker import Marker
from msgflash_apply.state.backends.base import Holder
from msgflash_apply.state.snapshot import Snapshot

REFUSALS: Final = frozenset({402, 403, 409, 422, 429})
"""Statuses with which MsgFlash may say that this account can have no such template."""

END_HINT: Final = "that this run began is remembered, which suffices; the next apply brings it up to date"


@dataclass(slots=True)
class MarkerWriter:
    """
    Writes the marker of one run.

    Attributes:
        client: MsgFlash.
        marker: as it was found, or a new one; with this run, and the serial that is written next.
        by: who runs this, for people.
        is_written: whether the account has this run's marker.
        findings: why the account has not what it should have, and the run goes on.
    """

    client: Client
    marker: Marker
    by: str
    is_written: bool = False
    findings: tuple[Diagnostic, ...] = ()

    async def end(self, snapshot: Snapshot, at: datetime) -> None:
        """Let the account remember the serial with which the run ended; that it began is enough to go on from."""
        self.marker = replace(self.marker, serial=snapshot.serial)
        try:
            await self.write(campaigns=len(snapshot.campaigns), at=at)
        except ApiError as err:
            message, hint = f"the account's marker of the state was not brought up to date: {err.detail}", END_HINT
            self.findings = (Diagnostic(Severity.WARNING, Code.MARKER_REFUSED, message, hint),)

    async def write(self, *, campaigns: int, at: datetime, may_leave: MayLeave = always) -> bool:
        """
        Make the account's marker say what `marker` says.

        Args:
            campaigns: that the state has.
            at: now.
            may_leave: as for `Client.create`.

        Returns:
            False where it may not leave any more, and nothing was sent. True where it is written, or refused for good.

        Raises:
            ApiError: whether it is written is not known.
        """
        content = Content("text", self.marker.body(campaigns=campaigns, by=self.by, at=at))
        attempt = 0
        while True:
            known = self.marker.id
            await self.client.limiter.acquire()
            if known is None:
                method, path = "POST", "/api/v1/templates"
                answer = await self.client.create_template(self.marker.name, content, may_leave)
            else:
                method, path = "PUT", f"/api/v1/templates/{known}"
                answer = await self.client.update_template(known, self.marker.name, content, may_leave)
            if answer is TOO_LATE:
                return False
            if is_rate_limit(answer) and not self.client.limiter.is_hopeless:
                continue
            if isinstance(answer, Reply) and answer.status in {200, 201} and (made := object_in(answer)) is not None:
                self.marker, self.is_written = replace(self.marker, id=str(made["id"])), True
                return True
            problem = problem_in(answer) if isinstance(answer, Reply) else None
            if problem is not None and problem.is_absence and known is not None:
                self.marker = replace(self.marker, id=None)  # deleted since the plan
                continue
            if problem is not None and problem.status in REFUSALS:
                message = f"MsgFlash refused the marker of this state: {problem}"
                hint = "an old copy of the state is not recognised now; `policy.account_marker: false` does without it"
                self.findings = (Diagnostic(Severity.WARNING, Code.MARKER_REFUSED, message, hint),)
                return True
            attempt += 1
            # What was sent and not answered may have made one; the next run finds it.
            is_harmless = known is not None or (isinstance(answer, NoReply) and not answer.sent)
            may_pass = isinstance(answer, NoReply) or answer.status in TRANSIENT_STATUSES
            if attempt == READ_ATTEMPTS or not (is_harmless and may_pass):
                raise failure(self.client.access, path, answer, method=method)
            await self.client.back_off(attempt)


def marker_writer(marker: Marker | None, holder: Holder, snapshot: Snapshot, client: Client) -> MarkerWriter | None:
    """Fill in the marker of a plan for the run that carries it out; None where there is none to write."""
    if marker is None:
        return None
    begun = replace(marker, serial=snapshot.serial, run=holder.lock_id)
    return MarkerWriter(client, begun, f"{holder.who} on {holder.host}")
