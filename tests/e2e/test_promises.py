"""Commands that promise to write nothing: neither on a server, which here fails on everything but GET, nor on disk."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from msgflash_apply.sandbox.server import Sandbox
from tests.support.command import FAST, Completed, Repo, a_repo, ids, in_days
from tests.support.processes import read_only, start

READING = [
    ("validate",),
    ("validate", "--format", "json"),
    ("validate", "--format", "sarif"),
    ("plan", "--refresh", "changed"),
    ("plan", "--refresh", "live"),
    ("plan", "--refresh", "none"),
    ("plan", "--offline"),
    ("plan", "--offline", "--no-state"),
    ("plan", "--format", "json"),
    ("plan", "--detailed-exitcode"),
    ("drift",),
    ("calendar",),
    ("status",),
    ("status", "--format", "json"),
    ("state", "list"),
    ("state", "list", "--format", "json"),
    ("state", "pull"),
    ("state", "show", "stays"),
    ("state", "show", "doubtful"),
    ("schema", "campaign"),
    ("schema", "template"),
    ("schema", "project"),
    ("schema", "plan"),
    ("schema", "state"),
]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """Run one MsgFlash for all tests here: none of them can change it."""
    with Sandbox(FAST) as running:
        yield running


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory, sandbox: Sandbox) -> Repo:
    """Make a repo in which everything waits to be done, after a run that died."""
    made = a_repo(tmp_path_factory.mktemp("repo"), sandbox)
    for number, address in enumerate(("stays", "paused", "replaced", "retired", "moved")):
        made.campaign(address, schedule=in_days(30, minutes=number))
    assert made.apply().code == 0
    made.campaign("doubtful", schedule=in_days(40))
    sandbox.add_fault("POST /api/v1/campaigns drop_after")
    assert made.apply().code == 3
    made.campaign("new", schedule=in_days(50))
    made.campaign("paused", schedule=in_days(30, minutes=1), paused=True)
    made.campaign("replaced", schedule=in_days(30, minutes=2), body="Better", lifecycle={"on_change": "replace"})
    made.remove("retired")
    (made.folder / "campaigns/moved.yaml").rename(made.folder / "campaigns/elsewhere.yaml")
    _leave_what_a_dead_run_leaves(made.state)
    sandbox.add_fault("POST * 500 times=*")
    return made


def _leave_what_a_dead_run_leaves(state: Path) -> None:
    """Put a journal that nobody folded in, its last line torn, and the lock of a process that is gone."""
    journal = next(state.parent.glob("default.journal-*.jsonl"))
    (state.parent / "default.journal-dead.jsonl").write_bytes(journal.read_bytes().splitlines()[0][:40])
    (state.parent / "default.lock").touch()


def told(done: Completed, arguments: tuple[str, ...]) -> None:
    """Check that a command did its work, so that "wrote nothing" means something."""
    assert done.code in (0, 2, 3), f"{arguments}: {done.err}"
    assert done.out
    assert "Traceback" not in done.err


def everything(folder: Path) -> dict[str, tuple[bytes, int, int]]:
    """Remember every file and folder with its bytes, its mode and the time of its last change."""
    return {
        str(path): (path.read_bytes() if path.is_file() else b"", path.lstat().st_mode, path.lstat().st_mtime_ns)
        for path in (folder, *folder.rglob("*"))
    }


@pytest.mark.parametrize("arguments", READING, ids=" ".join)
def test_reading_command_writes_nothing(repo: Repo, sandbox: Sandbox, arguments: tuple[str, ...]) -> None:
    """It sends nothing but GET, and leaves every byte and every time of change as it was."""
    before, remote, seen = everything(repo.folder), ids(sandbox), len(sandbox.requests)
    done = repo.run(*arguments)
    told(done, arguments)
    assert everything(repo.folder) == before
    assert {request.method for request in sandbox.requests[seen:]} <= {"GET"}
    assert ids(sandbox) == remote


@pytest.mark.parametrize(
    "arguments", [("validate",), ("plan",), ("drift",), ("status",), ("state", "list")], ids=" ".join
)
def test_reading_command_works_in_a_read_only_repo(repo: Repo, arguments: tuple[str, ...]) -> None:
    """It needs no right to write, neither beside the files nor beside the state."""
    with read_only(repo.state.parent), read_only(repo.folder):
        done = start(repo, *arguments).wait()
    told(done, arguments)


def test_plan_sees_all_that_waits(repo: Repo) -> None:
    """The repo of these tests has something for every action that could tempt a command to write."""
    assert repo.actions("--changes-only") == {
        "doubtful": "blocked",
        "elsewhere": "move",
        "new": "create",
        "paused": "pause",
        "replaced": "replace",
        "retired": "retire",
    }


def test_apply_does_meet_the_failing_server(repo: Repo, tmp_path: Path, sandbox: Sandbox) -> None:
    """The server that these tests trust to refuse does refuse: the create of an apply ends in doubt."""
    other = a_repo(tmp_path, sandbox)
    other.write("msgflash.yaml", "version: 1\npolicy: {account_marker: false}\n")
    other.campaign("sale")
    assert other.apply().code == 3
    assert "sale" not in repo.records
    assert "in doubt" in other.run("state", "list").out
