"""
What an apply did, as values: a `Result` per change, a `TemplateResult` per template, the `ApplyReport` of the run.

Events tell the same story while it happens; the command line draws progress from them.
"""

import json
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from msgflash_apply.campaign import Address, JsonObject
from msgflash_apply.errors import ExitCode
from msgflash_apply.findings import Diagnostic
from msgflash_apply.plan.plan import Action, AttributeDiff, Change, TemplateAction, TemplateChange


class Outcome(StrEnum):
    """How one change ended."""

    DONE = "done"
    FAILED = "failed"
    IN_DOUBT = "in-doubt"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Result:
    """
    How one change ended.

    Attributes:
        address: the campaign.
        action: what was to be done.
        outcome: how it ended; `skipped` means that nothing was sent for it.
        id: the campaign's id after the change, where it has one.
        error: what went wrong, for people; None when done.
        advice: what MsgFlash advised on a create or resume, by `spell_advice`; None when it gave none.
        differences: what was sent and what MsgFlash's answer says instead, for a campaign that was created otherwise.
        is_stoppable: whether that campaign may still send something, and can be paused.
        refused: what MsgFlash said is wrong with which field, for a campaign that it did not take.
    """

    address: Address
    action: Action
    outcome: Outcome
    id: str | None = None
    error: str | None = None
    advice: str | None = None
    differences: tuple[AttributeDiff, ...] = ()
    is_stoppable: bool = False
    refused: tuple[tuple[str, str], ...] = ()

    @property
    def safety(self) -> JsonObject | None:
        """MsgFlash's advice as it came (reference 5.10)."""
        return None if self.advice is None else json.loads(self.advice)


@dataclass(frozen=True, slots=True)
class TemplateResult:
    """
    How the change of one template ended.

    Attributes:
        address: the template; a namespace of its own.
        action: what was to be done.
        outcome: how it ended; `in-doubt` ends by itself, since the next plan looks by name and content.
        id: of its current version on MsgFlash, where there is one.
        error: what went wrong, for people; None when done.
    """

    address: Address
    action: TemplateAction
    outcome: Outcome
    id: str | None = None
    error: str | None = None


def spell_advice(safety: object) -> str | None:
    """Spell advice as JSON text: that of every create is kept to the end, and its objects take six times the memory."""
    return sys.intern(json.dumps(safety)) if isinstance(safety, dict) else None


@dataclass(frozen=True, slots=True)
class ApplyReport:
    """
    The end of an apply.

    Attributes:
        environment: whose state was changed.
        results: one per change that was to be carried out, in the order of the plan.
        blocked: how many changes the plan had blocked, those of templates included; they were not tried.
        requests_sent: API requests of the whole run, planning included.
        stopped: why the run ended early, for people; None when it went to the end.
        interrupted_by: the signal's number that asked the run to end; None otherwise.
        recovery_file: where outcomes went that the state's storage refused; None when all are stored.
        diagnostics: what MsgFlash said is wrong with fields of the files, once per cause.
        is_hurting: the plan warned of campaigns that were created and will fail.
        templates: one result per change of a template that was to be carried out, in the order of the plan.
    """

    environment: str
    results: tuple[Result, ...]
    blocked: int
    requests_sent: int
    stopped: str | None = None
    interrupted_by: int | None = None
    recovery_file: str | None = None
    diagnostics: tuple[Diagnostic, ...] = ()
    is_hurting: bool = False
    templates: tuple[TemplateResult, ...] = ()

    @property
    def summary(self) -> Mapping[Outcome, int]:
        """How many campaigns ended each way, every outcome named."""
        counts = Counter(result.outcome for result in self.results)
        return {outcome: counts[outcome] for outcome in Outcome}

    @property
    def exit_code(self) -> int:
        """0 when all is done; 3 when a person is needed; 128 + n after signal n; 1 when the storage failed."""
        if self.interrupted_by is not None:
            return 128 + self.interrupted_by
        if self.recovery_file is not None:
            return ExitCode.ERROR
        outcomes = {result.outcome for result in self.results} | {result.outcome for result in self.templates}
        waits = self.blocked or self.is_hurting or self.stopped
        return ExitCode.DONE if outcomes <= {Outcome.DONE} and not waits else ExitCode.PERSON_NEEDED


@dataclass(frozen=True, slots=True)
class ChangeStarted:
    """The change's first request is about to leave."""

    change: Change


@dataclass(frozen=True, slots=True)
class ChangeEnded:
    """The change's outcome is durable."""

    result: Result


@dataclass(frozen=True, slots=True)
class TemplateStarted:
    """The first request for a template is about to leave."""

    change: TemplateChange


@dataclass(frozen=True, slots=True)
class TemplateEnded:
    """What became of a template is durable."""

    result: TemplateResult


@dataclass(frozen=True, slots=True)
class Paused:
    """MsgFlash asked for patience: every request waits this long."""

    seconds: float


Event: TypeAlias = ChangeStarted | ChangeEnded | TemplateStarted | TemplateEnded | Paused
