"""When the place of the state goes away in the middle of an apply: what was sent is still not lost."""

from pathlib import Path

import pytest

from msgflash_apply.sandbox.server import Sandbox
from tests.support.command import Completed, Repo, created, creates_seen, wait_until

MANY = 20


@pytest.fixture
def broken_off(repo: Repo, sandbox: Sandbox) -> Completed:
    """Take the state's folder away while creates are in flight, and bring it back when the apply has ended."""
    repo.campaigns(MANY)
    sandbox.add_fault("POST /api/v1/campaigns delay seconds=0.5 times=*")
    running = repo.start("apply", "--auto-approve")
    wait_until(lambda: creates_seen(sandbox) >= 2)
    aside = repo.state.parent.rename(repo.folder / "aside")
    ended = running.wait()
    aside.rename(repo.state.parent)
    sandbox.clear_faults()
    return ended


def test_nothing_more_is_sent(broken_off: Completed, sandbox: Sandbox) -> None:
    """An intent that cannot be stored is not sent; the apply ends with an error and no traceback."""
    assert broken_off.code == 1
    assert creates_seen(sandbox) < MANY
    assert "Traceback" not in broken_off.err


@pytest.mark.slow
def test_recovery_file_brings_the_ids_back(broken_off: Completed, repo: Repo, sandbox: Sandbox) -> None:
    """What could not be stored lies in a file that is named; with it the record is whole and the rest can go on."""
    file = next(repo.folder.glob("msgflash-recovery-*.jsonl"))
    assert f"state recover {file}" in broken_off.out
    assert repo.run("state", "recover", str(Path(file.name))).code == 0
    assert repo.apply().code == 0
    assert created(sandbox) == dict.fromkeys(repo.records, 1)
    assert len(repo.records) == MANY


@pytest.mark.slow
def test_without_the_recovery_file_nothing_is_sent_twice(broken_off: Completed, repo: Repo, sandbox: Sandbox) -> None:
    """Whoever forgets the file finds those campaigns in doubt, not created again."""
    assert broken_off.code == 1
    assert repo.apply().code == 3
    assert set(created(sandbox).values()) == {1}
