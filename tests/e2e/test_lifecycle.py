"""What happens to a campaign whose file comes, goes, changes or moves, from the first apply to the last."""

from typing import Any, cast

import pytest

from msgflash_apply.sandbox.seed import WELCOME_ID
from msgflash_apply.sandbox.server import Sandbox
from tests.support.command import Repo, created, creates_seen, statuses
from tests.support.scenes import Scenes, sale_sent, two_sent


@pytest.fixture
def sale(repo: Repo, scenes: Scenes, sandbox: Sandbox) -> Repo:
    """Make a repo whose one campaign, `sale`, has been created."""
    made = scenes.begin(sale_sent, repo)
    assert statuses(sandbox) == {"sale": "scheduled"}
    return made


def test_removed_file_pauses_its_campaign(repo: Repo, scenes: Scenes, sandbox: Sandbox) -> None:
    """A file that is gone retires its campaign, which keeps its record."""
    scenes.begin(two_sent, repo)
    repo.remove("c00")
    done = repo.apply()
    assert done.code == 0
    assert "1 to retire" in done.out
    assert statuses(sandbox) == {"c00": "paused", "c01": "scheduled"}
    assert list(repo.records) == ["c00", "c01"]


def test_every_file_gone_at_once_is_blocked(repo: Repo, scenes: Scenes, sandbox: Sandbox) -> None:
    """An empty checkout pauses nothing and needs a person, who can lift the limit for one run."""
    scenes.begin(two_sent, repo)
    repo.remove("c00")
    repo.remove("c01")
    blocked, changes = repo.apply(), repo.plan()["changes"]
    assert (blocked.code, "--override max-retires" in blocked.out) == (3, True)
    assert isinstance(changes, list)
    assert [(change["action"], change["reason"]) for change in changes] == [("blocked", "limit")] * 2
    assert statuses(sandbox) == {"c00": "scheduled", "c01": "scheduled"}
    assert repo.apply("--override", "max-retires").code == 0
    assert statuses(sandbox) == {"c00": "paused", "c01": "paused"}


def test_file_that_is_back_resumes_its_campaign(repo: Repo, scenes: Scenes, sandbox: Sandbox) -> None:
    """Bringing a removed file back continues the campaign that was there; nothing is created anew."""
    scenes.begin(two_sent, repo)
    text = (repo.folder / "campaigns/c00.yaml").read_text()
    repo.remove("c00")
    assert repo.apply().code == 0
    repo.write("campaigns/c00.yaml", text)
    assert repo.actions() == {"c00": "resume", "c01": "no-op"}
    assert repo.apply().code == 0
    assert statuses(sandbox) == {"c00": "scheduled", "c01": "scheduled"}
    assert creates_seen(sandbox) == 0


def test_edit_is_blocked_and_shown(sale: Repo, sandbox: Sandbox) -> None:
    """A created campaign cannot be changed: plan and apply say what differs, and that a person is needed."""
    sale.campaign("sale", body="Hello again")
    planned, applied = sale.run("plan"), sale.apply()
    assert (planned.code, applied.code) == (3, 3)
    assert "1 blocked" in planned.out
    assert '"Hello from sale" -> "Hello again"' in planned.out
    assert creates_seen(sandbox) == 0


def test_replacement_pauses_the_old_and_creates_the_new(sale: Repo, sandbox: Sandbox) -> None:
    """With `on_change: replace` one campaign is left that may send, and the record knows the former id."""
    sale.campaign("sale", name="Sale, corrected", lifecycle={"on_change": "replace"})
    assert sale.actions() == {"sale": "replace"}
    assert sale.apply().code == 0
    assert statuses(sandbox) == {"sale": "paused", "Sale, corrected": "scheduled"}
    assert sale.actions() == {"sale": "no-op"}


def test_pause_and_resume_from_the_file(sale: Repo, sandbox: Sandbox) -> None:
    """`paused: true` pauses, `paused: false` resumes, and neither creates anything."""
    sale.campaign("sale", paused=True)
    assert sale.apply().code == 0
    assert statuses(sandbox) == {"sale": "paused"}
    sale.campaign("sale", paused=False)
    assert sale.apply().code == 0
    assert statuses(sandbox) == {"sale": "scheduled"}
    assert creates_seen(sandbox) == 0


