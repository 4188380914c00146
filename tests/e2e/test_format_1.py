"""
A state that the program wrote in format 1: read as it is, and upgraded by the next run that writes.

`format_1/` was made by that program: a repo, the state when all of it was sent (`settled`), the state and the journal
of a run that was killed between two creates (`crashed`, in plain text and encrypted), and the recovery file of a run
whose storage was taken away.
"""

import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from msgflash_apply.sandbox.server import Sandbox
from tests.support.command import Repo, created
from tests.support.keys import KEY

OLD = Path(__file__).parent / "format_1"


@pytest.fixture
def old(repo: Repo) -> Repo:
    """Make the repo of that time, without its state."""
    shutil.copytree(OLD / "campaigns", repo.folder / "campaigns", dirs_exist_ok=True)
    shutil.copy(OLD / "msgflash.yaml", repo.folder)
    for path in repo.state.parent.iterdir():
        path.unlink()
    return repo


def put(repo: Repo, name: str) -> list[Path]:
    """Put a state where the repo has its own, with the journal of its run if there is one; returns that."""
    shutil.copy(OLD / f"{name}.json", repo.state)
    journals = OLD.glob(f"{name}.journal-*.jsonl")
    return [
        Path(shutil.copy(journal, repo.state.with_name(journal.name.replace(name, "default")))) for journal in journals
    ]


def in_state(repo: Repo, **env: str) -> dict[str, object]:
    """Read the state as it is in memory, journals included."""
    document = repo.run("state", "pull", env=env).document
    return {name: sorted(document[name]) for name in ("campaigns", "in_doubt", "history")}  # type: ignore[call-overload]


def record_of_today(old: dict[str, Any], *, seen: object = None) -> dict[str, Any]:
    """Rewrite a record as the program of today does: without what planned faster, and with what was approved."""
    facts = {**old["facts"], "seen": seen}
    assert facts.pop("inputs").startswith("sha256:")
    return {**old, "facts": facts, "differs": [], "effect": None}


def document_of_today(old: dict[str, Any], server: str, numbered: Iterable[str]) -> dict[str, Any]:
    """Rewrite a document as the next apply does: it belongs to a server, and some campaigns have their number."""
    seen = {"content": None, "number": "+33612345678", "people": None, "max_people": None}
    return {
        **old,
        "format_version": 3,
        "server": server,
        "contents": {},
        "approved": None,
        "runs": [],
        "templates": {},
        "campaigns": {
            at: record_of_today(each, seen=seen if at in numbered else None) for at, each in old["campaigns"].items()
        },
        "history": {at: [record_of_today(each) for each in all_] for at, all_ in old["history"].items()},
    }


def without(document: dict[str, Any], *names: str) -> dict[str, Any]:
    """Leave out what every write changes."""
    return {name: value for name, value in document.items() if name not in {"checksum", "journal", *names}}


SENT = ["by-id", "by-name", "local", 'table["de"]', 'table["fr"]']


def test_nothing_is_to_be_done(old: Repo, sandbox: Sandbox) -> None:
    """For the same files nothing changes but what the state did not know: its server, and its campaigns' number."""
    put(old, "settled")
    before = json.loads(old.state.read_text())

    plan, applied = old.run("plan", "--refresh", "none"), old.apply()
    after, bytes_after = json.loads(old.state.read_text()), old.state.read_bytes()
    again = old.apply()

    assert [done.code for done in (plan, applied, again)] == [0, 0, 0]
    assert all(done.out.startswith("No changes.") for done in (plan, applied, again))
    expected = document_of_today(before, sandbox.url, numbered=SENT)
    assert without(after, "serial") == without(expected, "serial")
    assert after["serial"] == before["serial"] + 1
    assert old.state.read_bytes() == bytes_after
    assert created(sandbox) == {}


def test_next_apply_that_writes_upgrades(old: Repo, sandbox: Sandbox) -> None:
    """What is sent next is written in the new format, and with it all that was on record; the old one is the backup."""
    put(old, "settled")
    old.campaign("new")
    digest = old.plan()["digest"]

    assert old.apply().code == 0

    before, after = (json.loads(text) for text in (OLD.joinpath("settled.json").read_text(), old.state.read_text()))
    assert after["format_version"] == before["format_version"] + 2 == 3
    assert '"inputs"' not in old.state.read_text()
    new = after["campaigns"].pop("new")
    expected = document_of_today(before, sandbox.url, numbered=SENT)
    assert without(after, "serial", "approved", "runs") == without(expected, "serial", "approved", "runs")
    assert len(after["runs"]) == 1
    assert new["facts"]["seen"] == {"content": None, "number": "+33612345678", "people": 40, "max_people": None}
    assert (after["approved"]["digest"], after["approved"]["changes"]) == (digest, {"new": "create"})
    assert created(sandbox) == {"new": 1}
    assert old.run("state", "history", "--backups").code == 0
    assert json.loads(old.state.with_name("default.json.backup").read_text())["format_version"] == 1


@pytest.mark.parametrize(("name", "env"), [("crashed", {}), ("encrypted-crashed", {"MSGFLASH_STATE_KEY": KEY})])
def test_journal_of_a_run_that_was_killed(old: Repo, sandbox: Sandbox, name: str, env: dict[str, str]) -> None:
    """What the run had announced, sent and renewed is known: nothing of it is sent again."""
    (journal,) = put(old, name)
    for address in ("lost", "new", "next"):
        old.campaign(address)
    found = {"campaigns": sorted([*SENT, "new"]), "in_doubt": ["lost", "next"], "history": ["old"]}

    assert in_state(old, **env) == found
    assert old.run("apply", "--auto-approve", env=env).code == 3
    assert created(sandbox) == {}
    assert not journal.exists()
    assert in_state(old, **env) == found
    document = old.run("state", "pull", env=env).document
    assert document["format_version"] == 3
    assert document["campaigns"]["by-name"]["facts"]["labels"] == {"team": "shop"}  # type: ignore[index]


def test_recovery_file(old: Repo) -> None:
    """What a run could not store comes in, and twice does no harm."""
    shutil.copy(OLD / "crashed.json", old.state)

    for _ in range(2):
        assert old.run("state", "recover", str(OLD / "recovery.jsonl")).code == 0

    assert in_state(old) == {"campaigns": sorted([*SENT, "new", "next"]), "in_doubt": ["lost"], "history": ["old"]}


def test_pulled_document_can_be_pushed(old: Repo, tmp_path: Path) -> None:
    """A copy in format 1 takes the place of a state, and a copy of one in format 1 is pulled in the new format."""
    put(old, "settled")
    pulled = tmp_path / "pulled.json"
    pulled.write_text(old.run("state", "pull").out, encoding="utf-8")
    old.state.unlink()

    assert json.loads(pulled.read_text())["format_version"] == 3
    assert old.run("state", "push", str(OLD / "settled.json")).code == 0
    assert json.loads(old.state.read_text())["format_version"] == 3
    assert in_state(old) == {"campaigns": SENT, "in_doubt": [], "history": ["old"]}
    assert old.run("state", "push", "--force", str(pulled)).code == 0
    assert "\nNo changes." in old.run("plan", "--offline").out
