"""What was approved is what goes out: whatever changes between the approval and the apply, and after it is reported."""

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import pytest

from msgflash_apply.plan.plan import digest_of
from msgflash_apply.sandbox.seed import EARLY_BIRDS_ID, WELCOME_ID
from msgflash_apply.sandbox.server import Sandbox
from tests.support.command import FAST, Repo, created, creates_seen, in_days, statuses
from tests.support.sandbox import Answer, Client
from tests.support.scenes import Scenes

VARIABLES = {"brand": "Acme", "code": "SPRING"}
FROM_TEMPLATE = {"type": None, "body": None, "template": "welcome", "variables": VARIABLES}
TO_GROUP = {"recipients": {"type": "group", "group": "early-birds"}}
OTHER_WORDS = "Hello {{contact.firstName}}, {{custom.brand}} says goodbye. Your code: {{custom.code}}"


def edit_template(sandbox: Sandbox, body: str) -> Answer:
    """Write other words into the template, as people do in the console."""
    return Client(sandbox.url, sandbox.api_key).send("PUT", f"/api/v1/templates/{WELCOME_ID}", {"body": body})


def fill_group(sandbox: Sandbox, people: int) -> None:
    """Let a group have so many members more."""
    group = sandbox.world.groups[EARLY_BIRDS_ID]
    group.members |= {f"member-{number}": group.created_at for number in range(people)}


def posts(sandbox: Sandbox) -> int:
    """Count the requests that change something."""
    return sum(seen.method != "GET" for seen in sandbox.requests)


# The digest of the approved plan


def test_approved_plan_is_carried_out_once(repo: Repo, sandbox: Sandbox) -> None:
    """A pipeline that is run again finds its plan carried out, which is success."""
    repo.campaigns(2)
    digest = str(repo.plan()["digest"])
    first, again = repo.apply("--expect", digest), repo.apply("--expect", digest)
    assert (first.code, again.code) == (0, 0), again.err
    assert "Already applied" in again.err
    assert created(sandbox) == {"c00": 1, "c01": 1}


def test_plan_that_was_carried_out_in_part_says_what_is_left(repo: Repo, sandbox: Sandbox) -> None:
    """After a failure the rest is another plan, which has no approval: it is listed, and not sent."""
    repo.campaigns(3)
    digest = str(repo.plan()["digest"])
    sandbox.add_fault("POST /api/v1/campaigns 400 skip=1")
    first, again = repo.apply("--expect", digest), repo.apply("--expect", digest)
    assert (first.code, again.code) == (3, 1)
    assert "Done: 2 of 3. Left:\n  create c01\n" in again.err
    assert creates_seen(sandbox) == 3
    assert created(sandbox) == {"c00": 1, "c02": 1}


def test_other_plan_says_what_would_be_done_now(repo: Repo, sandbox: Sandbox) -> None:
    """A digest alone cannot say in what the plans differ; what would be done now is listed."""
    repo.campaign("sale")
    digest = str(repo.plan()["digest"])
    repo.campaign("sale", body="Something else")
    repo.campaign("tea")
    repo.campaign("late", schedule="2020-01-01T09:00:00Z")
    refused = repo.apply("--expect", digest)
    assert refused.code == 1
    assert "The approved plan is not at hand. The one that would be carried out now:\n" in refused.err
    assert "  create sale\n  create tea\n  blocked late\n" in refused.err
    assert posts(sandbox) == 0


# What MsgFlash has behind a saved plan


def test_template_that_was_edited_after_the_review(repo: Repo, sandbox: Sandbox) -> None:
    """Other words than the reviewed ones are not sent, and the refusal names the campaign."""
    repo.campaign("spring", **FROM_TEMPLATE)
    planned = repo.run("plan", "--out", "plan.json")
    assert "Hello {{contact.firstName}}, welcome to Acme! Your code: SPRING" in planned.out
    assert edit_template(sandbox, OTHER_WORDS).status == 200
    refused = repo.apply("plan.json")
    assert refused.code == 1
    assert "spring: its template says something else" in refused.err
    assert created(sandbox) == {}


def test_group_that_grew_after_the_review(repo: Repo, sandbox: Sandbox) -> None:
    """Many more people than the reviewed ones are not written to."""
    repo.campaign("birds", **TO_GROUP)
    assert "group early-birds" in repo.run("plan", "--out", "plan.json").out
    fill_group(sandbox, 25_000)
    refused = repo.apply("plan.json")
    assert refused.code == 1
    assert "birds: 25 people were shown, 25025 would receive it now" in refused.err
    assert created(sandbox) == {}


