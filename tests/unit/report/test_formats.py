"""Every format of the registry renders what its command has."""

import pytest

from msgflash_apply.apply.result import Outcome
from msgflash_apply.files.load import Loaded
from msgflash_apply.report.formats import APPLY_FORMATS, PLAN_FORMATS, VALIDATION_FORMATS, Look
from tests.unit.report.builders import ADDRESS, NOW, a_change, a_finding, a_plan, a_report, a_result

PLAN = a_plan(a_change(), diagnostics=(a_finding(),))


def test_text_is_the_default_everywhere() -> None:
    """The first format of each command is the one for people."""
    assert {next(iter(formats)) for formats in (PLAN_FORMATS, VALIDATION_FORMATS, APPLY_FORMATS)} == {"text"}


@pytest.mark.parametrize("name", PLAN_FORMATS)
def test_every_format_of_a_plan_names_its_campaigns(name: str) -> None:
    """A plan is rendered with nothing but a moment given, in every format."""
    assert str(ADDRESS) in PLAN_FORMATS[name](PLAN, Look(NOW))


@pytest.mark.parametrize("name", VALIDATION_FORMATS)
def test_every_format_of_a_validation_has_the_finding(name: str) -> None:
    """The code of a finding is in every format."""
    loaded = Loaded(campaigns=(), diagnostics=(a_finding(),), files=1)
    assert a_finding().code in VALIDATION_FORMATS[name](loaded, Look(NOW))


@pytest.mark.parametrize("name", APPLY_FORMATS)
def test_every_format_of_an_apply_has_what_failed(name: str) -> None:
    """A change that failed and why is in every format."""
    report = a_report(a_result(outcome=Outcome.FAILED, id=None, error="400 VALIDATION_ERROR"))
    rendered = APPLY_FORMATS[name](report, Look(NOW))
    assert (str(ADDRESS) in rendered, "400 VALIDATION_ERROR" in rendered) == (True, True)
