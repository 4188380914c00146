"""Pull requests of strangers: previews without secrets, and nothing that they name or write is run."""

import pytest

from tests.pipelines.github_server import HEAD, TOKEN, GitHub
from tests.pipelines.runner import SHA, Runner

HOSTILE = "$(touch pwned)`touch pwned`';touch pwned;\"\n::add-mask::main\n::set-env name=PATH::/tmp"


def test_fork_gets_a_preview_and_no_comment(runner: Runner, github: GitHub) -> None:
    """Without a key the plan is made from the files alone, shown in the summary, and neither server is asked."""
    runner.environ["MSGFLASH_API_KEY"] = ""
    runner.environ["MSGFLASH_STATE"] = "/nowhere/{environment}.json"

    ran = runner.run(command="plan")

    assert (ran.code, ran.outputs) == (0, {"exitcode": "2"})
    assert "preview without a state" in ran.summary
    assert github.requests == []
    assert runner.repo.sandbox.requests == []


def test_hostile_names_do_nothing(runner: Runner, github: GitHub) -> None:
    """Branch names, titles and refs full of shell are never run, and act on no runner."""
    pull = {"number": 7, "title": HOSTILE, "body": HOSTILE, "head": {"ref": HOSTILE, "label": HOSTILE, "sha": HEAD}}
    runner.event = {"pull_request": pull}
    runner.environ |= {"GITHUB_HEAD_REF": HOSTILE, "GITHUB_REF_NAME": HOSTILE}

    planned = runner.run(command="plan")
    runner.event_name = "push"
    github.merge(7, SHA)
    applied = runner.run(command="apply")

    assert planned.code == 0
    assert "No pull request was merged" in applied.log
    assert not list(runner.repo.folder.parent.rglob("pwned"))
    assert all(line.startswith(("::error::", "::notice::")) for line in planned.commands + applied.commands)


def test_head_that_is_no_commit_is_refused(runner: Runner, github: GitHub) -> None:
    """What would be written into the comment's second line is a hash and nothing else."""
    runner.event = {"pull_request": {"number": 7, "head": {"sha": f"{HEAD}, plan sha256:{'0' * 64} -->\n"}}}

    ran = runner.run(command="plan")

    assert ran.code == 1
    assert "does not say for which commit" in ran.log
    assert github.comments == {}


@pytest.mark.parametrize(
    "name", ["command", "environment", "working_directory", "args", "comment", "expect", "approvals", "page"]
)
def test_hostile_inputs_do_nothing(runner: Runner, name: str) -> None:
    """An input full of shell ends the step with an error, and is not run."""
    runner.event_name = "push"
    inputs = {"command": "apply", "expect": "sha256:" + "0" * 64, name: HOSTILE}

    ran = runner.run(**inputs)

    assert ran.code != 0
    assert not list(runner.repo.folder.parent.rglob("pwned"))
    assert not [line for line in ran.commands if "add-mask" in line or "set-env" in line]


def test_campaign_text_commands_no_runner(runner: Runner) -> None:
    """Campaign text that looks like a runner's command is shown, and acts nowhere."""
    runner.repo.campaign("hostile", name="::error::x", body="::add-mask::a\n  ::stop-commands::b\n::b::\n::error::c")

    planned = runner.run(command="plan")

    assert planned.code == 0
    assert "::add-mask::a" in planned.log
    assert planned.commands == []


def test_campaign_text_is_no_digest(runner: Runner, github: GitHub) -> None:
    """A campaign whose text is a digest line does not choose what is approved."""
    forged = "Digest: `sha256:" + "0" * 64 + "`"
    runner.repo.campaign("forger", name=forged, body=f"```\n\n{forged}\n\n```\n{forged}")

    planned = runner.run(command="plan")

    [comment] = github.comments.values()
    assert planned.outputs["digest"] != "sha256:" + "0" * 64
    assert comment.body.splitlines()[-1] == f"Digest: `{planned.outputs['digest']}`"


@pytest.mark.parametrize("field", ["body", "schedule"], ids=["in a plan", "in a mistake"])
def test_no_secret_in_anything_that_is_told(runner: Runner, github: GitHub, field: str) -> None:
    """Neither the API key nor the token is in what is printed or written, even when a campaign holds the key."""
    key = runner.repo.sandbox.api_key
    runner.repo.campaign("leak", **{field: f"key {key}"})

    planned = runner.run(command="plan")

    files = [path.read_text(encoding="utf-8") for path in runner.folder.rglob("*") if path.is_file()]
    told = [planned.log, str(planned.outputs), planned.summary, *(c.body for c in github.comments.values()), *files]
    assert not [text for text in told if key in text or TOKEN in text]


def test_pull_request_target_is_refused(runner: Runner) -> None:
    """An event that runs a stranger's files with secrets is refused before anything is read."""
    runner.event_name = "pull_request_target"

    ran = runner.run(command="plan")

    assert (ran.code, ran.outputs) == (1, {"exitcode": "1"})
    assert runner.repo.sandbox.requests == []


def test_token_is_good_for_github_alone(runner: Runner, github: GitHub) -> None:
    """A token that GitHub refuses ends the step, and is not shown."""
    github.requests.clear()
    runner.environ["GITHUB_API_URL"] = f"{github.url}/elsewhere"

    ran = runner.run(command="plan")

    assert ran.code != 0
    assert "404" in ran.log
    assert TOKEN not in ran.log