def test_limit_of_people_holds_under_the_lock(repo: Repo, sandbox: Sandbox) -> None:
    """A campaign above its `audience.max` waits for a person, whatever was approved; others go out."""
    repo.campaign("birds", audience={"max": 100}, **TO_GROUP)
    repo.campaign("sale")
    digest = str(repo.plan()["digest"])
    fill_group(sandbox, 25_000)
    refused, done = repo.apply("--expect", digest), repo.apply()
    assert (refused.code, done.code) == (1, 3)
    assert "birds is blocked: 25025 people would receive it, and at most 100 may (limit)" in " ".join(done.out.split())
    assert created(sandbox) == {"sale": 1}


# Where it goes


def test_state_belongs_to_its_server(repo: Repo, sandbox: Sandbox) -> None:
    """With another MsgFlash the state is refused, and nothing is asked of that."""
    repo.campaign("sale")
    assert repo.apply().code == 0
    with Sandbox(FAST) as other:
        elsewhere = {"MSGFLASH_BASE_URL": other.url}
        commands = (("plan",), ("apply", "--auto-approve"), ("drift",))
        refused = [repo.run(*command, env=elsewhere) for command in commands]
        assert other.requests == []
    assert [done.code for done in refused] == [1, 1, 1]
    assert all("The state belongs to a sandbox on this machine." in done.err for done in refused)
    assert all(sandbox.url in done.err for done in refused)


def test_saved_plan_belongs_to_its_server(repo: Repo, sandbox: Sandbox) -> None:
    """What was reviewed for one account is not sent from another one."""
    repo.campaign("sale")
    assert repo.run("plan", "--out", "plan.json").code == 0
    with Sandbox(FAST) as other:
        refused = repo.run("apply", "--auto-approve", "plan.json", env={"MSGFLASH_BASE_URL": other.url})
        assert other.requests == []
    assert refused.code == 1
    assert "The plan is for another server." in refused.err
    assert (sandbox.url in refused.err, other.url in refused.err) == (True, True)


def test_offline_plan_of_a_state_on_a_server_reaches_no_host(repo: Repo, sandbox: Sandbox) -> None:
    """`--offline` asks neither MsgFlash nor the state's server, and says what to do instead."""
    repo.campaign("sale")
    with counting_connections() as (port, connections):
        state = {"MSGFLASH_STATE": f"http://127.0.0.1:{port}/state"}
        refused = repo.run("plan", "--offline", env=state)
        preview = repo.run("plan", "--offline", "--no-state", env=state)
    assert (refused.code, preview.code) == (1, 0)
    assert "The state cannot be read offline." in refused.err
    assert "Plan without --offline; or preview the files alone, with --offline --no-state." in refused.err
    assert connections == []
    assert sandbox.requests == []


@contextmanager
def counting_connections() -> Iterator[tuple[int, list[object]]]:
    """Listen on a port; what connects to it is remembered, and hung up on."""
    connections: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            while True:
                connection, address = server.accept()
                connection.close()
                if address == farewell:
                    return
                connections.append(address)

        with socket.socket() as last:
            last.bind(("127.0.0.1", 0))
            farewell = last.getsockname()
            thread = Thread(target=accept)
            thread.start()
            yield server.getsockname()[1], connections
            last.connect(server.getsockname())
            thread.join()


# A plan file that was forged


def past_start(change: dict[str, Any], desired: dict[str, Any]) -> None:
    """Claim that a campaign of the past starts in the future."""
    change |= {"action": "create", "reason": None, "starts_at": in_days(30)}
    desired["starts_at"] = in_days(30)


def few_people(change: dict[str, Any], _desired: dict[str, Any]) -> None:
    """Claim that a campaign reaches fewer people than it does."""
    change |= {"action": "create", "reason": None}
    change["audience"]["count"] = 5


def resumed(change: dict[str, Any], _desired: dict[str, Any]) -> None:
    """Claim that a campaign that people have paused is to be resumed."""
    change["action"] = "resume"


def other_id(change: dict[str, Any], _desired: dict[str, Any]) -> None:
    """Claim that the campaign to be paused is another one."""
    change["id"] = "00000000-0000-4000-8000-000000000000"


def new_id(change: dict[str, Any], _desired: dict[str, Any]) -> None:
    """Claim that a campaign that is on record was never created."""
    change |= {"action": "create", "id": None, "before": None, "status": None}


@pytest.mark.parametrize(
    ("forge", "before", "fields"),
    [
        (past_start, None, {"schedule": "2020-01-01T09:00:00Z"}),
        (few_people, None, {"audience": {"max": 10}}),
        (resumed, {"paused": True}, {}),
        (other_id, {}, {"paused": True}),
        (new_id, {}, {}),
    ],
    ids=["start", "audience", "resume", "id", "no id"],
)
def test_forged_plan_file_sends_nothing(
    repo: Repo,
    sandbox: Sandbox,
    forge: Callable[[dict[str, Any], dict[str, Any]], None],
    before: dict[str, object] | None,
    fields: dict[str, object],
) -> None:
    """What a plan file claims is worked out again; a right checksum does not help."""
    if before is not None:
        repo.campaign("sale", **before)
        assert repo.apply().code == 0
    repo.campaign("sale", **fields)
    repo.run("plan", "--out", "plan.json")
    document = json.loads((repo.folder / "plan.json").read_text())
    forge(document["saved"]["plan"]["changes"][0], document["saved"]["desired"][0])
    repo.write("plan.json", json.dumps({**document, "checksum": digest_of(document["saved"])}))
    files, sent = repo.files(), posts(sandbox)

    refused = repo.apply("plan.json")

    assert (refused.code, "Traceback" in refused.err) == (1, False)
    assert posts(sandbox) == sent
    assert repo.files() == files


