"""
Storage that really fails in the middle of an apply of the real command: what was sent is not lost, and no more is sent.

Each test begins like the others: an apply with creates in flight, whose disk then says no. `ends_well` is what they
all have to lead to once the disk is there again.
"""

import json
import resource
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path

import pytest

from msgflash_apply.plan.plan import Action
from msgflash_apply.sandbox.server import Options, Sandbox
from tests.support.builders import a_desired, a_payload
from tests.support.command import Completed, Repo, a_repo, created, creates_seen, wait_until
from tests.support.processes import announced, read_only, recovery_file, small_disk, start, start_sending
from tests.support.runs import LATER, STILL, World
from tests.support.states import LocalBackend

MANY = 40
SLOW = Options(requests_per_second=0, latency_seconds=0.2)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Run a MsgFlash that takes its time, so that there is always something in flight."""
    with Sandbox(SLOW) as running:
        yield running


@pytest.fixture
def repo(tmp_path: Path, sandbox: Sandbox) -> Repo:
    """Make a repo that has much to send, and a copy of its state as a backup would have it."""
    made = a_repo(tmp_path, sandbox)
    made.write("msgflash.yaml", "version: 1\napi: {requests_per_second: 40}\n")
    made.campaigns(MANY)
    shutil.copytree(made.state.parent, made.folder / "backup")
    return made


def ended_badly(done: Completed, repo: Repo, *, code: int = 1) -> None:
    """Check that an apply stopped early with a clear error that names the place, and sent no more than it announced."""
    assert done.code == code, done.out + done.err
    assert "Stopped early" in done.out
    assert str(repo.state.parent) in done.out.replace("\n", "")
    assert "Traceback" not in done.err
    assert "a bug in" not in done.err
    assert 0 < creates_seen(repo.sandbox) < MANY


def ends_well(repo: Repo) -> None:
    """Check that the next plan is in doubt about nothing, and that its apply completes it, each campaign once."""
    done = repo.apply("--format", "json")
    results = done.document["results"]
    assert isinstance(results, list)
    assert {result["action"] for result in results} <= {"create"}
    assert (done.code, done.document["blocked"]) == (0, 0)
    assert created(repo.sandbox) == {f"c{number:02d}": 1 for number in range(MANY)}
    assert repo.run("plan", "--detailed-exitcode").code == 0


def recover(repo: Repo, file: Path) -> None:
    """Bring a recovery file in."""
    done = repo.run("state", "recover", str(file))
    assert done.code == 0, done.err


@pytest.mark.slow
def test_full_disk(repo: Repo) -> None:
    """A disk that fills up stops the apply; with the recovery file and some space all is on record."""
    with small_disk(repo.state.parent, 12 * 1024) as limit_bytes:
        done = start(repo, "apply", "--auto-approve", limit_bytes=limit_bytes).wait()
    ended_badly(done, repo)
    assert set(created(repo.sandbox)) <= announced(repo.state.parent)
    recover(repo, recovery_file(done))
    ends_well(repo)


@pytest.mark.slow
@pytest.mark.parametrize("limit_bytes", [2500, 4900])
def test_journal_that_hits_a_limit_in_the_middle_of_a_line(repo: Repo, limit_bytes: int) -> None:
    """A line that the disk cuts short is taken back, its create is not sent, and what was sent is not lost."""
    done = start(repo, "apply", "--auto-approve", limit_bytes=limit_bytes).wait()
    ended_badly(done, repo)
    journal = next(repo.state.parent.glob("default.journal-*.jsonl"))
    assert journal.read_bytes().endswith(b"\n")
    assert set(created(repo.sandbox)) <= announced(repo.state.parent)
    recover(repo, recovery_file(done))
    ends_well(repo)


@pytest.mark.slow
def test_disk_that_becomes_read_only(repo: Repo) -> None:
    """A disk that is remounted read-only stops the apply; what was in flight goes to a file elsewhere."""
    running = start_sending(repo)
    with read_only(repo.state.parent):
        done = running.wait()
    ended_badly(done, repo)
    assert set(created(repo.sandbox)) <= announced(repo.state.parent)
    recover(repo, recovery_file(done))
    ends_well(repo)


@pytest.mark.slow
def test_no_disk_at_all_leaves_the_terminal(repo: Repo) -> None:
    """Where no file can be written anywhere, the outcomes are told on the terminal, and saved by hand they do."""
    running = start_sending(repo)
    resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, (0, 0))
    done = running.wait()
    ended_badly(done, repo)
    lines = [line for line in done.err.splitlines() if line.startswith('{"checksum"')]
    assert sum(json.loads(line)["entry"]["kind"] == "created" for line in lines) > 0
    recover(repo, repo.write("by-hand.jsonl", "".join(f"{line}\n" for line in lines)))
    ends_well(repo)


@pytest.mark.slow
def test_state_folder_that_goes_away_and_comes_back(repo: Repo) -> None:
    """A folder that is unmounted stops the apply; when it is back, the recovery file completes it."""
    running = start_sending(repo)
    aside = repo.state.parent.rename(repo.folder / "aside")
    done = running.wait()
    ended_badly(done, repo)
    assert set(created(repo.sandbox)) <= announced(aside)
    aside.rename(repo.state.parent)
    recover(repo, recovery_file(done))
    ends_well(repo)


def test_removed_state_folder_is_not_an_empty_state(repo: Repo) -> None:
    """After the folder is removed for good, nothing is planned or sent until a state is brought back."""
    running = start_sending(repo)
    shutil.rmtree(repo.state.parent.rename(repo.folder / "away"))  # at once: the apply writes all the while
    ended_badly(running.wait(), repo)
    sent = creates_seen(repo.sandbox)
    for command in (("plan",), ("apply", "--auto-approve")):
        refused = repo.run(*command)
        assert refused.code == 1
        assert "There is no state." in refused.err
    assert creates_seen(repo.sandbox) == sent


@pytest.mark.slow
def test_removed_state_folder_is_replaced_by_a_backup(repo: Repo) -> None:
    """A backup from before the apply and the recovery file make up the whole state: nothing is sent again."""
    running = start_sending(repo, creates=15)
    shutil.rmtree(repo.state.parent.rename(repo.folder / "away"))
    done = running.wait()
    ended_badly(done, repo)
    (repo.folder / "backup").rename(repo.state.parent)
    recover(repo, recovery_file(done))
    assert set(repo.records) == set(created(repo.sandbox))
    ends_well(repo)


@pytest.mark.slow
def test_run_that_another_one_took_over(repo: Repo, sandbox: Sandbox) -> None:
    """What a run learns after its lock was broken and its journal sealed goes to a file, and resolves the doubts."""
    sandbox.add_fault("POST /api/v1/campaigns delay seconds=6 times=5")
    running = start(repo, "apply", "--auto-approve")
    wait_until(lambda: len(announced(repo.state.parent)) >= 5)
    backend = LocalBackend(repo.state)
    holder = backend.holder()
    assert holder is not None
    backend.break_lock(holder.lock_id)
    assert repo.apply().code == 3
    done = running.wait()
    assert done.code == 1, done.out + done.err
    recover(repo, recovery_file(done))
    ends_well(repo)


def _remove(journal: Path) -> None:
    journal.unlink()


def _replace(journal: Path) -> None:
    journal.unlink()
    journal.write_bytes(b"something else\n")


def _cut(journal: Path) -> None:
    journal.write_bytes(journal.read_bytes()[:-20])


@pytest.mark.slow
@pytest.mark.parametrize("spoil", [_remove, _replace, _cut])
def test_spoiled_journal_stops_the_apply(repo: Repo, spoil: Callable[[Path], None]) -> None:
    """A journal that somebody touched takes no more intents; what this run knows still reaches the document."""
    running = start_sending(repo)
    spoil(next(repo.state.parent.glob("default.journal-*.jsonl")))
    # All is on record at the end, so it is a person who is needed (3), and no file that has to be brought in (1).
    ended_badly(running.wait(), repo, code=3)
    assert set(repo.records) == set(created(repo.sandbox))
    ends_well(repo)


@pytest.mark.parametrize(
    "jumps", [(0, -3650), (-3650, 3650), (0, 0, 0, 1), (0, 0, 0, 0, 0, 0, 0, 3650)], ids=lambda jumps: f"{jumps}"
)
def test_clock_that_jumps(tmp_path: Path, jumps: tuple[int, ...]) -> None:
    """A clock that goes back or ahead by years between any two looks at it sends nothing twice and loses nothing."""
    wanted = [
        a_desired(f"c{n}", payload=a_payload(name=f"c{n}", starts_at=LATER + timedelta(days=2))) for n in range(9)
    ]
    with Sandbox(STILL) as sandbox:
        world = JumpingWorld(sandbox, tmp_path)
        for start_with in range(len(jumps)):
            world.jump((*jumps[start_with:], *jumps[:start_with]))
            world.apply(wanted)
            assert {record.id for record in world.snapshot().campaigns.values()} == ids_on(sandbox)
        world.jump((0,))
        world.apply(wanted)
        assert world.created() == {f"c{n}": 1 for n in range(9)}
        assert {change.action for change in world.plan(wanted).changes} == {Action.NO_OP}


class JumpingWorld(World):
    """A world whose clock is so many days off, by turns."""

    def jump(self, days: tuple[int, ...]) -> None:
        """Be off by these from now on."""
        self._days = cycle(days)

    def now(self) -> datetime:
        """Tell the time wrongly, in UTC."""
        return (super().now() + timedelta(days=next(self._days))).astimezone(UTC)


def ids_on(sandbox: Sandbox) -> set[str]:
    """Collect the ids of all campaigns of a server."""
    return {str(campaign["id"]) for campaign in sandbox.campaigns()}
