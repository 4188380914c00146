"""The plan as a page; its style and script are files of their own and stand in the golden text as one line each."""

import re

import pytest
from syrupy.assertion import SnapshotAssertion

from msgflash_apply.report.html.page import plan_to_html
from tests.golden.examples import PLANS
from tests.unit.report.builders import NOW


@pytest.mark.parametrize("name", ["every-action", "every-reason", "offline", "nothing-at-all", "templates"])
def test_plan_as_a_page(name: str, golden: SnapshotAssertion) -> None:
    """A page's elements are those that were reviewed."""
    html = re.sub(r"<(style|script)>.*?</\1>", r"<\1></\1>", plan_to_html(PLANS[name], now=NOW), flags=re.DOTALL)
    assert re.sub(r"sha256-[\w+/=]+", "sha256-", html) == golden
