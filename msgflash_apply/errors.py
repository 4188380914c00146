"""
Everything that can be wrong, as values and as one tree of exceptions.

Findings about files are `Diagnostic` values: collected, sorted, raised once. What stops a run is an exception:

    MsgflashApplyError
    |- InvalidFiles     every diagnostic of every file, in one go
    |- StateError       StateMissing, StateDamaged, StateLocked, StateConflict
    |- PlanError        PlanStale, PlanForOtherEnvironment
    |- ApiError         Unauthorized, QuotaExhausted, NotOnThisPlan, Unreachable
    `- BackendError     the storage said no: names the place, never the credentials

Expected situations (blocked, failed, in doubt) are values in a plan or a result and never exceptions.
This module imports nothing of ours, so that everything may import it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum, StrEnum


class ExitCode(IntEnum):
    """What a pipeline learns from the process; contract section 9."""

    DONE = 0
    ERROR = 1
    CHANGES = 2
    PERSON_NEEDED = 3


class Severity(StrEnum):
    """How bad a diagnostic is: an error stops the run, a warning is shown."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """
    One finding about one place.

    Attributes:
        severity: error or warning.
        code: stable, `MF` and three digits; listed in `Code`.
        message: what is wrong, as one sentence without a full stop.
        hint: what to write instead, or None.
        file: path relative to the repo, with forward slashes; None when the finding is about no file.
        line: from 1; None when unknown.
        column: from 1, in characters; None when unknown.
        address: the campaign concerned; None when it has none yet.
    """

    severity: Severity
    code: str
    message: str
    hint: str | None = None
    file: str | None = None
    line: int | None = None
    column: int | None = None
    address: str | None = None

    @property
    def is_error(self) -> bool:
        """Whether this finding stops the run."""
        return self.severity is Severity.ERROR

    def sort_key(self) -> tuple[str, int, int, str, str]:
        """Order by place, so that output never depends on the order of reading."""
        return (self.file or "", self.line or 0, self.column or 0, self.code, self.message)


def in_order(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Sort by place and drop exact repeats."""
    return tuple(sorted(dict.fromkeys(diagnostics), key=Diagnostic.sort_key))


class MsgflashApplyError(Exception):
    """
    Root of the tree: a run that stops, with what to do.

    Args:
        summary: a short fixed sentence.
        detail: what was found and where; may be empty.
        fix: what to do; a command stands on a line of its own; may be empty.
    """

    def __init__(self, summary: str, detail: str = "", fix: str = "") -> None:
        super().__init__("\n".join(part for part in (summary, detail, fix) if part))
        self.summary = summary
        self.detail = detail
        self.fix = fix


class InvalidFiles(MsgflashApplyError):
    """The files hold mistakes; carries every diagnostic, warnings included."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = in_order(diagnostics)
        count = sum(d.is_error for d in self.diagnostics)
        super().__init__(f"{count} {'mistake' if count == 1 else 'mistakes'} in the files.")


class StateError(MsgflashApplyError):
    """The record of what was sent can not be used as it is."""


class StateMissing(StateError):
    """There is no state here. Absent is not empty: nothing may be sent."""


class StateDamaged(StateError):
    """The state is there and can not be read, parsed or proven."""


class StateLocked(StateError):
    """Somebody else holds the lock; says who."""


class StateConflict(StateError):
    """The state moved on under us: the serial is not the one that was read."""


class PlanError(MsgflashApplyError):
    """A plan that may not be applied."""


class PlanStale(PlanError):
    """The world moved on since the plan was made, or it is not the plan that was approved."""


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
