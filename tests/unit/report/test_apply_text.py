"""The story of an apply, while it runs and at its end."""

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
from msgflash_apply.campaign import Address
from msgflash_apply.plan.plan import Action, TemplateAction, TemplateChange
from msgflash_apply.report.apply_text import apply_to_text, event_to_line
from msgflash_apply.report.layout import PLAIN
from tests.unit.report.builders import CAMPAIGN_ID, a_change, a_report, a_result

LOST = a_result(outcome=Outcome.IN_DOUBT, id=None, error="no answer within 30 s")

RELANCE = Address("promo/relance")
NOT_MADE = TemplateResult(RELANCE, TemplateAction.CREATE, Outcome.FAILED, error="400 \x1b[0mNAME")
UNKNOWN = TemplateResult(RELANCE, TemplateAction.UPDATE, Outcome.IN_DOUBT, id="t-1", error="no answer within 30 s")

EVENTS: list[tuple[Event, str]] = [
    (ChangeStarted(a_change()), "creating promo/black-friday"),
    (ChangeEnded(a_result()), f"created promo/black-friday  id {CAMPAIGN_ID}  (3/12)"),
    (ChangeEnded(a_result(action=Action.MOVE, id=None)), "moved promo/black-friday  (3/12)"),
    (ChangeEnded(LOST), "in doubt promo/black-friday (create): no answer within 30 s  (3/12)"),
    (ChangeEnded(a_result(outcome=Outcome.SKIPPED, id=None)), "skipped promo/black-friday (create)  (3/12)"),
    (ChangeEnded(a_result(id="a\nb\x1b[0m")), "created promo/black-friday  id a\\nb\\x1b[0m  (3/12)"),
    (
        TemplateStarted(TemplateChange(RELANCE, TemplateAction.CREATE, "promo/relance@3f9a1c2b")),
        "creating template promo/relance",
    ),
    (
        TemplateEnded(TemplateResult(RELANCE, TemplateAction.CREATE, Outcome.DONE, id="t-1")),
        "created template promo/relance  id t-1  (3/12)",
    ),
    (TemplateEnded(NOT_MADE), "failed template promo/relance (create): 400 \\x1b[0mNAME  (3/12)"),
    (Paused(1.53), "MsgFlash asked to slow down: every request waits 1.5 s"),
]


@pytest.mark.parametrize(("event", "expected"), EVENTS)
def test_event_is_one_line(event: Event, expected: str) -> None:
    """Each event makes one line of a log, whatever its texts hold."""
    assert event_to_line(event, done=3, total=12) == expected


@pytest.mark.parametrize("action", Action)
def test_every_action_has_its_words(action: Action) -> None:
    """Every action has its words for begun and for done."""
    began = event_to_line(ChangeStarted(a_change(action)), done=0, total=1)
    ended = event_to_line(ChangeEnded(a_result(action=action)), done=1, total=1)
    assert began.split(" ")[0].endswith("ing")
    words = ("created", "paused", "resumed", "replaced", "retired", "forgotten", "accepted", "moved", "unchanged")
    assert ended.split(" ")[0] in (*words, "blocked")


@pytest.mark.parametrize("action", TemplateAction)
def test_every_action_of_a_template_has_its_words(action: TemplateAction) -> None:
    """Every action of a template has its words for begun and for done."""
    began = event_to_line(TemplateStarted(TemplateChange(RELANCE, action, "promo/relance")), done=0, total=1)
    ended = event_to_line(TemplateEnded(TemplateResult(RELANCE, action, Outcome.DONE)), done=1, total=1)
    assert began.split(" ")[0].endswith("ing")
    words = ("created", "updated", "deleted", "adopted", "forgotten", "moved", "unchanged", "blocked")
    assert ended.split(" ")[0] in words
    assert " template promo/relance" in began
    assert " template promo/relance" in ended


def test_templates_come_first_and_have_a_count_of_their_own() -> None:
    """What became of templates is before the campaigns that send them; those in doubt need no command."""
    made = TemplateResult(Address("promo/made"), TemplateAction.CREATE, Outcome.DONE, id="t-2")
    text = apply_to_text(a_report(a_result(), LOST, templates=(made, NOT_MADE, UNKNOWN)), paint=PLAIN)
    of_templates, of_campaigns = text.split("In doubt: sent, and no answer says whether it arrived. Nothing more")
    assert "  failed  template promo/relance (create): 400 \\x1b[0mNAME\n" in of_templates
    assert "  in doubt  template promo/relance (update): no answer within 30 s\n" in of_templates
    assert "resolve" not in of_templates
    assert "resolve promo/black-friday --created ID" in of_campaigns
    assert text.endswith(
        "Templates: 1 created, 1 failed, 1 in doubt.\nApplied: 1 created, 1 in doubt.\nRequests: 12 sent.\n"
    )


