"""When MsgFlash, or the way to it, misbehaves: what is believed, what is tried again, and what a person is told."""

import pytest

from msgflash_apply.sandbox.seed import BOUTIQUE_ID
from msgflash_apply.sandbox.server import Sandbox
from tests.support.command import Repo, created, creates_seen, ids, in_days
from tests.support.hostile import hostile_server, redirect_to
from tests.support.scenes import Scenes

UNKNOWN_ID = "dddddddd-dddd-4ddd-8ddd-dddddddddddd"


def one_of_three_in_doubt(repo: Repo) -> None:
    """Send three campaigns, and lose the answer about the second."""
    repo.campaigns(3)
    repo.sandbox.add_fault("POST /api/v1/campaigns drop_after skip=1")
    assert repo.apply().code == 3


@pytest.fixture
def doubtful(repo: Repo, scenes: Scenes) -> Repo:
    """Make a repo where `c00` and `c02` are created, and the answer about `c01` was lost after the create."""
    return scenes.begin(one_of_three_in_doubt, repo)


def test_lost_answer_leaves_doubt(repo: Repo, sandbox: Sandbox) -> None:
    """A create without an answer is named with the commands that resolve it, and the others go on."""
    repo.campaigns(3)
    sandbox.add_fault("POST /api/v1/campaigns drop_after skip=1")
    done = repo.apply()
    assert done.code == 3
    assert "msgflash-apply resolve c01 --created ID" in done.out
    assert "msgflash-apply resolve c01 --not-created" in done.out
    assert sorted(repo.records) == ["c00", "c02"]


def test_doubt_is_never_sent_again(doubtful: Repo, sandbox: Sandbox) -> None:
    """However often it is applied, a campaign in doubt waits for a person."""
    assert doubtful.apply().code == 3
    assert doubtful.run("plan", "--detailed-exitcode").code == 3
    assert creates_seen(sandbox) == 0


def test_right_id_resolves_doubt(doubtful: Repo, sandbox: Sandbox) -> None:
    """The id of the campaign that was created is checked and recorded, and nothing is left to do."""
    resolved = doubtful.run("resolve", "c01", "--created", ids(sandbox)["c01"])
    assert resolved.code == 0, resolved.err
    assert doubtful.actions() == {"c00": "no-op", "c01": "no-op", "c02": "no-op"}
    assert creates_seen(sandbox) == 0


def test_id_of_another_address_is_refused(doubtful: Repo, sandbox: Sandbox) -> None:
    """An id that the state has elsewhere cannot be this campaign."""
    refused = doubtful.run("resolve", "c01", "--created", ids(sandbox)["c00"])
    assert refused.code == 1
    assert "c00" in refused.err
    assert doubtful.actions()["c01"] == "blocked"


def test_id_of_another_campaign_is_refused(doubtful: Repo, sandbox: Sandbox) -> None:
    """A campaign of the account that says something else is not this one, and the difference is shown."""
    other: dict[str, object] = {
        "instanceId": BOUTIQUE_ID,
        "name": "By hand",
        "schedule": in_days(31).replace("+00:00", ".000Z"),
        "recipients": {"type": "all"},
        "type": "text",
        "body": "Hi",
    }
    campaign = sandbox.world.create_campaign(other, sandbox.now())
    refused = doubtful.run("resolve", "c01", "--created", campaign.id)
    assert refused.code == 1
    assert "name: 'c01' was sent, it has 'By hand'" in refused.err
    assert doubtful.actions()["c01"] == "blocked"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("c01", "--created", UNKNOWN_ID), UNKNOWN_ID),
        (("c00", "--not-created", "--yes"), "c00 is not in doubt"),
        (("c01",), "--created ID"),
        (("c01", "--not-created", "--created", UNKNOWN_ID), "--created ID"),
    ],
    ids=["unknown id", "not in doubt", "nothing said", "both said"],
)
def test_resolve_refuses_what_can_not_be(doubtful: Repo, arguments: tuple[str, ...], told: str) -> None:
    """Slips are told, and the doubt stays."""
    refused = doubtful.run("resolve", *arguments)
    assert refused.code == 1
    assert told in refused.err
    assert list(doubtful.records) == ["c00", "c02"]


