"""The `state` commands as people run them: what they change, what they refuse, and what they leave to go back to."""

import json
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from msgflash_apply.sandbox.server import Sandbox
from tests.support.command import Completed, Repo, a_repo, ids
from tests.support.scenes import Scenes, sale_in_doubt, sale_sent

LOST = "POST /api/v1/campaigns drop_after"


@pytest.fixture
def sold(repo: Repo, scenes: Scenes) -> Repo:
    """Make a repo whose campaign `sale` is created."""
    return scenes.begin(sale_sent, repo)


@pytest.fixture
def doubtful(repo: Repo, scenes: Scenes) -> Repo:
    """Make a repo whose campaign `sale` is in doubt."""
    return scenes.begin(sale_in_doubt, repo)


def backup(repo: Repo) -> bytes:
    """Read the document that the last change kept."""
    return repo.state.with_name("default.json.backup").read_bytes()


def kept(repo: Repo, *, name: str = "kept.json") -> Path:
    """Pull the state into a file."""
    return repo.write(name, repo.run("state", "pull").out)


def test_moved_campaign_is_the_one_of_its_new_file(sold: Repo) -> None:
    """After `state mv` and a rename of the file there is nothing to do."""
    moved = sold.run("state", "mv", "sale", "promo/sale")
    assert (moved.code, moved.err) == (0, "")
    assert "sale is promo/sale now" in moved.out

    sold.remove("sale")
    sold.campaign("promo/sale", name="sale", body="Hello from sale")

    assert sold.actions() == {"promo/sale": "no-op"}


def test_doubt_moves_too(doubtful: Repo) -> None:
    """A create in doubt can be moved, and stays in doubt."""
    moved = doubtful.run("state", "mv", "sale", "tea")
    assert "its create in doubt with it" in moved.out

    listed = doubtful.run("state", "list").out
    assert "tea      in doubt" in listed
    assert "sale" not in listed


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("sales", "tea"), "The state has no campaign sales.\nNear it: sale."),
        (("sale", "news"), "news is taken."),
        (("sale", "sale"), "sale is taken."),
        (("sale", "../tea"), "../tea is no address."),
    ],
)
def test_move_that_would_lose_something_is_refused(sold: Repo, arguments: tuple[str, str], said: str) -> None:
    """An unknown source, a taken target and what is no address change nothing."""
    sold.campaign("news")
    sold.apply()
    before = sold.files()

    refused = sold.run("state", "mv", *arguments)

    assert refused.code == 1
    assert said in refused.err
    assert sold.files() == before


def test_removed_campaign_is_in_the_history(sold: Repo, sandbox: Sandbox) -> None:
    """Whoever agrees takes the record out; its id is in the history, and its mailing is blocked."""
    identifier = ids(sandbox)["sale"]

    removed = sold.run_on_terminal("state", "rm", "sale", typed="y\n")

    assert removed.code == 0, removed.out
    assert "On MsgFlash it is left as it is" in removed.out
    assert "`import` brings it back" in " ".join(removed.out.split())
    assert identifier in sold.run("state", "history").out
    assert sold.run("state", "list").out == "The state holds no campaigns.\n"
    assert sold.actions() == {"sale": "blocked"}


def test_no_removes_nothing(sold: Repo) -> None:
    """Whoever says no has changed nothing."""
    before = sold.files()

    kept_as_it_was = sold.run_on_terminal("state", "rm", "sale", typed="n\n")

    assert kept_as_it_was.code == 0
    assert "Nothing was changed." in kept_as_it_was.out
    assert sold.files() == before


def test_removing_needs_somebody_who_agrees(sold: Repo) -> None:
    """Without a terminal and without --auto-approve nobody agreed; with it nobody is asked."""
    refused = sold.run("state", "rm", "sale")
    assert refused.code == 1
    assert "--auto-approve" in refused.err
    assert list(sold.records) == ["sale"]

    assert sold.run("state", "rm", "sale", "--auto-approve").code == 0
    assert sold.records == {}


def test_doubt_can_not_be_removed(doubtful: Repo) -> None:
    """A create in doubt is not removed: it would be sent again."""
    refused = doubtful.run("state", "rm", "sale", "--auto-approve")

    assert refused.code == 1
    assert "sale is in doubt." in refused.err
    assert "msgflash-apply resolve 'sale'" in refused.err


def test_history_of_one_address_as_json(sold: Repo, sandbox: Sandbox) -> None:
    """The history names replaced campaigns by their successors, and has the whole record of those removed."""
    first = ids(sandbox)["sale"]
    sold.campaign("sale", body="Another text", lifecycle={"on_change": "replace"})
    assert sold.apply().code == 0
    second = str(sandbox.campaigns()[1]["id"])
    sold.run("state", "rm", "sale", "--auto-approve")

    history = sold.run("state", "history", "sale", "--format", "json").document["history"]

    assert isinstance(history, list)
    assert [(past["id"], past["replaced_by"]) for past in history] == [(first, second), (second, None)]
    assert (history[0]["record"], history[1]["record"]["payload"]["body"]) == (None, "Another text")


def test_history_of_an_unknown_address(sold: Repo) -> None:
    """An address that never was is no empty history."""
    assert sold.run("state", "history", "sale").out == "The history holds no campaigns.\n"

    unknown = sold.run("state", "history", "sail")

    assert unknown.code == 1
    assert "Near it: sale." in unknown.err


