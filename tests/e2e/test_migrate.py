"""A state that moves house, as people move it: what they are told, and who is refused; and former documents."""

import json
from pathlib import Path

import pytest

from msgflash_apply.sandbox.server import Sandbox
from tests.support.command import Repo, created
from tests.support.scenes import Scenes, tea_in_doubt
from tests.support.stores import Stores

NEW = "state/{environment}.json"


@pytest.fixture
def sold(repo: Repo, scenes: Scenes) -> Repo:
    """Make a repo whose campaign `sale` is created and whose campaign `tea` is in doubt."""
    return scenes.begin(tea_in_doubt, repo)


@pytest.fixture
def moved(repo: Repo, scenes: Scenes) -> Repo:
    """Make such a repo whose state has moved, with a document that was pulled before, and a new campaign."""
    return scenes.begin(state_moved, repo)


def state_moved(repo: Repo) -> None:
    """Move the state of a repo as above, and leave the former place in its settings."""
    tea_in_doubt(repo)
    repo.write("kept.json", repo.run("state", "pull").out)
    assert repo.run("state", "migrate", NEW).code == 0
    repo.campaign("news")


def settle_in(repo: Repo) -> None:
    """Say in msgflash.yaml where the state is now."""
    repo.write("msgflash.yaml", f'version: 1\nstate: "{NEW}"\napi: {{requests_per_second: 10}}\n')


def test_move_tells_what_moved_and_what_to_change(sold: Repo) -> None:
    """The counts, the copy that stays, the line for msgflash.yaml, and how to compare."""
    moved = sold.run("state", "migrate", NEW)

    assert (moved.code, moved.err) == (0, "")
    assert moved.out == (
        "The state of environment default is at state/{environment}.json now: "
        "serial 5, 1 campaign, 1 in doubt, 0 in the history.\n"
        "The one at .msgflash/default.json is a last copy, marked as moved: runs that still use it are refused.\n\n"
        'Before the next run, set this in msgflash.yaml:\n    state: "state/{environment}.json"\n'
        "Unsure whether all of it arrived? Compare the two:\n"
        "    MSGFLASH_STATE='state/{environment}.json' msgflash-apply state pull\n"
        "    MSGFLASH_STATE=.msgflash/default.json msgflash-apply state pull --moved\n"
    )


def test_everything_goes_on_at_the_new_place(sold: Repo, sandbox: Sandbox) -> None:
    """The next plan there is what it was, and an apply goes on from it."""
    before = sold.actions()
    sold.run("state", "migrate", NEW)
    settle_in(sold)

    assert sold.actions() == before == {"sale": "no-op", "tea": "blocked"}
    sold.campaign("news")
    assert sold.apply().code == 3
    assert created(sandbox) == {"sale": 1, "tea": 1, "news": 1}


@pytest.mark.parametrize(
    "command",
    [
        ("plan",),
        ("apply", "--auto-approve"),
        ("init",),
        ("state", "list"),
        ("state", "pull"),
        ("state", "push", "kept.json", "--force"),
        ("state", "migrate", "third.json"),
    ],
    ids=" ".join,
)
def test_forgotten_pipeline_is_refused(moved: Repo, sandbox: Sandbox, command: tuple[str, ...]) -> None:
    """Whoever still uses the old place sends nothing, and is told where the state is."""
    before = moved.files()

    refused = moved.run(*command)

    assert refused.code == 1
    assert "Error: The state has moved." in refused.err
    assert json.loads(moved.state.read_text())["moved"] in refused.err.replace("\n", "")
    assert moved.files() == before
    assert "news" not in created(sandbox)


def test_two_copies_compare_equal_but_for_the_mark(sold: Repo) -> None:
    """What `pull` prints at the new place and `pull --moved` at the old one differ in nothing that was sent."""
    sold.run("state", "migrate", NEW)

    copy = sold.run("state", "pull", "--moved").document
    live = sold.run("state", "pull", env={"MSGFLASH_STATE": NEW}).document

    told = ("campaigns", "in_doubt", "history", "lineage")
    assert [copy[part] for part in told] == [live[part] for part in told]
    assert ("moved" in live, copy["moved"]) == (False, str(sold.folder / "state/default.json"))


def test_live_state_is_no_copy(sold: Repo) -> None:
    """`pull --moved` is for a state that has moved, and `--backup` is another document."""
    assert "The state has not moved." in sold.run("state", "pull", "--moved").err
    both = sold.run("state", "pull", "--moved", "--backup", "default.json.backup")
    assert (both.code, "give one of them" in both.err) == (1, True)


