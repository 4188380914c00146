"""The progress of an apply counts templates with the campaigns."""

import pytest

from msgflash_apply.apply.result import (
    ChangeEnded,
    ChangeStarted,
    Event,
    Outcome,
    Paused,
    TemplateEnded,
    TemplateResult,
    TemplateStarted,
)
from msgflash_apply.cli.progress import follow
from msgflash_apply.plan.plan import TemplateAction
from tests.unit.report.builders import RELANCE, a_change, a_result, a_template_change


@pytest.mark.parametrize("terminal", [False, True], ids=["log", "terminal"])
def test_templates_are_part_of_the_progress(capsys: pytest.CaptureFixture[str], *, terminal: bool) -> None:
    """Each end is a line with its place among all; that something began is no line."""
    events: list[Event] = [
        TemplateStarted(a_template_change()),
        TemplateEnded(TemplateResult(RELANCE, TemplateAction.CREATE, Outcome.DONE, id="t-1")),
        ChangeStarted(a_change()),
        Paused(2),
        ChangeEnded(a_result(id="c-1")),
    ]
    with follow(2, terminal=terminal) as follower:
        for event in events:
            follower(event)

    lines = [line for line in capsys.readouterr().err.splitlines() if "(" in line or "slow" in line]
    assert lines == [
        "created template promo/relance  id t-1  (1/2)",
        "MsgFlash asked to slow down: every request waits 2.0 s",
        "created promo/black-friday  id c-1  (2/2)",
    ]
