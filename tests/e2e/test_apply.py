"""`apply`: who is asked, what is promised, what is sent, and what is told at the end."""

import pytest

from msgflash_apply.sandbox.seed import BOUTIQUE_ID
from msgflash_apply.sandbox.server import Sandbox
from tests.support.command import Repo, created, creates_seen, in_days
from tests.support.published import matches

NOTHING_SENT = 0


def test_apply_creates_each_campaign(repo: Repo, sandbox: Sandbox) -> None:
    """Every campaign of the files is created once, and the state has its id."""
    repo.campaigns(3)
    done = repo.apply()
    assert done.code == 0, done.err
    assert "Applied: 3 created." in done.out
    assert created(sandbox) == {"c00": 1, "c01": 1, "c02": 1}
    assert sorted(repo.records) == ["c00", "c01", "c02"]


def test_second_apply_does_nothing(repo: Repo, sandbox: Sandbox) -> None:
    """What is there is not sent again."""
    repo.campaigns(2)
    repo.apply()
    again = repo.apply()
    assert again.code == 0
    assert "Your files match the recorded state" in again.out
    assert creates_seen(sandbox) == 2


def test_soonest_campaign_goes_first(repo: Repo, sandbox: Sandbox) -> None:
    """Creates are sent by start time, whatever their names."""
    for address, days in (("a", 40), ("b", 20), ("c", 30)):
        repo.campaign(address, schedule=in_days(days))
    repo.apply()
    assert list(created(sandbox)) == ["b", "c", "a"]


def test_yes_on_a_terminal_applies(repo: Repo, sandbox: Sandbox) -> None:
    """The question says where, to how many people, from which number and when; yes carries it out, with progress."""
    repo.campaign("sale")
    done = repo.run_on_terminal("apply", typed="yes\n")
    assert done.code == 0, done.out
    question = " ".join(done.out.rpartition("Digest: ")[2].split("Apply these changes?")[0].split())
    assert "In environment default: 1 change." in question
    assert "40 people get 40 messages in 1 campaign, from boutique-principale (+33612345678); it starts on " in question
    assert "\x1b[" in done.out
    assert created(sandbox) == {"sale": 1}
    paths = [seen.path.removeprefix("/api/v1") for seen in sandbox.requests]
    plan = ["/templates", "/instances", "/contacts", "/contacts", f"/instances/{BOUTIQUE_ID}/health", "/usage"]
    [marker] = [template.id for template in sandbox.world.templates.values() if template.name.startswith("msgflash")]
    # Under the lock everything is asked anew; the account remembers the run before the first create and after the last.
    assert paths == [*plan, *plan, "/templates", "/campaigns", f"/templates/{marker}"]


@pytest.mark.parametrize("typed", ["n\n", "y\n", "\n"])
def test_anything_but_yes_on_a_terminal_sends_nothing(repo: Repo, sandbox: Sandbox, typed: str) -> None:
    """Whoever does not write the word has changed nothing."""
    repo.campaign("sale")
    done = repo.run_on_terminal("apply", typed=typed)
    assert done.code == 0
    assert "Nothing was applied." in done.out
    assert creates_seen(sandbox) == NOTHING_SENT
    assert repo.records == {}


def test_interrupt_at_the_question_sends_nothing(repo: Repo, sandbox: Sandbox) -> None:
    """Ctrl-C at the question ends with 130 and has changed nothing."""
    repo.campaign("sale")
    done = repo.run_on_terminal("apply", typed="\x03")
    assert done.code == 130, done.out
    assert "Traceback" not in done.out
    assert creates_seen(sandbox) == NOTHING_SENT


def test_without_terminal_there_is_nobody_to_ask(repo: Repo, sandbox: Sandbox) -> None:
    """A pipeline that did not say --auto-approve gets an error that names it."""
    repo.campaign("sale")
    refused = repo.run("apply")
    assert refused.code == 1
    assert "--auto-approve" in refused.err
    assert sandbox.requests == []


def test_expected_plan_is_applied(repo: Repo, sandbox: Sandbox) -> None:
    """The digest of the plan that was reviewed lets the apply pass."""
    repo.campaign("sale")
    digest = str(repo.plan()["digest"])
    assert repo.apply("--expect", digest).code == 0
    assert created(sandbox) == {"sale": 1}


def test_other_plan_than_expected_is_refused(repo: Repo, sandbox: Sandbox) -> None:
    """A file that changed since the review stops the apply before anything is sent."""
    repo.campaign("sale")
    digest = str(repo.plan()["digest"])
    repo.campaign("sale", body="Something else")
    refused = repo.apply("--expect", digest)
    assert refused.code == 1
    assert digest in refused.err
    assert creates_seen(sandbox) == NOTHING_SENT


def test_result_as_json_fits_its_schema(repo: Repo) -> None:
    """`--format json` prints one document on stdout, of the published shape, and progress on stderr."""
    repo.campaigns(2)
    done = repo.apply("--format", "json")
    matches(done.document, "plan", "apply")
    assert done.document["summary"] == {"done": 2, "failed": 0, "in-doubt": 0, "skipped": 0}
    assert "created c00" in done.err


@pytest.mark.parametrize("narrowing", [("--target", "promo"), ("--select", "team=shop")])
def test_apply_keeps_to_a_part(repo: Repo, sandbox: Sandbox, narrowing: tuple[str, str]) -> None:
    """With --target or --select nothing else is touched."""
    repo.campaign("promo/one", labels={"team": "shop"})
    repo.campaign("news")
    assert repo.apply(*narrowing).code == 0
    assert created(sandbox) == {"promo/one": 1}


def test_for_each_creates_one_per_entry(repo: Repo, sandbox: Sandbox) -> None:
    """One file with two entries is two campaigns with two addresses."""
    cities = {"paris": {"tag": "paris"}, "lyon": {"tag": "lyon"}}
    recipients = {"type": "tags", "value": ["{{ each.value.tag }}"]}
    repo.campaign("visit", for_each=cities, name="Visit {{ each.key }}", recipients=recipients)
    assert repo.apply().code == 0
    assert created(sandbox) == {"Visit lyon": 1, "Visit paris": 1}
    assert sorted(repo.records) == ['visit["lyon"]', 'visit["paris"]']


def test_placeholders_of_the_server_arrive_as_written(repo: Repo, sandbox: Sandbox) -> None:
    """`custom.*` is rendered here, `contact.*` goes out byte for byte."""
    repo.campaign("sale", body="{{contact.firstName}}: {{ custom.brand }}", custom={"brand": "Acme"})
    repo.apply()
    payload = sandbox.campaigns()[0]["payload"]
    assert isinstance(payload, dict)
    assert payload["body"] == "{{contact.firstName}}: Acme"


def test_one_refused_campaign_does_not_hold_up_others(repo: Repo, sandbox: Sandbox) -> None:
    """A campaign that MsgFlash refuses has failed and is told; the others are created, and a person is needed."""
    repo.campaigns(3)
    sandbox.add_fault("POST /api/v1/campaigns 400 skip=1")
    done = repo.apply("--format", "json")
    assert done.code == 3
    assert done.document["summary"] == {"done": 2, "failed": 1, "in-doubt": 0, "skipped": 0}
    assert done.err.count("failed c01 (create): 400 VALIDATION_ERROR") == 1
