"""
The exit codes, and one tree of exceptions.

Findings about files are `Diagnostic` values (findings.py): collected, sorted, raised once. What stops a run is an
exception:

    MsgflashApplyError
    |- InvalidFiles     every diagnostic of every file, in one go
    |- StateError       StateMissing, StateDamaged, StateLocked, StateConflict
    |- PlanError        PlanStale, PlanForOtherEnvironment
    |- ApiError         Unauthorized, QuotaExhausted, NotOnThisPlan, Unreachable
    `- BackendError     the storage said no: names the place, never the credentials; StorageSilent: nothing at all

Expected situations (blocked, failed, in doubt) are values in a plan or a result and never exceptions.
This module imports nothing of ours, so that everything may import it.
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """What a pipeline learns from the process; contract section 9."""

    DONE = 0
    ERROR = 1
    CHANGES = 2
    PERSON_NEEDED = 3


class MsgflashApplyError(Exception):
    """
    Root of the tree: a run that stops, with what to do.

    Args:
        summary: a short fixed sentence.
        detail: what was found and where; may be empty.
        fix: what to do; a command is on a line of its own; may be empty.
    """

    def __init__(self, summary: str, detail: str = "", fix: str = "") -> None:
        super().__init__("\n".join(part for part in (summary, detail, fix) if part))
        self.summary = summary
        self.detail = detail
        self.fix = fix


class StateError(MsgflashApplyError):
    """The record of what was sent cannot be used as it is."""


class StateMissing(StateError):
    """There is no state here. Absent is not empty: nothing may be sent."""


class StateBehind(StateError):
    """The account remembers a later one: an older copy, or one that was read before another run began."""


class StateDamaged(StateError):
    """The state is there and cannot be read, parsed or proven."""


class StateLocked(StateError):
    """Another run holds the lock; says which."""


class StateConflict(StateError):
    """The state changed after it was read: its serial is another one."""


class PlanError(MsgflashApplyError):
    """A plan that may not be applied."""


class PlanStale(PlanError):
    """Something changed after the plan was made, or it is not the plan that was approved."""


class PlanForOtherEnvironment(PlanError):
    """The plan belongs to another environment."""


class ApiError(MsgflashApplyError):
    """MsgFlash said no, or could not be asked."""


class Unauthorized(ApiError):
    """401: the key is missing, invalid or revoked."""


class QuotaExhausted(ApiError):
    """A monthly quota is used up; waiting a second does not help."""


class NotOnThisPlan(ApiError):
    """403: the account's subscription does not include this."""


class Unreachable(ApiError):
    """No usable answer came; names the host."""


class BackendError(MsgflashApplyError):
    """The storage of the state failed."""


class StorageSilent(BackendError):
    """The storage gave no answer in time, and the run ended without."""