# After the apply


def from_template_sent(repo: Repo) -> None:
    """Create a campaign that sends a template."""
    repo.campaign("spring", **FROM_TEMPLATE)
    assert repo.apply().code == 0


@pytest.fixture
def sent(repo: Repo, scenes: Scenes) -> Repo:
    """Make a repo whose one campaign, `spring`, has been created from a template."""
    return scenes.begin(from_template_sent, repo)


def test_template_that_is_edited_later_is_accepted(sent: Repo, sandbox: Sandbox) -> None:
    """New words show as a text diff in plan and drift; an apply puts them on record, and nothing is left to do."""
    edit_template(sandbox, OTHER_WORDS)
    planned, drifted = sent.run("plan", "--detailed-exitcode"), sent.run("drift")
    assert (planned.code, drifted.code) == (2, 2)
    for shown in (planned.out, drifted.out):
        assert '- "Hello {{contact.firstName}}, welcome to {{custom.brand}}!' in shown
        assert '+ "Hello {{contact.firstName}}, {{custom.brand}} says goodbye.' in shown
    assert "spring stays as it is, with new words" in planned.out
    assert "template welcome  was edited on MsgFlash" in drifted.out

    assert sent.apply().code == 0
    assert "No changes." in sent.run("plan", "--detailed-exitcode").out
    assert sent.run("drift").code == 0
    assert (posts(sandbox), statuses(sandbox)) == (1, {"spring": "scheduled"})


def test_template_that_is_edited_later_pauses_where_the_policy_says_so(sent: Repo, sandbox: Sandbox) -> None:
    """With `template_edits: pause` words without an approval are kept back."""
    sent.write("msgflash.yaml", "version: 1\npolicy: {template_edits: pause}\n")
    edit_template(sandbox, OTHER_WORDS)
    assert sent.actions() == {"spring": "pause"}
    assert sent.apply().code == 0
    assert statuses(sandbox) == {"spring": "paused"}


def test_template_that_wants_another_variable_later(sent: Repo, sandbox: Sandbox) -> None:
    """New words that need what the campaign does not give break every message: a person is needed, accepted or not."""
    edit_template(sandbox, f"{OTHER_WORDS} {{{{custom.day}}}}")
    planned, applied, again = sent.run("plan"), sent.apply(), sent.run("plan")
    assert [done.code for done in (planned, applied, again)] == [3, 3, 3]
    says = "template `welcome` needs the variable `day` now, which is not given: every message of `spring` will fail"
    assert all(says in " ".join(done.out.split()) for done in (planned, applied, again))


def test_template_that_is_deleted_later(sent: Repo, sandbox: Sandbox) -> None:
    """A campaign that will fail is named and needs a person; it can be paused, and then nothing is left to do."""
    assert Client(sandbox.url, sandbox.api_key).send("DELETE", f"/api/v1/templates/{WELCOME_ID}").status == 200
    planned, drifted = sent.run("plan", "--detailed-exitcode"), sent.run("drift")
    assert (planned.code, drifted.code) == (3, 3), planned.err
    says = "template `welcome` is gone on MsgFlash: every message of `spring` will fail"
    assert says in " ".join(planned.out.split())
    assert "template welcome  is gone on MsgFlash" in drifted.out

    sent.campaign("spring", paused=True, **FROM_TEMPLATE)
    assert sent.apply().code == 0
    assert statuses(sandbox) == {"spring": "paused"}
    assert sent.run("plan", "--detailed-exitcode").code == 0


def test_deleted_template_is_an_error_of_a_new_campaign(sent: Repo, sandbox: Sandbox) -> None:
    """What was never created cannot send a template that is gone: an error at its line, and nothing is sent."""
    Client(sandbox.url, sandbox.api_key).send("DELETE", f"/api/v1/templates/{WELCOME_ID}")
    sent.campaign("summer", **FROM_TEMPLATE)
    refused = sent.apply()
    assert refused.code == 1
    assert "campaigns/summer.yaml:5:11: error MF503: the account has no template `welcome`" in refused.err
    assert "campaigns/spring.yaml:5:11: warning MF503" in refused.err
    assert refused.err.count("error MF503") == 1
    assert creates_seen(sandbox) == 0
