"""A plan on a fresh machine, which has the state and no cache: only files that changed are worked out."""

from collections.abc import Callable
from pathlib import Path

import pytest

from msgflash_apply.sandbox.server import Sandbox
from msgflash_apply.state.snapshot import decode, encode
from tests.support.command import Completed, Repo
from tests.support.loading import modules_loaded_by
from tests.support.states import without_inputs

ALL = ("plan", "--format", "json")


@pytest.fixture
def applied(repo: Repo) -> Repo:
    """Make a repo of someone without a cache, in which everything is sent."""
    repo.environ["MSGFLASH_CACHE"] = "off"
    repo.write("msgflash.yaml", "version: 1\ncustom: {word: Hello}\n")
    repo.campaign("by-id")
    repo.campaign("by-name", instanceId=None, instance="boutique-principale", labels={"team": "shop"})
    repo.campaign("local", schedule="2099-07-01T10:00", timezone="Europe/Paris", body="{{ custom.word }}")
    repo.campaign("table", name="{{ each.key }}", for_each={"fr": 1, "de": 2})
    repo.campaign("kept", lifecycle={"on_remove": "keep"}, variables=None)
    repo.campaign("warned", repeat="weekly")
    repo.campaign("ordered", paused=False)
    head = repo.campaign("two", key="one").read_text(encoding="utf-8")
    repo.write(
        "campaigns/two.yaml", f"# two of them\n{head}---\n\n{head.replace('two', 'three').replace('one', 'next')}"
    )
    assert repo.apply().code == 0
    return repo


def afresh(repo: Repo, *arguments: str) -> Completed:
    """Plan with a state that tells nothing of files, as one of an older version does."""
    before = repo.state.read_bytes()
    repo.state.write_bytes(encode(without_inputs(decode(before, where="here"))))
    try:
        return repo.run(*arguments)
    finally:
        repo.state.write_bytes(before)


def worked_out(repo: Repo) -> bool:
    """Plan, and tell whether a file was worked out for it."""
    return "msgflash_apply.config.contents" in modules_loaded_by(repo, "plan", "--refresh", "none")


def comparable(done: Completed) -> object:
    """Leave out of a plan what two of the same differ in: when it was made, and the requests left."""
    document = {**done.document}
    requests = document.pop("requests")
    assert isinstance(requests, dict)
    del document["created_at"]
    return [done.code, done.err, document, requests["used"]]


def edit(repo: Repo, _sandbox: Sandbox) -> None:
    """Change a text."""
    repo.campaign("by-id", body="Something else")


def relabel(repo: Repo, _sandbox: Sandbox) -> None:
    """Change what is never sent."""
    repo.campaign("by-id", labels={"team": "shop"})


def remark(repo: Repo, _sandbox: Sandbox) -> None:
    """Move a campaign down in its file."""
    path = repo.folder / "campaigns/local.yaml"
    path.write_text(f"# a word\n\n{path.read_text(encoding='utf-8')}", encoding="utf-8")


def copy(repo: Repo, _sandbox: Sandbox) -> None:
    """Write the same mailing twice."""
    path = repo.folder / "campaigns/by-id.yaml"
    repo.write("campaigns/copy.yaml", path.read_text(encoding="utf-8"))


def clash(repo: Repo, _sandbox: Sandbox) -> None:
    """Take an address twice."""
    repo.write("campaigns/by-id.yml", (repo.folder / "campaigns/by-id.yaml").read_text(encoding="utf-8"))


def shorten(repo: Repo, _sandbox: Sandbox) -> None:
    """Take one campaign out of a file with two."""
    path = repo.folder / "campaigns/two.yaml"
    path.write_text(path.read_text(encoding="utf-8").partition("---")[0], encoding="utf-8")


def rename(repo: Repo, _sandbox: Sandbox) -> None:
    """Give a campaign another address, with the same bytes."""
    (repo.folder / "campaigns/by-id.yaml").rename(repo.folder / "campaigns/by-any.yaml")


def set_variable(repo: Repo, _sandbox: Sandbox) -> None:
    """Set a variable from outside."""
    repo.environ["MSGFLASH_VAR_word"] = "Goodbye"


def change_project(repo: Repo, _sandbox: Sandbox) -> None:
    """Give other defaults."""
    repo.write("msgflash.yaml", "version: 1\ncustom: {word: Hello}\ndefaults: {timezone: Asia/Tokyo}\n")