def test_place_outside_the_repo_is_for_the_environment(sold: Repo, tmp_path: Path) -> None:
    """A path that msgflash.yaml may not hold is told as a variable, and moving again says the same."""
    elsewhere = str(tmp_path / "elsewhere.json")

    first, again = (sold.run("state", "migrate", elsewhere) for _ in range(2))

    assert f"Before the next run, set this:\n    export MSGFLASH_STATE={elsewhere}\n" in first.out
    assert again == first


def test_state_moves_to_a_server(sold: Repo, stores: Stores, tmp_path: Path) -> None:
    """One command moves the state from a file to a server, with the credentials that the environment holds."""
    place = stores.place("http", tmp_path)
    sold.environ |= place.environ

    moved = sold.run("state", "migrate", place.url)

    assert (moved.code, moved.err) == (0, "")
    assert f'    state: "{place.url}"\n' in moved.out
    assert sold.run("state", "list").code == 1
    sold.environ["MSGFLASH_STATE"] = place.url
    assert sold.actions() == {"sale": "no-op", "tea": "blocked"}


def test_named_environment_moves_alone(repo: Repo) -> None:
    """The environment's name fills in the URL, and the commands that are told name it."""
    repo.write("msgflash.yaml", "version: 1\nenvironments: {default: {}, staging: {}}\n")
    repo.run("--env", "staging", "init")

    moved = repo.run("--env", "staging", "state", "migrate", NEW)

    assert "msgflash-apply --env staging state pull" in moved.out
    assert (repo.folder / "state/staging.json").exists()
    assert repo.run("--env", "default", "plan").code == 0


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (".msgflash/default.json", "A state cannot move to where it is."),
        ("taken.json", "That place is taken."),
        ("ftp://somewhere/state", "It begins with `ftp://`, which no storage of a state has."),
        ("postgresql://ada:hunter2@db/state", "The URL holds a password."),
        ("msgflash.yaml/state.json", "Something on that path is no folder."),
    ],
)
def test_impossible_move_changes_nothing(sold: Repo, url: str, said: str) -> None:
    """A place that cannot be is refused with what to do, and never shows a password."""
    sold.write("taken.json", sold.run("state", "pull").out)
    before = sold.state.read_bytes()

    refused = sold.run("state", "migrate", url)

    assert refused.code == 1
    assert said in refused.err
    assert "hunter2" not in refused.err
    assert "Traceback" not in refused.err
    assert sold.state.read_bytes() == before


def test_run_at_work_is_waited_for(sold: Repo) -> None:
    """A move takes the lock, and says whose it is when it cannot wait any longer."""
    left = {"host": "elsewhere", "lock_id": "run-1", "pid": 7, "since": "2026-11-23T12:00:00+00:00"}
    sold.write(".msgflash/default.lock", json.dumps({**left, "what": "apply", "who": "ada"}))

    refused = sold.run("state", "migrate", NEW, "--lock-timeout", "0s")

    assert refused.code == 1
    assert "held by ada on elsewhere" in refused.err
    assert not (sold.folder / "state").exists()


def test_former_documents_are_listed(sold: Repo) -> None:
    """What the storage keeps is listed with how to print it, as text and as JSON."""
    backup = sold.state.with_name("default.json.backup")

    listed = sold.run("state", "history", "--backups").out
    assert listed.split("\n")[0].split() == ["NAME", "WHEN", "SIZE"]
    assert f"{backup.stat().st_size} bytes" in listed
    assert "msgflash-apply state pull --backup default.json.backup" in listed

    [spelled] = json.loads(sold.run("state", "history", "--backups", "--format", "json").out)["backups"]
    assert (spelled["name"], spelled["size_bytes"]) == (backup.name, backup.stat().st_size)
    assert spelled["written_at"].endswith("Z")


def test_new_state_has_no_former_documents(repo: Repo) -> None:
    """Where nothing was replaced yet there is nothing to go back to; and a document is of no single address."""
    assert repo.run("state", "history", "--backups").out == "The storage keeps no former documents.\n"
    slip = repo.run("state", "history", "--backups", "sale")
    assert (slip.code, "give no ADDRESS" in slip.err) == (1, True)


def test_former_document_is_printed_byte_for_byte(sold: Repo) -> None:
    """`pull --backup` prints what was kept, so that `push` can take it; a damaged one and none are refused."""
    backup = sold.state.with_name("default.json.backup")
    kept = backup.read_text(encoding="utf-8")
    printed = sold.run("state", "pull", "--backup", backup.name)
    assert (printed.code, printed.out) == (0, kept)

    backup.write_text(kept.replace('"serial": 2', '"serial": 9'), encoding="utf-8")
    damaged, unknown = (sold.run("state", "pull", "--backup", name) for name in (backup.name, "another"))

    assert (damaged.code, damaged.out, unknown.code) == (1, "", 1)
    assert "The backup is damaged." in damaged.err
    assert "There is no such backup." in unknown.err