def test_new_campaign_may_begin_paused(repo: Repo, sandbox: Sandbox) -> None:
    """`paused: true` on a new campaign creates it and pauses it right after."""
    repo.campaign("sale", paused=True)
    assert repo.apply().code == 0
    assert statuses(sandbox) == {"sale": "paused"}
    assert repo.actions() == {"sale": "no-op"}


@pytest.mark.parametrize("told", [{}, {"moved_from": ["sale"]}])
def test_rename_is_a_move(sale: Repo, sandbox: Sandbox, told: dict[str, object]) -> None:
    """A file with a new name keeps its campaign, with `moved_from` and without."""
    sale.remove("sale")
    sale.campaign("promo/sale", name="sale", body="Hello from sale", **told)
    assert sale.actions() == {"promo/sale": "move"}
    assert sale.apply().code == 0
    assert list(sale.records) == ["promo/sale"]
    assert creates_seen(sandbox) == 0


def test_rename_with_edit_is_no_second_mailing(sale: Repo, sandbox: Sandbox) -> None:
    """`moved_from` carries the record along even where the text changed, so the edit is blocked, not sent."""
    sale.remove("sale")
    sale.campaign("promo/sale", name="Other", moved_from=["sale"])
    done = sale.apply()
    assert done.code == 3
    assert created(sandbox) == {"sale": 1}
    assert sale.actions() == {"promo/sale": "blocked"}


def test_copy_of_a_file_is_refused(sale: Repo, sandbox: Sandbox) -> None:
    """The same mailing under two addresses is an error that shows both."""
    sale.campaign("copy", name="sale", body="Hello from sale")
    refused = sale.apply()
    assert refused.code == 1
    assert "campaigns/copy.yaml:1" in refused.err
    assert "campaigns/sale.yaml" in refused.err or "`sale`" in refused.err
    assert creates_seen(sandbox) == 0


def test_campaign_that_is_over_is_forgotten(sale: Repo, sandbox: Sandbox) -> None:
    """Once a campaign is over, removing its file only tidies the record."""
    sandbox.world.cancel(next(iter(sandbox.world.campaigns.values())))
    sale.remove("sale")
    assert sale.actions() == {"sale": "forget"}
    assert sale.apply().code == 0
    assert sale.records == {}
    assert statuses(sandbox) == {"sale": "cancelled"}


def test_start_that_passed_is_never_sent(repo: Repo, sandbox: Sandbox) -> None:
    """A campaign whose start time has passed is blocked, and a person is needed."""
    repo.campaign("late", schedule="2020-01-01T09:00:00Z")
    done = repo.apply()
    assert done.code == 3
    summary = cast("dict[str, Any]", repo.plan()["summary"])
    assert not any(summary.pop("templates").values())
    assert summary == {**dict.fromkeys(SUMMARY, 0), "blocked": 1, "people": None}
    assert creates_seen(sandbox) == 0


SUMMARY = ("create", "pause", "resume", "replace", "retire", "forget", "accept", "move", "no-op", "blocked")


def test_case_of_an_id_is_nothing(repo: Repo, sandbox: Sandbox) -> None:
    """An id in capitals goes out in lower case, and writing it so later changes nothing."""
    content = {"type": None, "body": None, "variables": {"brand": "Acme", "code": "SPRING"}}
    repo.campaign("sale", templateId=WELCOME_ID.upper(), **content)
    assert repo.apply().code == 0
    assert [campaign["templateId"] for campaign in sandbox.campaigns()] == [WELCOME_ID]

    repo.campaign("sale", templateId=WELCOME_ID, **content)
    assert repo.actions() == {"sale": "no-op"}
    (identifier,) = (str(campaign["id"]) for campaign in sandbox.campaigns())
    assert f"The state has {identifier} there." in repo.run("import", "sale", identifier.upper()).err
    assert "The state has it at sale." in repo.run("import", "tea", identifier.upper(), "--generate").err