def test_word_that_nothing_was_created_lets_it_be_sent(repo: Repo, sandbox: Sandbox) -> None:
    """After `--not-created` the next apply creates the campaign."""
    repo.campaign("sale")
    sandbox.add_fault("POST /api/v1/campaigns drop_before")
    assert repo.apply().code == 3
    repo.let_an_hour_pass()
    assert repo.run("resolve", "sale", "--not-created", "--yes").code == 0
    assert repo.apply().code == 0
    assert created(sandbox) == {"sale": 1}


@pytest.mark.parametrize(
    "fault", ["500", "500_after", "502_after", "html", "html status=404", "html_after", "reset_after", "half", "no_id"]
)
def test_what_proves_nothing_is_doubt(repo: Repo, sandbox: Sandbox, fault: str) -> None:
    """An answer that does not say whether the campaign exists is never taken for a no."""
    repo.campaign("sale")
    sandbox.add_fault(f"POST /api/v1/campaigns {fault}")
    done = repo.apply("--format", "json")
    assert done.code == 3
    assert done.document["summary"] == {"done": 0, "failed": 0, "in-doubt": 1, "skipped": 0}
    assert creates_seen(sandbox) == 1


def test_rate_limit_is_waited_for(repo: Repo, sandbox: Sandbox) -> None:
    """A 429 that asks for patience delays, is told, and costs no campaign."""
    repo.campaigns(3)
    sandbox.add_fault("POST /api/v1/campaigns 429 retry_after=1 skip=1")
    done = repo.apply()
    assert done.code == 0, done.out
    assert "asked to slow down" in done.err
    assert created(sandbox) == {"c00": 1, "c01": 1, "c02": 1}


@pytest.mark.parametrize("fault", ["unauthorized", "quota", "outbound_quota", "plan"])
def test_refusal_that_all_share_stops_the_run(repo: Repo, sandbox: Sandbox, fault: str) -> None:
    """A revoked key, a used up month or a plan without campaigns ends the apply; what was created is on record."""
    names = repo.campaigns(6)
    sandbox.add_fault(f"POST /api/v1/campaigns {fault} skip=1 times=*")
    done = repo.apply()
    assert done.code == 3
    assert "Stopped early" in done.out
    assert sorted(repo.records) == [names[0]]
    assert creates_seen(sandbox) < 6
    sandbox.clear_faults()
    assert repo.apply().code == 0
    assert created(sandbox) == dict.fromkeys(names, 1)


def test_wrong_key_is_told_at_once(repo: Repo, sandbox: Sandbox) -> None:
    """A key that MsgFlash does not know is an error with nothing sent."""
    repo.campaign("sale")
    refused = repo.run("apply", "--auto-approve", env={"MSGFLASH_API_KEY": "msgf_live_" + "f" * 64})
    assert refused.code == 1
    assert "msgf_live_" not in refused.err
    assert creates_seen(sandbox) == 0


@pytest.mark.slow
def test_no_network_names_the_host(repo: Repo, sandbox: Sandbox) -> None:
    """Where nobody listens the host is named, nothing is lost, and the next apply goes through."""
    repo.campaign("sale")
    with sandbox.unreachable():
        refused = repo.apply()
    assert refused.code == 1
    assert sandbox.url.removeprefix("http://") in refused.err
    assert "Traceback" not in refused.err
    assert repo.apply().code == 0
    assert created(sandbox) == {"sale": 1}


def test_redirect_is_not_followed(repo: Repo, sandbox: Sandbox) -> None:
    """A redirect to another place does not get the key."""
    repo.campaign("sale")
    with hostile_server(redirect_to(sandbox.url)) as url:
        refused = repo.run("apply", "--auto-approve", env={"MSGFLASH_BASE_URL": url})
    assert refused.code == 1
    assert url.removeprefix("http://") in refused.err
    assert sandbox.requests == []
