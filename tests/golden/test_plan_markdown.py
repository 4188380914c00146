"""The plan as a comment on a pull request, for every action, every reason and texts that try to deceive."""

import pytest
from syrupy.assertion import SnapshotAssertion

from msgflash_apply.report.markdown import plan_to_markdown
from tests.golden.examples import PLANS
from tests.unit.report.builders import NOW


@pytest.mark.parametrize("name", PLANS)
def test_plan_as_a_comment(name: str, golden: SnapshotAssertion) -> None:
    """A comment reads as it was reviewed."""
    assert plan_to_markdown(PLANS[name], now=NOW) == golden
