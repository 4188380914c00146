"""`list` with the real command: what the account has, with the names and ids that files hold."""

from msgflash_apply.sandbox.seed import BOUTIQUE_ID, PRESS_ID, contact_id
from msgflash_apply.sandbox.server import Sandbox
from tests.support.command import Repo
from tests.support.sandbox import JsonObject


def rows(repo: Repo, kind: str) -> list[JsonObject]:
    """List one kind as JSON."""
    document = repo.run("list", kind, "--format", "json").document
    found = document[kind]
    assert document["format_version"] == "1.0"
    assert isinstance(found, list)
    return found


def test_each_kind_as_text_and_json(repo: Repo, sandbox: Sandbox) -> None:
    """Every kind is one list with a format version; as text no line is wider than 80 columns."""
    listed = {}
    for kind in ("instances", "templates", "groups", "tags"):
        assert max(map(len, repo.run("list", kind).out.splitlines())) <= 80
        listed[kind] = rows(repo, kind)

    boutique = {"id": BOUTIQUE_ID, "name": "boutique-principale", "number": "+33612345678", "status": "connected"}
    assert boutique in listed["instances"]
    assert {"id": PRESS_ID, "name": "press", "contacts": 5} in listed["groups"]
    assert {"name": "paris", "contacts": 40} in listed["tags"]
    assert [one["name"] for one in listed["templates"]] == ["loyalty-card", "seasonal-visit", "welcome"]
    assert listed["templates"][2]["variables"] == ["contact.firstName", "custom.brand", "custom.code"]
    assert not [seen for seen in sandbox.requests if seen.method != "GET"]


def test_marker_of_a_state_is_no_template_to_use(repo: Repo) -> None:
    """What the account remembers of a state is not listed."""
    repo.campaigns(1)
    repo.apply()

    assert "msgflash-apply state" not in repo.run("list", "templates").out


def test_tags_of_too_many_contacts_are_not_read(repo: Repo, sandbox: Sandbox) -> None:
    """More requests than counting an audience may take are not sent, and the error says how many it would be."""
    known = next(iter(sandbox.world.contacts.values()))
    sandbox.world.contacts |= {contact_id(number): known for number in range(1000, 3000)}
    asked = len(sandbox.requests)
    done = repo.run("list", "tags")

    assert done.code == 1
    assert "Reading them takes 22 requests; at most 20 are sent." in done.err
    assert len(sandbox.requests) - asked == 1


def test_strange_names_are_shown_as_text(repo: Repo, sandbox: Sandbox) -> None:
    """What acts on a terminal or cannot be seen is escaped, and JSON holds it as it is."""
    sandbox.world.groups[PRESS_ID].name = "press\x1b[2J\u202e"
    done = repo.run("list", "groups")

    assert "press\\x1b[2J\\u202e" in done.out
    assert [one["name"] for one in rows(repo, "groups")] == ["early-birds", "press\x1b[2J\u202e"]