def test_templates_alone() -> None:
    """An apply of nothing but templates does not say that there was nothing to do."""
    made = TemplateResult(RELANCE, TemplateAction.CREATE, Outcome.DONE, id="t-2")
    text = apply_to_text(a_report(templates=(made,)), paint=PLAIN)
    assert text == "Templates: 1 created.\nApplied: no campaigns.\nRequests: 12 sent.\n"


def test_counts_at_the_end() -> None:
    """The summary counts what was done by action, and the rest by outcome."""
    failed = a_result(outcome=Outcome.FAILED, id=None)
    skipped = a_result(outcome=Outcome.SKIPPED, id=None)
    report = a_report(a_result(), a_result(), a_result(action=Action.PAUSE), failed, LOST, skipped, skipped, blocked=1)
    assert apply_to_text(report, paint=PLAIN).endswith(
        "Applied: 2 created, 1 paused, 1 failed, 1 in doubt, 2 skipped, 1 blocked and not tried.\nRequests: 12 sent.\n"
    )


def test_doubt_comes_with_its_commands() -> None:
    """What is in doubt is followed by the commands that resolve it."""
    text = apply_to_text(a_report(LOST, environment="production"), paint=PLAIN)
    assert "      msgflash-apply --env production resolve promo/black-friday --created ID\n" in text
    assert "      msgflash-apply --env production resolve promo/black-friday --not-created\n" in text


def test_doubt_about_a_pause_has_nothing_to_resolve() -> None:
    """A pause of unknown outcome is read again by the next apply, so no command is offered."""
    text = apply_to_text(a_report(a_result(action=Action.PAUSE, outcome=Outcome.IN_DOUBT)), paint=PLAIN)
    assert "in doubt  promo/black-friday (pause)\n" in text
    assert "msgflash-apply resolve" not in text


def test_all_that_need_a_person_are_named() -> None:
    """Failed campaigns are listed to the last one; skipped ones are cut with a count."""
    failed = [a_result(address=Address(f"f/{n}"), outcome=Outcome.FAILED, id=None) for n in range(30)]
    skipped = [a_result(address=Address(f"s/{n}"), outcome=Outcome.SKIPPED, id=None) for n in range(30)]
    text = apply_to_text(a_report(*failed, *skipped), paint=PLAIN)
    assert text.count("  failed  f/") == 30
    assert text.count("  skipped  s/") == 20
    assert "  … 10 more skipped\n" in text


def test_advice_is_shown() -> None:
    """MsgFlash's advice is shown with decision, risk, reasons and recommendations; only plain allows are counted."""
    advice = {"decision": "warn", "riskLevel": "high", "reasons": ["cold\x07"], "recommendations": ["wait"]}
    text = apply_to_text(a_report(a_result(safety=advice), a_result(safety={"decision": "allow"})), paint=PLAIN)
    assert "  promo/black-friday: warn, risk high\n    reason: cold\\x07\n    recommendation: wait\n" in text
    assert "MsgFlash advised nothing against 1 other campaign.\n" in text


def test_advice_of_an_unknown_shape() -> None:
    """Advice that is not shaped as documented is shown as far as it can be."""
    text = apply_to_text(a_report(a_result(safety={"score": "high", "reasons": 7})), paint=PLAIN)
    assert "  promo/black-friday: no decision, score high of 100\n" in text


def test_unstored_outcomes_come_with_their_command() -> None:
    """Where the storage refused outcomes, the file and the command that brings them in are named."""
    text = apply_to_text(a_report(recovery_file="out comes.json"), paint=PLAIN)
    assert "  msgflash-apply state recover 'out comes.json'\n" in text


@pytest.mark.parametrize(("number", "name"), [(2, "SIGINT"), (15, "SIGTERM"), (99, "signal 99")])
def test_interrupted_run_says_how_to_go_on(number: int, name: str) -> None:
    """An interrupted run names its signal and how to go on."""
    text = apply_to_text(a_report(interrupted_by=number, stopped="asked to"), paint=PLAIN)
    assert f"Interrupted by {name}; nothing new was started.\nStopped early: asked to\n" in text
    assert "  msgflash-apply apply\n" in text
