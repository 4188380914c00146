"""What MsgFlash refuses points at the files: at its field, once per cause, and what the account cannot do once only."""

from typing import Any, cast

from tests.support.command import Repo, creates_seen
from tests.support.sandbox import JsonObject

BUTTONS = {
    "type": "buttons",
    "body": None,
    "title": "Your choice",
    "description": "One minute is enough.",
    "buttons": [{"type": "reply", "displayText": "Yes", "id": "yes"}],
}


def at(document: JsonObject, name: str) -> list[dict[str, Any]]:
    """Read a list of objects."""
    return cast("list[dict[str, Any]]", document[name])


def test_refused_field_is_shown_at_its_place(repo: Repo) -> None:
    """A 400 that names a field is an error at the line of the file that has it, once for all campaigns."""
    for address in ("a", "b"):
        repo.campaign(address, type="image", mediaUrl="https://[cdn/a.png")
    done = repo.apply()
    [found] = at(repo.apply("--format", "json").document, "diagnostics")

    assert done.code == 3
    assert done.out.count("MF523") == 1
    assert "campaigns/a.yaml:" in done.out
    assert "2 campaigns were refused for it" in done.out
    line = (repo.folder / "campaigns/a.yaml").read_text().splitlines()[found["line"] - 1]
    assert line[found["column"] - 1 :].startswith('"https://[cdn')


def test_what_the_account_cannot_do_is_tried_once(repo: Repo) -> None:
    """After one refusal for buttons no other campaign with buttons is sent; all others go out."""
    repo.sandbox.world.account.whatsapp_business = False
    repo.write("msgflash.yaml", "version: 1\napi: {requests_per_second: 4}\n")
    for number in range(4):
        repo.campaign(f"buttons-{number}", **BUTTONS)
    repo.campaign("text")
    results = at(repo.apply("--format", "json").document, "results")
    outcomes = {result["address"]: result["outcome"] for result in results}

    assert outcomes.pop("text") == "done"
    assert sorted(outcomes.values()) == ["failed", "skipped", "skipped", "skipped"]
    assert creates_seen(repo.sandbox) == 2
