"""A machine whose clock is wrong sends nothing that it cannot be sure about."""

from dataclasses import replace
from pathlib import Path

import pytest

from msgflash_apply.sandbox.server import Sandbox
from tests.support.command import FAST, a_repo, creates_seen


@pytest.mark.parametrize(
    ("ahead", "warned", "code", "created"),
    [(60, False, 0, 1), (300, True, 0, 1), (-7200, True, 3, 0), (7200, True, 3, 0)],
)
def test_clock_that_differs(tmp_path: Path, ahead: float, *, warned: bool, code: int, created: int) -> None:
    """Beyond two minutes it is a warning; beyond ten, or `min_lead_time`, nothing is created."""
    with Sandbox(replace(FAST, date_ahead_seconds=ahead)) as sandbox:
        repo = a_repo(tmp_path, sandbox)
        repo.campaign("spring")
        done = repo.apply()

        assert done.code == code
        assert ("MF524" in done.out) is warned
        assert ("its start cannot be trusted" in " ".join(done.out.split())) is (created == 0)
        assert creates_seen(sandbox) == created
