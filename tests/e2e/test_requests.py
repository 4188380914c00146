"""Quota is money: what is asked of the server, counted there; and commands that promise to change nothing."""

import pytest

from msgflash_apply.sandbox.seed import EARLY_BIRDS_ID
from msgflash_apply.sandbox.server import Sandbox
from tests.support.command import Repo
from tests.support.scenes import Scenes


def all_sent(repo: Repo) -> None:
    """Create campaigns with names to look up."""
    variables = {"brand": "Acme", "code": "X"}
    for number in range(3):
        template = {"type": None, "body": None, "template": "welcome", "variables": variables}
        repo.campaign(f"by-name-{number}", instanceId=None, instance="boutique-principale", **template)
    repo.campaign("to-group", recipients={"type": "group", "groupId": EARLY_BIRDS_ID})
    repo.campaign("to-named-group", recipients={"type": "group", "group": "press"})
    repo.campaign("to-all", recipients={"type": "all"})
    assert repo.apply().code == 0


@pytest.fixture
def applied(repo: Repo, scenes: Scenes) -> Repo:
    """Make a repo whose campaigns, with names to look up, are all created."""
    return scenes.begin(all_sent, repo)


@pytest.mark.parametrize(
    ("arguments", "most"),
    [
        (("plan",), 3),
        (("plan", "--refresh", "none"), 0),
        (("plan", "--offline"), 0),
        (("plan", "--offline", "--no-state"), 0),
        (("validate",), 0),
        (("state", "list"), 0),
    ],
    ids=["plan", "no refresh", "offline", "preview", "validate", "state list"],
)
def test_requests_for_unchanged_campaigns(
    applied: Repo, sandbox: Sandbox, arguments: tuple[str, ...], most: int
) -> None:
    """Unchanged campaigns cost no request of their own: names are looked up in one list of each kind."""
    before = len(sandbox.requests)
    done = applied.run(*arguments)
    assert done.code == 0, done.err
    assert len(sandbox.requests) - before == most


def test_forecast_is_what_apply_sends(repo: Repo, sandbox: Sandbox) -> None:
    """The plan says how many requests the apply needs, and the server counts as many."""
    repo.campaign("one")
    repo.campaign("two", paused=True)
    requests = repo.plan()["requests"]
    repo.apply()
    sent = [seen for seen in sandbox.requests if seen.method != "GET"]
    assert isinstance(requests, dict)
    assert requests["apply"] == len(sent) == 5


@pytest.mark.parametrize(
    "arguments",
    [
        ("validate",),
        ("plan",),
        ("plan", "--refresh", "live"),
        ("plan", "--format", "json"),
        ("state", "list"),
        ("state", "show", "to-all"),
    ],
    ids=" ".join,
)
def test_looking_changes_nothing(applied: Repo, sandbox: Sandbox, arguments: tuple[str, ...]) -> None:
    """Commands that only look send nothing but GET, and leave every file as it was, even where changes wait."""
    applied.campaign("new")
    applied.remove("to-group")
    files, before = applied.files(), len(sandbox.requests)
    applied.run(*arguments)
    assert applied.files() == files
    assert {seen.method for seen in sandbox.requests[before:]} <= {"GET"}
