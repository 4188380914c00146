"""
What an answer to a create proves: the campaign was created, was not created, or it is unknown.

This is the module that keeps one campaign from becoming two. There is no idempotency key and no list (reference 10.1),
so only a proof may lead to sending again: what is not proven is `Unknown` and stays in doubt.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from msgflash_apply.campaign import JsonObject

RATE_LIMITED = "API_RATE_LIMIT_EXCEEDED"
UNSUPPORTED_FEATURE = "UNSUPPORTED_FEATURE"
MONTHLY_QUOTAS = frozenset({"MONTHLY_API_REQUEST_QUOTA_EXCEEDED", "MONTHLY_OUTBOUND_QUOTA_EXCEEDED"})
REFUSING = frozenset({400, 401, 403, 404, 413, 422, 429})
"""Statuses that prove, with MsgFlash's error envelope, that nothing was created; 408, 409, 499 and others may follow a
create that went through (contract section 6)."""

ACCOUNT_GATES = frozenset(
    {
        "CAMPAIGNS_NOT_AVAILABLE_ON_PLAN",
        "FEATURE_NOT_AVAILABLE_ON_PLAN",
        "SUBSCRIPTION_INACTIVE",
        "TEAM_ACCESS_DENIED",
        "TEAM_FEATURE_UNAVAILABLE",
        "TEAM_KEY_NOT_ALLOWED",
        "TEAM_KEY_REQUIRED",
    }
)


@dataclass(frozen=True, slots=True)
class Reply:
    """
    A complete HTTP answer.

    Attributes:
        status: the HTTP status.
        body: the decoded JSON; None where it was not JSON.
        retry_after_seconds: from the header, where it was a number.
    """

    status: int
    body: object
    retry_after_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class NoReply:
    """
    No complete answer came.

    Attributes:
        sent: False only if it is certain that no byte of the request left: no connection was made.
        what: what happened, for people.
    """

    sent: bool
    what: str


Answer: TypeAlias = Reply | NoReply


class Then(StrEnum):
    """What a refusal means for the rest of the run."""

    RETRY = "retry"
    FAIL = "fail"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Created:
    """The campaign exists; `campaign` is the object that MsgFlash returned."""

    id: str
    campaign: JsonObject


@dataclass(frozen=True, slots=True)
class NotCreated:
    """
    It is certain that nothing was created.

    Attributes:
        what: why, for people.
        then: send it again, give up on this one, or stop the run.
        is_rate_limit: every request of the process waits, not just this one; see `Limiter`.
        problem: what MsgFlash said; None where it said nothing.
    """

    what: str
    then: Then
    is_rate_limit: bool = False
    problem: "Problem | None" = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """It cannot be known whether the campaign exists; `what` says what was seen."""

    what: str


CreateOutcome: TypeAlias = Created | NotCreated | Unknown


def classify(answer: Answer) -> CreateOutcome:
    """
    Say whether a create reached MsgFlash.

    Never guesses: what cannot be proven either way is Unknown, and stays in doubt.

    Args:
        answer: the complete reply, or how far the request got without one.

    Returns:
        Created with an id; NotCreated if no byte was sent or one of `REFUSING` with the envelope says no; else Unknown.

    Source: contract section 6; reference 2.4, 2.7 and 10.1.
    """
    if isinstance(answer, NoReply):
        return Unknown(answer.what) if answer.sent else NotCreated(answer.what, Then.RETRY)
    campaign, problem = object_in(answer), problem_in(answer)
    if answer.status == 201 and campaign is not None:
        return Created(str(campaign["id"]), campaign)
    if problem is not None and answer.status in REFUSING:
        if problem.is_rate_limit:
            return NotCreated(str(problem), Then.RETRY, is_rate_limit=True)
        return NotCreated(str(problem), Then.STOP if problem.stops_the_run else Then.FAIL, problem=problem)
    if problem is not None:
        return Unknown(str(problem))
    if campaign is not None:
        return Unknown(f"answer {answer.status} where 201 was expected; it names {campaign['id']}")
    return Unknown(f"answer {answer.status} without an id or an error code")


@dataclass(frozen=True, slots=True)
class Problem:
    """
    The error envelope of an answer (reference 2.4).

    Attributes:
        status: the HTTP status.
        code: MsgFlash's, stable.
        message: for people, with the details in it.
        details: what is wrong with which field, as far as items name one (their shape is not documented).
    """

    status: int
    code: str
    message: str
    details: tuple[tuple[str, str], ...] = ()

    @property
    def is_about_a_feature(self) -> bool:
        """Whether the account lacks what this kind of content needs, such as buttons (reference 5.5)."""
        return self.code == UNSUPPORTED_FEATURE

    @property
    def stops_the_run(self) -> bool:
        """Whether every further request would fare the same: key, plan or monthly quota."""
        return self.status == 401 or self.code in MONTHLY_QUOTAS or self.code in ACCOUNT_GATES

    @property
    def is_rate_limit(self) -> bool:
        """Whether patience helps; branch on the code, never on 429 alone (reference 2.6)."""
        return self.status == 429 and self.code == RATE_LIMITED

    @property
    def is_absence(self) -> bool:
        """Whether MsgFlash says that there is no such thing; a web page or another 404 (`TEAM_NOT_FOUND`) does not."""
        return self.status == 404 and self.code == "NOT_FOUND"

    def __str__(self) -> str:
        return f"{self.status} {self.code}: {self.message}"


def problem_in(reply: Reply) -> Problem | None:
    """Read the error envelope; None where the body is none."""
    error = reply.body.get("error") if isinstance(reply.body, Mapping) else None
    if not isinstance(error, Mapping) or not isinstance(code := error.get("code"), str):
        return None
    message = str(error.get("message", "")) or "no message"
    details = error.get("details")
    if details:
        message = f"{message} ({details})"
    items = [item for item in details if isinstance(item, Mapping)] if isinstance(details, list) else []
    named = ((item.get("path", item.get("field")), item.get("message")) for item in items)
    about = tuple((path, said) for path, said in named if isinstance(path, str) and isinstance(said, str))
    return Problem(reply.status, code, message, about)


def is_rate_limit(answer: Answer) -> bool:
    """Whether MsgFlash refused a request for its rate and nothing else."""
    problem = problem_in(answer) if isinstance(answer, Reply) else None
    return problem is not None and problem.is_rate_limit


def data_in(reply: Reply) -> object:
    """Unwrap `data`, and the doubled `data.data` that some clients of MsgFlash tolerate (reference 2.4)."""
    data = reply.body.get("data") if isinstance(reply.body, Mapping) else None
    if isinstance(data, Mapping) and set(data) == {"data"}:
        return data["data"]
    return data


def object_in(reply: Reply) -> JsonObject | None:
    """Read a campaign, or another object that has an id; None where there is none."""
    data = data_in(reply)
    if isinstance(data, Mapping) and isinstance(identifier := data.get("id"), str) and identifier.strip():
        return data
    return None
