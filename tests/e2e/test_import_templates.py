"""`import --templates` with the real command: every template gets a file and a record, and nothing else changes."""

import json
import shutil
from datetime import UTC, datetime

import pytest

from msgflash_apply.sandbox.seed import WELCOME_ID
from msgflash_apply.sandbox.server import Sandbox
from msgflash_apply.sandbox.values import Template
from tests.support.command import Repo

THEN = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
LINES = "Hello {{contact.firstName}},\n\n  {{custom.code}} ends: #1\n"


def made_elsewhere(sandbox: Sandbox, name: str, body: str = LINES) -> str:
    """Make a template as somebody else would, with whatever name and words; its id."""
    template = Template(sandbox.world.new_id(), name, "text", body, None, THEN, THEN)
    sandbox.world.templates[template.id] = template
    return template.id


def template_actions(repo: Repo) -> set[str]:
    """Plan, and tell the actions of all templates."""
    return {one["action"] for one in json.loads(repo.run("plan", "--format", "json").out)["templates"]}


@pytest.fixture
def others(sandbox: Sandbox) -> dict[str, str]:
    """Templates of an account as people leave them: ids by name."""
    names = ("promo/relance@3f9a1c2b", "Été: -10 %", "../../etc", "twice/a.yaml/b", "\x1b[31mred")
    return {name: made_elsewhere(sandbox, name) for name in names}


def test_every_template_gets_a_file_and_a_record(repo: Repo, sandbox: Sandbox, others: dict[str, str]) -> None:
    """Also with names that are no addresses; the next plan is empty, the files are canonical, and nothing was sent."""
    repo.campaign("hello", type=None, body=None, template="welcome", variables={"brand": "Acme", "code": "A"})
    repo.campaign("summer", type=None, body=None, template="Été: -10 %", variables={"code": "A"})
    assert repo.apply().code == 0
    before = len(sandbox.requests)
    done = repo.run("import", "--templates")
    assert (done.code, done.err) == (0, "wrote schemas/template.schema.json\n")
    assert {seen.method for seen in sandbox.requests[before:]} == {"GET"}
    assert done.out.endswith(f"{len(others) + 3} templates imported.\n")
    relance = others["promo/relance@3f9a1c2b"]
    assert f"promo/relance: recorded as {relance}, and wrote templates/promo/relance.yaml.\n" in done.out
    assert "\x1b" not in done.out
    text = (repo.folder / "templates/promo/relance.yaml").read_text(encoding="utf-8")
    assert text.startswith(
        "# yaml-language-server: $schema=../../schemas/template.schema.json\n"
        f"# Taken over from MsgFlash: promo/relance@3f9a1c2b ({relance})\n"
        "type: text\nbody: |\n  Hello {{contact.firstName}},\n"
    )
    assert (
        "mediaUrl: https://cdn.example.com/loyalty-card.png"
        in (repo.folder / "templates/loyalty-card.yaml").read_text()
    )
    assert template_actions(repo) == {"no-op"}
    assert repo.actions() == {"hello": "no-op", "summer": "no-op"}
    assert repo.run("fmt", "--check", "templates").code == 0
    files = repo.files()
    again = repo.run("import", "--templates")
    assert (again.code, again.out) == (0, "0 templates imported.\n")
    assert repo.files() == files


def test_what_cannot_be_a_file_is_left_out(repo: Repo, sandbox: Sandbox) -> None:
    """Words that would be rendered, and a name that the repo has for other words: a warning each; the rest is done."""
    made_elsewhere(sandbox, "odd\nname", "{{ local.nothing }}")
    repo.write("templates/welcome.yaml", "type: text\nbody: Mine\n")
    done = repo.run("import", "--templates")
    assert done.code == 0
    assert "warning: template odd\\nname (" in done.err
    assert f"warning: template welcome ({WELCOME_ID}) was left out: the repo has a template of this name" in done.err
    assert done.out.endswith("2 templates imported.\n")
    assert (repo.folder / "templates/welcome.yaml").read_text(encoding="utf-8") == "type: text\nbody: Mine\n"


def test_files_without_a_record_are_adopted(repo: Repo, others: dict[str, str]) -> None:
    """After a crash between files and state, the files that are there are recorded, and `state` shows them."""
    repo.run("import", "--templates")
    before = {name: one for name, one in repo.files().items() if name.startswith("templates/")}
    shutil.rmtree(repo.folder / ".msgflash")
    repo.run("init")
    again = repo.run("import", "--templates")
    assert again.out.count(" says.\n") == len(others) + 3
    assert {name: one for name, one in repo.files().items() if name.startswith("templates/")} == before
    assert template_actions(repo) == {"no-op"}
    # And the state shows them.
    listed = repo.run("state", "list").out
    assert "TEMPLATE" in listed
    assert f"promo/relance@3f9a1c2b  {others['promo/relance@3f9a1c2b']}" in listed
    assert listed.endswith("8 templates.\n")
    shown = repo.run("state", "show", "welcome").out
    assert shown.startswith("template welcome\n")
    assert "welcome to {{custom.brand}}!" in shown
    assert "imported" in shown
    document = json.loads(repo.run("state", "show", "welcome", "--format", "json").out)
    assert (document["record"], document["template"]["versions"][0]["id"]) == (None, WELCOME_ID)
    [relance] = [
        one
        for one in json.loads(repo.run("state", "list", "--format", "json").out)["templates"]
        if one["address"] == "promo/relance"
    ]
    assert relance["versions"][0]["is_ours"] is False
    assert relance["versions"][0]["content"]["body"] == LINES


@pytest.mark.parametrize("arguments", [("sale", "ID", "--templates"), ("sale",)])
def test_arguments_that_do_not_fit(repo: Repo, arguments: tuple[str, ...]) -> None:
    """Either one campaign or all templates; nothing is read."""
    assert repo.run("import", *arguments).code == 1
