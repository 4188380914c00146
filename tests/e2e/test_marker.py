"""What the account remembers of a state: old copies, second states and lost journals create nothing again."""

import shutil
from pathlib import Path

import pytest

from msgflash_apply.sandbox.server import Sandbox
from msgflash_apply.sandbox.values import Template
from tests.support.command import Repo, created, wait_until
from tests.support.processes import announced

BEHIND = "This state is not the one that was written last."
OFF = "version: 1\npolicy: {account_marker: false}\n"


def markers(sandbox: Sandbox) -> list[Template]:
    """Find the markers among the account's templates."""
    return [one for one in sandbox.world.templates.values() if one.name.startswith("msgflash-apply state ")]


def writes(sandbox: Sandbox) -> list[str]:
    """List the requests that changed something."""
    return [f"{seen.method} {seen.path.split('/')[3]}" for seen in sandbox.requests if seen.method != "GET"]


@pytest.fixture
def begun(repo: Repo) -> Repo:
    """Create a first campaign."""
    repo.campaign("first")
    assert repo.apply().code == 0
    return repo


def test_account_remembers_who_wrote_the_state(begun: Repo, sandbox: Sandbox) -> None:
    """The marker is written before the first create and after the last, by one template for every apply."""
    begun.campaign("second")
    assert begun.apply().code == 0
    [marker] = markers(sandbox)
    said = dict(line.split(": ", 1) for line in (marker.body or "").splitlines()[1:])

    first = ["POST templates", "POST campaigns", "PUT templates"]
    assert writes(sandbox) == [*first, "PUT templates", "POST campaigns", "PUT templates"]
    assert marker.name.endswith("(do not delete)")
    assert (said["environment"], said["campaigns"]) == ("default", "2")
    assert f'"serial": {said["serial"]}' in begun.state.read_text()
    assert said["run"] in begun.state.read_text()


def test_what_creates_nothing_neither_asks_nor_writes(begun: Repo, sandbox: Sandbox) -> None:
    """A pause is never kept back for what the account remembers: it is the brake."""
    shutil.copy(begun.state, begun.folder / "yesterday.json")
    begun.campaign("second")
    assert begun.apply().code == 0
    shutil.copy(begun.folder / "yesterday.json", begun.state)
    begun.remove("second")
    begun.campaign("first", paused=True)
    before = len(sandbox.requests)
    assert begun.apply().code == 0
    assert not any("/templates" in seen.path for seen in sandbox.requests[before:])


@pytest.mark.parametrize("command", [("plan",), ("apply", "--auto-approve")], ids=["plan", "apply"])
def test_older_copy_of_the_state_is_refused(begun: Repo, sandbox: Sandbox, command: tuple[str, ...]) -> None:
    """Yesterday's folder, put back, would create again what it does not know of."""
    shutil.copytree(begun.state.parent, begun.folder / "yesterday")
    begun.campaign("second")
    assert begun.apply().code == 0
    shutil.rmtree(begun.state.parent)
    shutil.copytree(begun.folder / "yesterday", begun.state.parent)
    refused = begun.run(*command)

    assert (refused.code, created(sandbox)) == (1, {"first": 1, "second": 1})
    assert BEHIND in refused.err
    assert "msgflash-apply import" in refused.err
    # A person who knows better has the last word, and then this state is the one that is remembered.
    begun.remove("second")
    begun.campaign("third")
    assert begun.apply("--override", "account-marker").code == 0
    begun.campaign("fourth")
    assert begun.apply().code == 0


def test_lost_journal_of_a_killed_run_is_found_out(begun: Repo, sandbox: Sandbox) -> None:
    """A disk that comes back without the journal of a run has lost the ids that this run created."""
    begun.campaign("second")
    sandbox.add_fault("POST /api/v1/campaigns delay seconds=30")
    running = begun.start("apply", "--auto-approve")
    wait_until(lambda: "second" in announced(begun.state.parent))
    running.process.kill()
    running.wait()
    sandbox.clear_faults()
    kept = begun.folder / "kept"
    shutil.copytree(begun.state.parent, kept)
    for journal in begun.state.parent.glob("default.journal-*"):
        journal.unlink()
    refused = begun.apply()
    assert (refused.code, BEHIND in refused.err) == (1, True)
    shutil.rmtree(begun.state.parent)
    shutil.copytree(kept, begun.state.parent)

    # With its journal the state knows of that run: the create is in doubt, and others go on.
    begun.campaign("third")
    done = begun.apply()
    assert (done.code, created(sandbox)["third"]) == (3, 1)
    assert created(sandbox).get("second", 0) <= 1


def test_second_state_of_an_account_must_be_meant(begun: Repo, sandbox: Sandbox, tmp_path: Path) -> None:
    """A clone without the state is not to begin a new one, as it would create every campaign again."""
    clone = Repo(tmp_path / "clone", sandbox)
    clone.folder.mkdir()
    shutil.copytree(begun.folder / "campaigns", clone.folder / "campaigns")
    refused = clone.run("init")

    assert refused.code == 1
    assert "The account has a state already." in refused.err
    assert "environment default: lineage " in refused.err
    assert not clone.state.exists()
    assert clone.run("init", "--another").code == 0
    clone.remove("first")
    clone.campaign("other")
    assert clone.apply().code == 0
    assert len(markers(sandbox)) == 2
    begun.campaign("second")
    assert begun.apply().code == 0


@pytest.mark.parametrize(
    ("key", "why"), [("", "There is no API key."), ("msgf_live_wrong", "MsgFlash does not accept the API key.")]
)
def test_state_begun_without_looking_is_found_out(
    begun: Repo, sandbox: Sandbox, tmp_path: Path, key: str, why: str
) -> None:
    """Without a key `init` says that it did not look; the first apply does, and refuses."""
    clone = Repo(tmp_path / "clone", sandbox)
    clone.folder.mkdir()
    shutil.copytree(begun.folder / "campaigns", clone.folder / "campaigns")
    done = clone.run("init", env={"MSGFLASH_API_KEY": key})
    refused = clone.apply()

    assert done.code == 0
    assert f"The account was not looked at for other states: {why}" in done.err
    assert refused.code == 1
    assert "The account belongs to another state of this environment." in refused.err
    assert created(sandbox) == {"first": 1}


def test_end_that_is_not_written_is_a_warning(begun: Repo, sandbox: Sandbox) -> None:
    """That the run began is remembered; the next apply goes on from there."""
    begun.campaign("second")
    sandbox.add_fault("PUT /api/v1/templates/* 400 code=VALIDATION_ERROR skip=1 times=*")
    done = begun.apply()
    assert done.code == 0
    assert "MF526" in done.out
    assert "the account's marker of the state was not brought up to date" in done.out
    sandbox.clear_faults()
    begun.campaign("third")
    assert begun.apply().code == 0


def test_policy_does_without(repo: Repo, sandbox: Sandbox) -> None:
    """`policy.account_marker: false` neither reads nor writes one."""
    repo.write("msgflash.yaml", OFF)
    repo.campaign("first")
    assert repo.apply().code == 0
    assert not any("/templates" in seen.path for seen in sandbox.requests)
    assert repo.run("state", "list").code == 0


def test_offline_says_what_was_not_looked_up(begun: Repo) -> None:
    """Without a request it cannot be known whether the state is the latest, where it matters."""
    assert "whether this state is the latest" not in begun.run("plan", "--offline").out
    begun.campaign("second")
    assert "whether this state is the latest was not looked up" in begun.run("plan", "--offline").out
