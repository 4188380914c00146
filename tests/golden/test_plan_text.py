"""The plan as people see it, for every action, every reason and texts that try to deceive, in three widths."""

import pytest
from syrupy.assertion import SnapshotAssertion

from msgflash_apply.report.layout import PLAIN, Paint
from msgflash_apply.report.text import plan_to_text
from tests.golden.examples import PLANS
from tests.unit.report.builders import NOW


@pytest.mark.parametrize("width", [60, 80, 200])
@pytest.mark.parametrize("name", PLANS)
def test_plan_in_three_widths(name: str, width: int, golden: SnapshotAssertion) -> None:
    """A plan reads as it was reviewed, on narrow and on wide terminals."""
    assert plan_to_text(PLANS[name], now=NOW, paint=PLAIN, width=width) == golden


@pytest.mark.parametrize("name", ["every-action", "all-unchanged", "hostile-texts", "templates"])
def test_plan_in_colour(name: str, golden: SnapshotAssertion) -> None:
    """On a terminal, the same plan has colours and nothing else more."""
    assert plan_to_text(PLANS[name], now=NOW, paint=Paint(colour=True), width=80) == golden