def test_pulled_document_is_the_state(sold: Repo) -> None:
    """`state pull` prints the document byte for byte, and changes nothing."""
    before = sold.files()

    assert sold.run("state", "pull").out == sold.state.read_text(encoding="utf-8")

    assert sold.files() == before


def test_pulled_document_comes_back_on_a_new_disk(sold: Repo, sandbox: Sandbox, tmp_path: Path) -> None:
    """A backup pushed where no state ever was is the state again: nothing is to be done."""
    file = kept(sold)
    (tmp_path / "new").mkdir()
    new = a_repo(tmp_path / "new", sandbox)
    for path in new.state.parent.iterdir():
        path.unlink()
    new.campaign("sale")

    pushed = new.run("state", "push", str(file))

    assert pushed.code == 0, pushed.err
    assert "There was no state" in pushed.out
    assert new.actions() == {"sale": "no-op"}


def test_push_names_what_would_be_lost(sold: Repo, sandbox: Sandbox) -> None:
    """An old backup is refused with the id that it lacks; forced, it is taken, and the former document kept."""
    file = kept(sold)
    sold.campaign("tea")
    sold.apply()
    before, identifier = sold.state.read_bytes(), ids(sandbox)["tea"]

    refused = sold.run("state", "push", str(file))
    assert refused.code == 1
    assert "serial 3 -> 2, 2 -> 1 campaigns" in refused.err
    assert f"It lacks tea: campaign {identifier}." in refused.err
    assert sold.state.read_bytes() == before

    forced = sold.run("state", "push", str(file), "--force")
    assert (forced.code, list(sold.records)) == (0, ["sale"])
    assert f"Lost: tea, campaign {identifier}." in forced.err
    assert backup(sold) == before


def test_lost_doubt_is_named(repo: Repo, sandbox: Sandbox) -> None:
    """A push that forgets a create in doubt says so, before and after."""
    file = kept(repo)
    repo.campaign("sale")
    sandbox.add_fault(LOST)
    repo.apply()

    assert "It lacks sale: a create in doubt." in repo.run("state", "push", str(file)).err
    assert "Lost: sale, a create in doubt." in repo.run("state", "push", str(file), "--force").err


@pytest.mark.parametrize("force", [(), ("--force",)])
def test_damaged_document_is_never_pushed(sold: Repo, force: tuple[str, ...]) -> None:
    """A document altered by hand is refused, whatever force."""
    file = sold.write("kept.json", kept(sold).read_text(encoding="utf-8").replace('"serial": 2', '"serial": 9'))

    refused = sold.run("state", "push", str(file), *force)

    assert refused.code == 1
    assert "That is no whole state." in refused.err
    assert "altered by hand" in refused.err


def test_file_that_is_not_there_is_not_pushed(sold: Repo) -> None:
    """A file that cannot be read is told by its name."""
    assert "nowhere.json cannot be read." in sold.run("state", "push", "nowhere.json").err


def remove_sale(repo: Repo) -> Completed:
    """Take `sale` out."""
    return repo.run("state", "rm", "sale", "--auto-approve")


def move_sale(repo: Repo) -> Completed:
    """Move `sale`."""
    return repo.run("state", "mv", "sale", "tea")


def push_back(repo: Repo) -> Completed:
    """Push what is there already."""
    return repo.run("state", "push", str(kept(repo)), "--force")


def doubt_tea(repo: Repo) -> Completed:
    """Send another one whose answer is lost."""
    repo.sandbox.add_fault(LOST)
    repo.campaign("tea")
    done = repo.apply()
    return Completed(done.code - 3, done.out, done.err)


@pytest.mark.parametrize("change", [remove_sale, move_sale, push_back, doubt_tea])
def test_every_change_keeps_the_former_document(sold: Repo, change: Callable[[Repo], Completed]) -> None:
    """Whatever changes the state, the document before it lies beside it."""
    before = sold.state.read_bytes()

    done = change(sold)

    assert done.code == 0, done.err
    assert sold.state.read_bytes() != before
    assert backup(sold) == before


def test_resolving_keeps_the_former_document(doubtful: Repo) -> None:
    """A doubt that was resolved by mistake can be looked up in the backup."""
    doubtful.let_an_hour_pass()
    before = doubtful.state.read_bytes()

    assert doubtful.run("resolve", "sale", "--not-created", "--yes").code == 0

    assert backup(doubtful) == before


def test_lock_of_another_host_is_taken_away_by_its_id(sold: Repo) -> None:
    """A lock that another host left is broken by its id, and by no other; who has it is told."""
    left = {"host": "elsewhere", "lock_id": "run-1", "pid": 7, "since": "2026-11-23T12:00:00+00:00"}
    sold.write(".msgflash/default.lock", json.dumps({**left, "what": "apply", "who": "ada"}))

    refused = sold.run("state", "unlock", "run-2")
    assert refused.code == 1
    assert "the lock there is run-1, of ada on elsewhere (process 7) for `apply`" in refused.err
    assert socket.gethostname() not in refused.err

    assert sold.run("state", "unlock", "run-1").out == "Lock run-1 is gone.\n"
    assert sold.run("state", "mv", "sale", "tea").code == 0
