"""What pipelines, code scanning and calendar programs are given."""

import json
from datetime import UTC, datetime

import pytest
from syrupy.assertion import SnapshotAssertion

from msgflash_apply.campaign import Address
from msgflash_apply.operations.calendar_ import Occasion
from msgflash_apply.operations.drift import Drift
from msgflash_apply.report.github import validation_to_github
from msgflash_apply.report.icalendar import agenda_to_ics, agenda_to_text
from msgflash_apply.report.json_ import drift_to_json
from msgflash_apply.report.junit import validation_to_junit
from msgflash_apply.report.layout import PLAIN, Paint
from msgflash_apply.report.sarif import validation_to_sarif
from msgflash_apply.report.text import drift_to_text
from tests.golden.examples import PLANS
from tests.golden.test_other_texts import FINDINGS
from tests.support.sarif import assert_is_sarif

FRIDAY = datetime(2026, 11, 27, 8, 0, tzinfo=UTC)
OCCASIONS = (
    Occasion(Address("promo/sale"), "Acme: sale, part 1; \x1b[31m", FRIDAY, "Europe/Paris", "none", "shop", "tags"),
    Occasion(Address('promo/each["fr"]'), "日本語 " * 12, FRIDAY, None, "weekly", "", "all", "scheduled"),
    Occasion(Address("promo/doubt"), "Doubt", FRIDAY.replace(day=28), None, "daily", "shop", "group", in_doubt=True),
)
DRIFTS = (
    Drift(Address("promo/sale"), "id-1", "scheduled", "paused"),
    Drift(Address("promo/日本"), "id-2", "running", None),
)


def test_findings_for_github(golden: SnapshotAssertion) -> None:
    """Workflow commands, one a line, hostile names and all."""
    assert validation_to_github(12, FINDINGS) == golden


def test_findings_as_sarif(golden: SnapshotAssertion) -> None:
    """Everything of the log but the list of rules, which grows with the table of codes."""
    document = json.loads(validation_to_sarif(FINDINGS, tool_version="1.2.3"))
    assert_is_sarif(document)
    document["runs"][0]["tool"]["driver"]["rules"] = document["runs"][0]["tool"]["driver"]["rules"][:1]
    assert json.dumps(document, indent=2) + "\n" == golden


def test_findings_as_junit(golden: SnapshotAssertion) -> None:
    """A test case per file."""
    assert validation_to_junit(["campaigns/good.yaml"], FINDINGS) == golden


@pytest.mark.parametrize("colour", [False, True])
def test_calendar(golden: SnapshotAssertion, *, colour: bool) -> None:
    """Starts under their days."""
    assert agenda_to_text(OCCASIONS, paint=Paint(colour=colour)) == golden


def test_calendar_as_ics(golden: SnapshotAssertion) -> None:
    """Events with folded lines; line breaks are shown as they count in files of ours."""
    text = agenda_to_ics(OCCASIONS, environment="production", stamped_at=FRIDAY)
    assert text.replace("\r\n", "\n") == golden


def test_drift(golden: SnapshotAssertion) -> None:
    """What people did, as text and as JSON."""
    assert drift_to_text(DRIFTS, paint=PLAIN) + drift_to_json(DRIFTS, PLANS["narrowed"], tool_version="1.2.3") == golden


def test_no_drift(golden: SnapshotAssertion) -> None:
    """Nothing is said in one sentence."""
    assert drift_to_text((), paint=PLAIN) == golden
