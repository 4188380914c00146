"""`import` with the real command: what exists on MsgFlash is recorded, never created again."""

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from msgflash_apply.sandbox.seed import BOUTIQUE_ID
from msgflash_apply.sandbox.server import Sandbox
from tests.support.command import CREATE, Repo, created, creates_seen, ids
from tests.support.scenes import Scenes, sale_sent

SCHEDULE = "2099-11-27T08:00:00.000Z"
TEXT: Mapping[str, object] = {
    "instanceId": BOUTIQUE_ID,
    "name": "Made: elsewhere",
    "schedule": SCHEDULE,
    "recipients": {"type": "tags", "value": ["vip", "12:30"]},
    "type": "text",
    "body": "Hello,\n\n  {{contact.firstName}} # no comment\n",
}
IMAGE = {**TEXT, "type": "image", "mediaUrl": "https://media.acme.example/a.jpg", "body": "yes", "repeat": "weekly"}
ODD = {**TEXT, "name": "é 日本 'x' \"y\"", "recipients": {"type": "all"}, "body": "a\tb \\ "}


def made_elsewhere(sandbox: Sandbox, payload: Mapping[str, object] = TEXT) -> str:
    """Create a campaign as somebody else would; its id."""
    moment = datetime(2099, 11, 27, 8, 0, tzinfo=UTC)
    return sandbox.world.create_campaign(dict(payload), moment).id


@pytest.mark.parametrize("payload", [TEXT, IMAGE, ODD], ids=["text", "image", "odd"])
def test_generated_file_round_trips(repo: Repo, sandbox: Sandbox, payload: Mapping[str, object]) -> None:
    """The file says what the campaign is, in local time: the next plan changes nothing, and the file is canonical."""
    repo.write("msgflash.yaml", "version: 1\ndefaults: {timezone: Europe/Paris}\n")
    identifier = made_elsewhere(sandbox, payload)
    done = repo.run("import", "promo/taken-over", identifier, "--generate")
    assert (done.code, done.err) == (0, "")
    assert repo.actions() == {"promo/taken-over": "no-op"}
    assert repo.apply().code == 0
    assert creates_seen(sandbox) == 0
    assert "2099-11-27T09:00:00+01:00" in (repo.folder / "campaigns/promo/taken-over.yaml").read_text(encoding="utf-8")
    assert repo.run("fmt", "--check").code == 0


def test_matching_file_is_adopted(repo: Repo, sandbox: Sandbox) -> None:
    """With a file that says the same nothing is written but the record, and nothing is created any more."""
    repo.campaign("sale", **TEXT, labels={"team": "shop"})
    identifier = made_elsewhere(sandbox)
    done = repo.run("import", "sale", identifier)
    assert done.out == f"sale: recorded as {identifier}, as campaigns/sale.yaml says.\n"
    assert repo.actions() == {"sale": "no-op"}
    assert repo.apply().code == 0
    assert created(sandbox) == {"Made: elsewhere": 1}


def test_other_campaign_is_refused_with_its_differences(repo: Repo, sandbox: Sandbox) -> None:
    """A file that says something else is not that campaign; the record stays as it was."""
    repo.campaign("sale", **{**TEXT, "body": "Bye"})
    before = repo.state.read_bytes()
    refused = repo.run("import", "sale", made_elsewhere(sandbox))
    assert refused.code == 1
    assert "body: the file says 'Bye', it has 'Hello," in refused.err
    assert repo.records == {}
    assert b'"campaigns": {}' in before


def test_known_id_and_taken_address_are_refused(repo: Repo, sandbox: Sandbox) -> None:
    """What the state has is not adopted a second time, at whatever address."""
    repo.campaigns(1)
    repo.apply()
    known = ids(sandbox)["c00"]
    assert "The state has it at c00" in repo.run("import", "other", known, "--generate").err
    assert "c00 is taken" in repo.run("import", "c00", made_elsewhere(sandbox)).err
    assert list(repo.records) == ["c00"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("sale", "nothing", "--generate"), "MsgFlash has no campaign nothing."),
        (("sale", "ID"), "No file has the campaign sale."),
        (("../sale", "ID", "--generate"), "No file can be at ../sale."),
        (('sale["fr"]', "ID", "--generate"), "No file can be at"),
        (("there", "ID", "--generate"), "campaigns/there.yaml exists."),
        (("broken", "ID", "--generate"), "campaigns/broken.yml exists."),
        (("again", "ID", "--generate"), "there is this mailing already."),
    ],
)
def test_what_can_not_be_imported_leaves_no_trace(
    repo: Repo, sandbox: Sandbox, arguments: tuple[str, ...], words: str
) -> None:
    """Each refusal says why; neither file nor record is written."""
    repo.campaign("there", **TEXT)
    repo.write("campaigns/broken.yml", "# nothing yet\n")
    identifier = made_elsewhere(sandbox)
    before = repo.files()
    refused = repo.run("import", *(identifier if argument == "ID" else argument for argument in arguments))
    assert refused.code == 1
    assert words in refused.err
    assert repo.records == {}
    assert {name for name in repo.files() if name.startswith("campaigns")} == {
        name for name in before if name.startswith("campaigns")
    }


def test_content_that_would_be_rendered_is_refused(repo: Repo, sandbox: Sandbox) -> None:
    """A text with `{{ custom.x }}` would become another one in a file: it is told, and nothing is written."""
    identifier = made_elsewhere(sandbox, {**TEXT, "body": "{{ custom.nothing }}"})
    refused = repo.run("import", "sale", identifier, "--generate")
    assert refused.code == 1
    assert "MF203" in refused.err
    assert not (repo.folder / "campaigns/sale.yaml").exists()
    assert repo.records == {}


def test_import_creates_nothing(repo: Repo, sandbox: Sandbox) -> None:
    """Only reads are sent."""
    repo.run("import", "sale", made_elsewhere(sandbox), "--generate")
    assert {seen.method for seen in sandbox.requests} == {"GET"}
    assert all(f"{seen.method} {seen.path}" != CREATE for seen in sandbox.requests)


def test_removed_campaign_is_blocked_until_it_is_imported(repo: Repo, scenes: Scenes, sandbox: Sandbox) -> None:
    """`state rm` of a live campaign opens no way to a second mailing, and `import` brings it back."""
    scenes.begin(sale_sent, repo)
    repo.run("state", "rm", "sale", "--auto-approve")
    blocked = repo.run("plan")
    identifier = ids(sandbox)["sale"]
    brought_back = repo.run("import", "sale", identifier)

    assert blocked.code == 3
    assert f"msgflash-apply import sale {identifier}" in " ".join(blocked.out.split())
    assert brought_back.code == 0, brought_back.err
    assert repo.actions() == {"sale": "no-op"}
    assert created(sandbox) == {"sale": 1}
