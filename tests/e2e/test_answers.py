"""What MsgFlash returns, held against what was sent, with the real command: normalised, altered, and similar ones."""

import re
import signal
from datetime import UTC, datetime, timedelta

import pytest

from msgflash_apply.sandbox.server import Sandbox
from tests.support.command import QUICKEST_PROJECT, Repo, created, creates_seen, ids, statuses, wait_until
from tests.support.scenes import Scenes
from tests.support.stores.program import call

CREATE = "POST /api/v1/campaigns"
GET = "GET /api/v1/campaigns/*"
BODY = "Bonjour\n"


def lost_answer(repo: Repo) -> None:
    """Send a campaign whose text ends in a line feed, and lose the answer after the create."""
    repo.campaign("sale", body=BODY)
    repo.sandbox.add_fault(f"{CREATE} 502_after")
    assert repo.apply().code == 3


@pytest.fixture
def doubtful(repo: Repo, scenes: Scenes) -> Repo:
    """Make a repo where `sale` was created and its answer was lost."""
    return scenes.begin(lost_answer, repo)


def test_normalised_campaign_resolves_the_doubt(doubtful: Repo, sandbox: Sandbox) -> None:
    """The server's copy is trimmed, with nulls and capitals: it is the campaign, and nothing is created again."""
    sandbox.add_fault(f"{GET} normalise")
    resolved = doubtful.run("resolve", "sale", "--created", ids(sandbox)["sale"])

    assert (resolved.code, resolved.err) == (0, "")
    assert doubtful.actions() == {"sale": "no-op"}
    assert creates_seen(sandbox) == 0


def test_normalised_campaign_is_imported(repo: Repo, scenes: Scenes, sandbox: Sandbox) -> None:
    """So it is where the file is adopted, and where a create in doubt may have made it."""
    scenes.begin(lost_answer, repo)
    identifier = ids(sandbox)["sale"]
    sandbox.add_fault(f"{GET} normalise times=*")
    elsewhere = repo.run("import", "other", identifier, "--generate")
    assert f"resolve 'sale' --created {identifier}" in elsewhere.err

    repo.let_an_hour_pass()
    assert repo.run("resolve", "sale", "--not-created", "--yes").code == 0
    assert repo.run("import", "sale", identifier).code == 0
    assert repo.actions() == {"sale": "no-op"}


@pytest.mark.parametrize("command", ["resolve", "import"])
def test_other_campaign_is_taken_after_its_differences(doubtful: Repo, sandbox: Sandbox, command: str) -> None:
    """It is refused with its differences and the command; that command shows them, and keeps what was sent."""
    words = {"resolve": "'Bonjour' was sent, it has 'Salut'", "import": "the file says 'Bonjour', it has 'Salut'"}
    identifier = ids(sandbox)["sale"]
    arguments = {"resolve": ("sale", "--created", identifier), "import": ("sale", identifier)}[command]
    sandbox.world.campaigns[identifier].payload["body"] = "Salut"
    if command == "import":
        doubtful.let_an_hour_pass()
        assert doubtful.run("resolve", "sale", "--not-created", "--yes").code == 0
    refused = doubtful.run(command, *arguments)
    unchanged = doubtful.records
    accepted = doubtful.run(command, *arguments, "--accept-differences")

    assert (refused.code, unchanged) == (1, {})
    assert f"body: {words[command]}" in refused.err
    assert f"msgflash-apply {command} {' '.join(arguments)} --accept-differences" in refused.err
    assert accepted.code == 0, accepted.err
    assert f"body: {words[command]}" in accepted.err
    assert doubtful.actions() == {"sale": "no-op"}
    (record,) = doubtful.records.values()
    assert BODY.strip() in str(record)
    assert "Salut" not in str(record)


@pytest.mark.parametrize(
    "options",
    [
        ("--probe", "--accept-differences"),
        ("--not-created", "--accept-differences"),
        ("--created", "x", "--yes"),
        ("--probe", "--yes"),
    ],
)
def test_options_that_do_not_go_together(doubtful: Repo, options: tuple[str, ...]) -> None:
    """Each of the two goes with one outcome."""
    refused = doubtful.run("resolve", "sale", *options)

    assert refused.code == 1
    assert "--accept-differences goes with --created ID, and --yes with --not-created." in refused.err


def test_word_that_nothing_was_created_is_asked_for(doubtful: Repo) -> None:
    """The question names the campaign, when and to whom; without a yes nothing changes."""
    doubtful.let_an_hour_pass()
    no = doubtful.run_on_terminal("resolve", "sale", "--not-created", typed="n\r")
    still = doubtful.actions()
    yes = doubtful.run_on_terminal("resolve", "sale", "--not-created", typed="y\r")

    assert "people may get the message twice" in no.out
    for line in ("name      sale", "start     ", 'audience  contacts tagged "vip"'):
        assert line in no.out
    assert (no.code, still) == (3, {"sale": "blocked"})
    assert (yes.code, doubtful.actions()) == (0, {"sale": "create"})


