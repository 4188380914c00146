"""What else people and programs read: the end of an apply, the state, the findings, and JSON."""

import pytest
from syrupy.assertion import SnapshotAssertion

from msgflash_apply.apply.result import ApplyReport, Outcome
from msgflash_apply.campaign import Address
from msgflash_apply.findings import Diagnostic, Severity
from msgflash_apply.plan.plan import Action
from msgflash_apply.report.apply_text import apply_to_text
from msgflash_apply.report.diagnostics import validation_to_text
from msgflash_apply.report.json_ import apply_to_json, plan_to_json, record_to_json, validation_to_json
from msgflash_apply.report.layout import PLAIN, Paint
from msgflash_apply.report.state_text import record_to_text, state_list_to_text
from tests.golden.examples import PLANS
from tests.support.builders import a_snapshot
from tests.unit.report.builders import NOW, a_finding, a_record, a_report, a_result, an_intent

EACH = Address('promo/each["fr"]')
SAFETY = {
    "decision": "warn",
    "riskLevel": "medium",
    "score": 56,
    "reasons": ["120 recipients, 100 are advised\x1b[0m", "most of them never wrote to this number"],
    "recommendations": ["Split the audience over several days."],
}

REPORTS = {
    "all-done": a_report(a_result(safety={"decision": "allow"}), a_result(action=Action.PAUSE)),
    "nothing": a_report(requests_sent=0),
    "trouble": a_report(
        a_result(safety=SAFETY),
        a_result(address=EACH, outcome=Outcome.IN_DOUBT, id=None, error="no answer within 30 s"),
        a_result(
            address=Address("promo/bad"), outcome=Outcome.FAILED, id=None, error="400 VALIDATION_ERROR: " + "x " * 60
        ),
        *(a_result(address=Address(f"promo/{n:02}"), outcome=Outcome.SKIPPED, id=None) for n in range(25)),
        environment="production",
        blocked=2,
        stopped="the monthly quota of outbound sends is used up",
        interrupted_by=15,
        recovery_file="/tmp/recovered outcomes.json",  # noqa: S108 - a name to print, never opened
    ),
}

LINE = 'name: "日本語\te\u0301\x1b[31m"   # ' + "a long comment " * 12
FINDINGS = (
    a_finding(message="`schedule` names no zone", hint="add `timezone: Europe/Paris` " * 4),
    a_finding(line=4, column=13),
    a_finding(line=5, column=120, address='promo/each["fr"]', severity=Severity.WARNING),
    a_finding(file="campaigns/\x1b[2Jx.yaml", line=None, column=None, hint=None),
    Diagnostic(Severity.ERROR, "MF401", "no instance is named `boutique`", address="promo/each"),
)


@pytest.mark.parametrize("width", [60, 100])
@pytest.mark.parametrize("name", REPORTS)
def test_end_of_an_apply(name: str, width: int, golden: SnapshotAssertion) -> None:
    """The end of an apply names all that needs a person, and the commands for it."""
    report: ApplyReport = REPORTS[name]
    assert apply_to_text(report, paint=PLAIN, width=width) == golden


@pytest.mark.parametrize("colour", [False, True])
def test_findings(golden: SnapshotAssertion, *, colour: bool) -> None:
    """Findings quote their line and point at the column, whatever is before it."""
    text = validation_to_text(12, FINDINGS, paint=Paint(colour=colour), source_line=lambda _file, _line: LINE, width=80)
    assert text == golden


def test_state_list(golden: SnapshotAssertion) -> None:
    """The list of a state aligns its columns and names what is in doubt."""
    records = {Address("promo/日本"): a_record(), Address("promo/old"): a_record(status="paused", retired=True)}
    assert state_list_to_text(records, {EACH: an_intent()}, paint=PLAIN) == golden


def test_record(golden: SnapshotAssertion) -> None:
    """A record shows what was sent, when it was read, and a replacement that is in doubt."""
    record = a_record(former_ids=("old-1", "old-2"), retired=True)
    text = record_to_text(EACH, record, an_intent(), now=NOW, environment="production", paint=PLAIN, width=80)
    assert text == golden


@pytest.mark.parametrize("name", ["every-action", "hostile-texts", "nothing-at-all", "templates"])
def test_plan_as_json(name: str, golden: SnapshotAssertion) -> None:
    """The plan for programs keeps its fields and their order."""
    assert plan_to_json(PLANS[name], tool_version="1.2.3") == golden


def test_other_json(golden: SnapshotAssertion) -> None:
    """Applies, findings and records keep their fields and their order too."""
    texts = [
        apply_to_json(REPORTS["trouble"]),
        validation_to_json(12, FINDINGS),
        record_to_json(a_snapshot({EACH: a_record()}, {EACH: an_intent()}), EACH),
    ]
    assert "".join(texts) == golden