def forget(repo: Repo, _sandbox: Sandbox) -> None:
    """Take one campaign of a table off the record: it is to be created again, and its history forbids it."""
    assert repo.run("state", "rm", 'table["fr"]', "--auto-approve").code == 0


def move(repo: Repo, _sandbox: Sandbox) -> None:
    """Put a record elsewhere."""
    assert repo.run("state", "mv", "by-id", "elsewhere").code == 0


def retire(repo: Repo, _sandbox: Sandbox) -> None:
    """Take a file away for one apply."""
    path = repo.folder / "campaigns/by-id.yaml"
    text = path.read_text(encoding="utf-8")
    path.unlink()
    assert repo.apply().code == 0
    path.write_text(text, encoding="utf-8")


def vanish(_repo: Repo, sandbox: Sandbox) -> None:
    """Let MsgFlash forget every campaign."""
    sandbox.add_fault("GET /api/v1/campaigns/* 404 times=*")


EDITS = [
    edit, relabel, remark, copy, clash, shorten, rename, set_variable, change_project, forget, move, retire, vanish
]  # fmt: skip


def test_what_is_sent_is_not_worked_out(applied: Repo) -> None:
    """Where no file says more than the record, none is worked out; where one changed, it is."""
    for address in ("warned", "ordered"):
        applied.remove(address)
        assert applied.apply().code == 0

    assert not worked_out(applied)

    applied.campaign("by-id", labels={"team": "shop"})
    assert worked_out(applied)


@pytest.mark.parametrize("arguments", [(), ("--refresh", "none"), ("--offline",)], ids=" ".join)
def test_same_text(applied: Repo, arguments: tuple[str, ...]) -> None:
    """What the state tells reads as what would be worked out: counts, warnings, digest and exit code."""
    told, worked = applied.run("plan", *arguments), afresh(applied, "plan", *arguments)

    assert told.out.partition("Requests:")[0] == worked.out.partition("Requests:")[0]
    assert (told.code, told.err) == (worked.code, worked.err) == (0, "")
    assert "agree on 10 campaigns" in told.out


@pytest.mark.parametrize("change", [None, *EDITS], ids=lambda change: change and change.__name__)
def test_same_plan_of_all(applied: Repo, sandbox: Sandbox, change: Callable[[Repo, Sandbox], None] | None) -> None:
    """Every campaign of every plan is told as if all files had been worked out, whatever changed."""
    refresh = ("--refresh", "live") if change is vanish else ()
    if change is not None:
        change(applied, sandbox)

    told, worked = applied.run(*ALL, *refresh), afresh(applied, *ALL, *refresh)

    if not told.out:
        assert told == worked
        assert told.code == 1
        return
    assert comparable(told) == comparable(worked)


def test_line_is_that_of_the_document(applied: Repo) -> None:
    """Where a campaign is written is told as it is, of the second document of a file too."""
    changes = applied.plan()["changes"]
    assert isinstance(changes, list)

    lines = {change["address"]: change["source"]["line"] for change in changes}

    assert (lines["one"], lines["next"]) == (2, 11)


def test_apply_of_a_saved_plan_tells_the_same(repo: Repo, tmp_path: Path) -> None:
    """A plan that was saved brings into the record what an apply from files does."""
    repo.environ["MSGFLASH_CACHE"] = "off"
    repo.campaign("sale")
    file = str(tmp_path / "plan.json")

    assert repo.run("plan", "--out", file).code == 0
    assert repo.run("apply", file, "--auto-approve").code == 0

    assert not worked_out(repo)


def test_next_apply_that_sends_brings_the_record_up_to_date(applied: Repo) -> None:
    """After a variable was changed nothing is told by the record, until an apply writes it anyhow."""
    for address in ("warned", "ordered"):
        applied.remove(address)
    assert applied.apply().code == 0
    applied.environ["MSGFLASH_VAR_unused"] = "1"
    assert worked_out(applied)
    assert applied.apply().code == 0
    assert worked_out(applied)

    applied.campaign("new")
    assert applied.apply().code == 0

    assert not worked_out(applied)


def test_import_tells_the_same(applied: Repo) -> None:
    """A campaign that was taken into the record is as one that was sent."""
    for address in ("warned", "ordered"):
        applied.remove(address)
    identifier = str(applied.records["by-id"]["id"])  # type: ignore[index]
    assert applied.apply().code == 0
    assert applied.run("state", "rm", "by-id", "--auto-approve").code == 0

    assert applied.run("import", "by-id", identifier).code == 0

    assert not worked_out(applied)
