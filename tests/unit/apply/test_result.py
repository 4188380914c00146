"""The end of an apply as a value: counts and exit code."""

import pytest

from msgflash_apply.apply.result import ApplyReport, Outcome, Result, TemplateResult
from msgflash_apply.campaign import Address
from msgflash_apply.errors import ExitCode
from msgflash_apply.plan.plan import Action, TemplateAction


def a_report(*outcomes: Outcome, blocked: int = 0, stopped: str | None = None) -> ApplyReport:
    """Build a report with one create per outcome."""
    results = tuple(Result(Address(str(index)), Action.CREATE, outcome) for index, outcome in enumerate(outcomes))
    return ApplyReport("default", results, blocked, 0, stopped)


def test_summary_names_every_outcome() -> None:
    """The summary counts each outcome, those that do not occur included."""
    assert a_report(Outcome.DONE, Outcome.DONE).summary == dict.fromkeys(Outcome, 0) | {Outcome.DONE: 2}


@pytest.mark.parametrize(
    ("report", "code"),
    [
        (a_report(), ExitCode.DONE),
        (a_report(Outcome.DONE), ExitCode.DONE),
        (a_report(Outcome.DONE, Outcome.FAILED), ExitCode.PERSON_NEEDED),
        (a_report(Outcome.IN_DOUBT), ExitCode.PERSON_NEEDED),
        (a_report(Outcome.SKIPPED), ExitCode.PERSON_NEEDED),
        (a_report(Outcome.DONE, blocked=1), ExitCode.PERSON_NEEDED),
        (a_report(Outcome.DONE, stopped="the storage failed"), ExitCode.PERSON_NEEDED),
    ],
)
def test_anything_but_done_needs_a_person(report: ApplyReport, code: ExitCode) -> None:
    """Failed, in doubt, skipped, blocked or stopped: exit 3."""
    assert report.exit_code == code


@pytest.mark.parametrize("outcome", Outcome)
def test_templates_decide_the_exit_code_too(outcome: Outcome) -> None:
    """A template that is not done needs a person, whatever became of the campaigns."""
    template = TemplateResult(Address("promo/relance"), TemplateAction.CREATE, outcome)
    campaign = Result(Address("one"), Action.CREATE, Outcome.DONE)
    report = ApplyReport("default", (campaign,), 0, 0, templates=(template,))
    assert report.exit_code == (ExitCode.DONE if outcome is Outcome.DONE else ExitCode.PERSON_NEEDED)
    assert report.summary[Outcome.DONE] == 1


def test_unsaved_outcomes_are_an_error_and_a_signal_is_told_first() -> None:
    """A recovery file is exit 1; a signal wins with 128 and its number."""
    unsaved = ApplyReport("default", (), 0, 0, "the storage failed", recovery_file="recovery.jsonl")
    interrupted = ApplyReport("default", (), 0, 0, "stopped", 15, "recovery.jsonl")

    assert (unsaved.exit_code, interrupted.exit_code) == (ExitCode.ERROR, 143)
