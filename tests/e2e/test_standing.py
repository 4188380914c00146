"""Nothing changed: the next plan says so without working it out again, and notices whatever is otherwise."""

import os
import shutil
import zoneinfo
from collections.abc import Callable
from pathlib import Path

import pytest

from msgflash_apply import __version__
from msgflash_apply.sandbox.seed import BOUTIQUE_ID
from msgflash_apply.sandbox.server import Sandbox
from tests.support.command import Repo

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def still(repo: Repo, tmp_path_factory: pytest.TempPathFactory) -> Repo:
    """Make a repo with a cache of its own, whose last plan found nothing to do."""
    repo.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))
    repo.campaign("by-name", instanceId=None, instance="boutique-principale")
    repo.campaign("by-id", repeat="weekly")
    texts = {"body": "{{ custom.word }}", "custom": {"word": "Hello"}}
    repo.campaign("local", schedule="2099-07-01T10:00", timezone="Europe/Paris", **texts)
    assert repo.apply().code == 0
    assert repo.run("plan").code == 0
    return repo


@pytest.mark.parametrize("arguments", [(), ("--refresh", "none"), ("--offline",)], ids=" ".join)
def test_same_text_with_and_without_it(still: Repo, arguments: tuple[str, ...]) -> None:
    """What is remembered reads as what would be worked out: counts, warnings, requests, digest and exit code."""
    again = still.run("plan", *arguments)
    afresh = still.run("plan", *arguments, env={"MSGFLASH_CACHE": "off"})

    assert again == afresh
    assert "agree on 3 campaigns" in again.out
    assert "MF403" in again.out


def test_names_cost_what_they_cost(still: Repo, sandbox: Sandbox) -> None:
    """Names are asked for as in any plan, once; with `--refresh none` they are not."""
    before = len(sandbox.requests)
    still.run("plan")
    asked = len(sandbox.requests) - before
    still.run("plan", "--refresh", "none")

    assert (asked, len(sandbox.requests) - before) == (1, 1)


def without_quota(text: str) -> str:
    """Leave out the line that tells how many requests are left: every plan leaves fewer."""
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith("Requests:"))


def edit_a_file(repo: Repo, _sandbox: Sandbox) -> None:
    """Change a text."""
    repo.campaign("by-id", body="Something else")


def add_a_file(repo: Repo, _sandbox: Sandbox) -> None:
    """Write a new campaign."""
    repo.campaign("new")


def remove_a_file(repo: Repo, _sandbox: Sandbox) -> None:
    """Delete a campaign."""
    repo.remove("by-id")


def rename_a_file(repo: Repo, _sandbox: Sandbox) -> None:
    """Give a campaign another address, with the same bytes."""
    (repo.folder / "campaigns/by-id.yaml").rename(repo.folder / "campaigns/by-any.yaml")


def change_a_variable(repo: Repo, _sandbox: Sandbox) -> None:
    """Set a variable from outside."""
    repo.environ["MSGFLASH_VAR_word"] = "Goodbye"


def touch_the_state(repo: Repo, _sandbox: Sandbox) -> None:
    """Take a campaign off the record."""
    assert repo.run("state", "rm", "by-id", "--auto-approve").code == 0


def lose_the_state(repo: Repo, _sandbox: Sandbox) -> None:
    """Delete the state."""
    repo.state.unlink()


def leave_a_journal(repo: Repo, _sandbox: Sandbox) -> None:
    """Leave half a line of a journal, as a run at work would."""
    (repo.folder / ".msgflash/default.journal-0000.jsonl").write_text("not a journal\n")


def change_the_clocks(repo: Repo, _sandbox: Sandbox) -> None:
    """Let Paris have the time of Tokyo from now on, in a folder of rules that comes before the system's."""
    rules = next(folder for folder in map(Path, zoneinfo.TZPATH) if (folder / "Asia/Tokyo").exists())
    own = repo.folder.parent / f"{repo.folder.name}-zones"
    (own / "Europe").mkdir(parents=True)
    shutil.copy(rules / "Asia/Tokyo", own / "Europe/Paris")
    repo.environ["PYTHONTZPATH"] = f"{own}{os.pathsep}{rules}"


@pytest.mark.parametrize(
    "happens",
    [
        edit_a_file, add_a_file, remove_a_file, rename_a_file, change_a_variable, touch_the_state, lose_the_state,
        leave_a_journal, change_the_clocks,
    ],
)  # fmt: skip
def test_whatever_is_otherwise_is_noticed(
    still: Repo, sandbox: Sandbox, happens: Callable[[Repo, Sandbox], None]
) -> None:
    """With anything else in files or state, the plan is what it is without a memory, and not the last one."""
    last = still.run("plan")
    happens(still, sandbox)

    now, afresh = still.run("plan"), still.run("plan", env={"MSGFLASH_CACHE": "off"})

    assert (now.code, without_quota(now.out), now.err) == (afresh.code, without_quota(afresh.out), afresh.err)
    assert (now.code, now.out) != (last.code, last.out)


def test_another_version_makes_its_own_plan(still: Repo, tmp_path_factory: pytest.TempPathFactory) -> None:
    """What one version of the program remembers is nothing to another, which works it out again."""
    site = tmp_path_factory.mktemp("site")
    for name in ("msgflash_apply", "schemas"):
        shutil.copytree(CHECKOUT / name, site / name)
    still.environ["PYTHONPATH"] = str(site)
    said = still.run("plan", "--offline")
    (known,) = Path(still.environ["XDG_CACHE_HOME"]).rglob("standing-*.json")
    remembered, version = known.read_bytes(), site / "msgflash_apply/__init__.py"
    version.write_text(version.read_text(encoding="utf-8").replace(__version__, "99.0"), encoding="utf-8")

    assert "99.0" in still.run("--version").out
    assert (known.read_bytes(), still.run("plan", "--offline")) == (remembered, said)
    assert known.read_bytes() != remembered


def test_name_that_means_something_else_is_noticed(still: Repo, sandbox: Sandbox) -> None:
    """When a name on MsgFlash stands for nothing any more, the plan says so, though no file changed."""
    sandbox.world.instances[BOUTIQUE_ID].name = "renamed"

    asking, not_asking = still.run("plan"), still.run("plan", "--refresh", "none")

    assert (asking.code, "MF503" in asking.err) == (1, True)
    assert (not_asking.code, "agree on 3 campaigns" in not_asking.out) == (0, True)


def test_damaged_memory_is_as_good_as_none(still: Repo) -> None:
    """A memory that was altered, or belongs to another state, is not believed."""
    said = still.run("plan")
    for file in Path(still.environ["XDG_CACHE_HOME"], "msgflash-apply").iterdir():
        file.write_bytes(file.read_bytes().replace(b"3", b"4"))

    assert still.run("plan") == said


def test_programs_get_every_campaign(still: Repo) -> None:
    """Formats that list unchanged campaigns list them all, whatever is remembered."""
    assert len(still.actions()) == 3
    assert still.run("plan", "--target", "by-id").out.count("agree on 1 campaign;") == 1


def test_key_is_still_needed(still: Repo) -> None:
    """What is wrong with the environment is said, though nothing would have to be asked."""
    done = still.run("plan", "--refresh", "none", env={"MSGFLASH_API_KEY": ""})

    assert (done.code, "There is no API key." in done.err) == (1, True)