def test_word_that_nothing_was_created_may_come_too_early(repo: Repo, sandbox: Sandbox) -> None:
    """Right after a run was killed its create may still arrive: nothing is asked, and nothing is created twice."""
    repo.campaign("sale")
    sandbox.add_fault(f"{CREATE} delay seconds=2")
    running = repo.start("apply", "--auto-approve")
    wait_until(lambda: b"delay" not in call("GET", f"{sandbox.url}/_sandbox/faults")[1])  # it has arrived
    running.signal(signal.SIGKILL)
    running.wait()
    refused = repo.run("resolve", "sale", "--not-created", "--yes")
    unasked = repo.run_on_terminal("resolve", "sale", "--not-created")
    again = repo.apply()
    wait_until(lambda: created(sandbox) == {"sale": 1})

    assert (refused.code, unasked.code, again.code) == (1, 1, 3)
    for said in (refused.err, unasked.out):
        assert "It cannot be known yet that sale was not created." in said
        assert re.search(r"until 2\d{3}-\d\d-\d\d \d\d:\d\d:\d\d UTC", " ".join(said.split()))
    assert "Is it certain" not in unasked.out
    assert repo.run("resolve", "sale", "--created", ids(sandbox)["sale"]).code == 0
    assert repo.actions() == {"sale": "no-op"}


def test_word_that_nothing_was_created_needs_yes_in_a_pipeline(doubtful: Repo) -> None:
    """Without a terminal there is nobody to ask, and the error says what to write."""
    refused = doubtful.run("resolve", "sale", "--not-created")

    assert refused.code == 1
    assert "There is no terminal" in refused.err
    assert "In a pipeline, add --yes." in refused.err
    assert doubtful.actions() == {"sale": "blocked"}


def test_create_that_is_answered_otherwise(repo: Repo, sandbox: Sandbox) -> None:
    """The report shows both values and how to stop it, and the command that it names does."""
    repo.campaign("sale")
    sandbox.add_fault(f"{CREATE} alter field=body value=Bye")
    done = repo.apply()

    assert done.code == 3
    assert "body: 'Hello from sale' was sent, it has 'Bye'" in " ".join(done.out.split())
    assert '      ~ body: "Hello from sale" -> "Bye"\n' in done.out
    assert "write `paused: true` into its file" in done.out
    assert "\n      msgflash-apply apply --target sale\n" in done.out
    repo.campaign("sale", paused=True)
    assert repo.apply("--target", "sale").code == 0
    assert statuses(sandbox) == {"sale": "paused"}
    assert created(sandbox) == {"sale": 1}


def test_create_that_is_answered_otherwise_in_json(repo: Repo, sandbox: Sandbox) -> None:
    """Programs get the id, the message and each attribute."""
    repo.campaign("sale")
    sandbox.add_fault(f"{CREATE} alter field=body value=Bye")
    done = repo.apply("--format", "json")

    results = done.document["results"]
    assert isinstance(results, list)
    (result,) = results
    assert (done.code, result["outcome"], result["id"]) == (3, "failed", ids(sandbox)["sale"])
    assert result["differences"] == [{"path": "body", "before": "Hello from sale", "after": "Bye"}]


def test_probe_shows_a_similar_campaign(repo: Repo, sandbox: Sandbox) -> None:
    """One with the same instance, name and start that was edited is not taken, but shown with its command."""
    repo.write("msgflash.yaml", f"{QUICKEST_PROJECT}policy: {{min_lead_time: 0s}}\n")
    start = datetime.now(UTC) + timedelta(seconds=3)
    repo.campaign("sale", schedule=start.isoformat(timespec="milliseconds"))
    sandbox.add_fault(f"{CREATE} 502_after")
    assert repo.apply().code == 3
    identifier = ids(sandbox)["sale"]
    sandbox.world.campaigns[identifier].payload["body"] = "Edited"
    wait_until(lambda: sandbox.campaigns()[0]["status"] != "scheduled" and datetime.now(UTC) > start)
    probed = repo.run("resolve", "sale", "--probe")

    assert probed.code == 3
    assert f"One of them, {identifier}, has its instance, name and start:" in probed.out
    assert "  body: 'Hello from sale' was sent, it has 'Edited'\n" in probed.out
    assert f"\n  msgflash-apply resolve sale --created {identifier} --accept-differences\n" in probed.out
    assert repo.actions() == {"sale": "blocked"}
