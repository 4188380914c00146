"""What a server says is shown and does nothing: no escape sequence and no invisible character reaches a terminal."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from msgflash_apply.report.safe_text import SUSPECT
from msgflash_apply.sandbox.seed import BOUTIQUE_ID
from msgflash_apply.sandbox.server import Sandbox
from tests.support.command import FAST, Completed, Repo, a_repo, in_days
from tests.support.hostile import Behaviour, Spoken, hostile_server

EVIL = "\x1b[2J\x1b]0;owned\x07\u202e\u200b\x9b31m\r\ud800"
"""Clear the screen, rename the window, turn the text around."""

NAME = f"boutique{EVIL}"
CAMPAIGN: Mapping[str, object] = {
    "id": f"id{EVIL}",
    "status": f"running{EVIL}",
    "instanceId": BOUTIQUE_ID,
    "name": f"sale{EVIL}",
    "schedule": in_days(30),
    "recipients": {"type": f"tags{EVIL}", "value": [f"vip{EVIL}"]},
    "type": "text",
    "body": EVIL,
    "safety": {"decision": EVIL, "risk": EVIL, "reasons": [EVIL], "recommendations": [EVIL]},
    "stats": {"planned": 1, "sent": 1},
}


def kind(method: str, path: str, _key: str) -> Spoken:
    """Do what is asked, in words that hold evil."""
    if path.endswith("/instances"):
        return 200, {}, {"data": [{"id": BOUTIQUE_ID, "name": NAME, "status": EVIL}]}
    if "/templates" in path:
        return 200, {}, {"data": {"templates": [{"id": EVIL, "name": EVIL}], "total": 1}}
    if path.endswith("/usage"):
        return 200, {}, {"data": {}}
    return (201 if method == "POST" else 200), {}, {"data": CAMPAIGN}


def unkind(method: str, path: str, key: str) -> Spoken:
    """Let nobody create, in words that hold evil."""
    if method == "POST":
        return 400, {}, {"error": {"code": f"CODE{EVIL}", "message": EVIL, "details": {EVIL: EVIL}}}
    return kind(method, path, key)


def refusing(_method: str, _path: str, _key: str) -> Spoken:
    """Refuse whatever is asked."""
    return 403, {}, {"error": {"code": f"CODE{EVIL}", "message": EVIL}}


COMMANDS = {
    kind: (
        ("apply", "--auto-approve"),
        ("plan", "--refresh", "live"),
        ("status",),
        ("state", "list"),
        ("import", "other", "x"),
        ("import", "other", "x", "--generate"),
    ),
    unkind: (("apply", "--auto-approve"), ("apply", "--auto-approve", "--format", "json")),
    refusing: (("plan",),),
}


@pytest.mark.parametrize("behaviour", COMMANDS)
def test_nothing_that_a_server_says_acts_on_a_terminal(tmp_path: Path, behaviour: Behaviour) -> None:
    """Whatever a server answers to whichever command, every line of output can be looked at."""
    with Sandbox(FAST) as sandbox, hostile_server(behaviour) as url:
        repo = a_repo(tmp_path, sandbox)
        repo.campaign("sale")
        said = [repo.run(*command, env={"MSGFLASH_BASE_URL": url}) for command in COMMANDS[behaviour]]

    for command, each in zip(COMMANDS[behaviour], said, strict=True):
        assert "bug in msgflash-apply" not in each.err, command
        assert "Traceback" not in each.err, command
        assert_harmless(each)


@pytest.mark.parametrize("name", ["default.json", "default.lock", "default.journal-x.jsonl"])
def test_nothing_that_a_state_says_acts_on_a_terminal(tmp_path: Path, name: str) -> None:
    """A message about a state or lock quotes what lies there in characters that can be seen."""
    with Sandbox(FAST) as sandbox:
        repo = a_repo(tmp_path, sandbox)
        (repo.folder / ".msgflash" / name).write_bytes(b'{"format_version": "\x1b[2J", "\xe2\x80\xae": 1')
        command = ("state", "unlock", f"x{EVIL[:4]}") if name == "default.lock" else ("plan", "--offline")
        assert_harmless(repo.run(*command))


def assert_harmless(said: Completed) -> None:
    """Assert that no character of an output acts on a terminal, line breaks aside."""
    for text in (said.out, said.err):
        assert SUSPECT.search(text.replace("\n", "")) is None, text


def test_repo_is_told_apart_from_a_harmless_one(repo_of_evil: Repo) -> None:
    """Names of files with escape sequences are shown escaped, in every command that names them."""
    for command in (("validate",), ("fmt", "--check")):
        assert_harmless(repo_of_evil.run(*command))


@pytest.fixture
def repo_of_evil(tmp_path: Path) -> Repo:
    """Make a repo whose file names hold what a terminal would obey; nothing listens to its requests."""
    with Sandbox(FAST) as sandbox:
        repo = a_repo(tmp_path, sandbox)
    folder = repo.folder / "campaigns/\x1b[31m"
    folder.mkdir()
    (folder / "a\u202e\n.yaml").write_text("name: [a\n")
    (folder / "b\x1b]0;x\x07.yaml").write_text("body:   x\nname: y\n")
    return repo
