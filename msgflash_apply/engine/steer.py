"""
Pause and resume: repeatable, because a campaign can be read again in between (contract section 6, reference 10.3).

An answer that never came, or a 400, is settled by reading: "already there" is success.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from msgflash_apply.api.client import Client
from msgflash_apply.api.outcome import Answer, NoReply, Problem, Reply, campaign_in, is_rate_limit, problem_in
from msgflash_apply.campaign import PAUSED_BY_SYSTEM, Status
from msgflash_apply.engine.result import spell_advice
from msgflash_apply.engine.stop import Stop
from msgflash_apply.errors import ApiError

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
