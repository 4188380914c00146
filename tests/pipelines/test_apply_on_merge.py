"""`apply` after a merge: what was reviewed goes out once, and nothing else does."""

import signal

import pytest

from tests.pipelines.github_server import BOT, GitHub
from tests.pipelines.runner import SHA, Ran, Runner
from tests.support.command import created, creates_seen, wait_until


def merged(runner: Runner, github: GitHub) -> Ran:
    """Plan in the pull request, merge it, and let the runner stand on the push; what the plan ended with."""
    planned = runner.run(command="plan")
    github.merge(7, SHA)
    runner.event_name, runner.event = "push", {"ref": "refs/heads/main"}
    return planned


def test_apply_takes_the_digest_of_the_comment(runner: Runner, github: GitHub) -> None:
    """The merged pull request's plan is applied, by the digest that its comment shows."""
    planned = merged(runner, github)

    ran = runner.run(command="apply")

    assert (ran.code, ran.outputs) == (0, {"exitcode": "0", "digest": planned.outputs["digest"]})
    assert created(runner.repo.sandbox) == {"promo": 1}
    assert "    Applied: 1 created." in ran.summary


def test_second_apply_of_the_same_merge_sends_nothing(runner: Runner, github: GitHub) -> None:
    """A job that is run again finds another plan than the one approved, and stops."""
    merged(runner, github)
    runner.run(command="apply")

    again = runner.run(command="apply")

    assert again.code == 1
    assert created(runner.repo.sandbox) == {"promo": 1}


def test_another_plan_than_the_reviewed_one_is_refused(runner: Runner, github: GitHub) -> None:
    """A campaign that came in after the review keeps everything from being sent."""
    merged(runner, github)
    runner.repo.campaign("smuggled")

    ran = runner.run(command="apply")

    assert ran.code == 1
    assert "not the one that was approved" in ran.log
    assert creates_seen(runner.repo.sandbox) == 0


@pytest.mark.parametrize(("author", "kind"), [("mallory", "User"), ("other[bot]", "Bot"), (BOT, "User")])
def test_forged_comment_is_no_approval(runner: Runner, github: GitHub, author: str, kind: str) -> None:
    """A comment with the right text by anybody but the action's bot approves nothing."""
    merged(runner, github)
    [comment] = github.comments.values()
    comment.author, comment.kind = author, kind

    ran = runner.run(command="apply")

    assert (ran.code, ran.outputs) == (1, {"exitcode": "1"})
    assert "has no reviewed plan" in ran.log
    assert creates_seen(runner.repo.sandbox) == 0


def test_two_approvals_are_none(runner: Runner, github: GitHub) -> None:
    """Where two of the action's comments differ, nothing is applied."""
    merged(runner, github)
    [comment] = github.comments.values()
    digest = comment.body.splitlines()[-1]
    github.add(7, BOT, comment.body.replace(digest, "Digest: `sha256:" + "0" * 64 + "`"))

    ran = runner.run(command="apply")

    assert "has two plans" in ran.log
    assert creates_seen(runner.repo.sandbox) == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"merged_at": None},
        {"merge_commit_sha": "6" * 40},
        {"base": {"ref": "staging", "repo": {"full_name": "acme/campaigns"}}},
        {"base": {"ref": "main", "repo": {"full_name": "mallory/campaigns"}}},
    ],
)
def test_only_the_pull_request_merged_as_this_commit_counts(
    runner: Runner, github: GitHub, changes: dict[str, object]
) -> None:
    """A pull request that merely holds the commit, or was merged elsewhere, approves nothing."""
    merged(runner, github)
    github.pulls.clear()
    github.merge(7, SHA, **changes)

    ran = runner.run(command="apply")

    assert ran.code == 1
    assert "No pull request was merged as this commit" in ran.log
    assert creates_seen(runner.repo.sandbox) == 0


def test_digest_may_be_given(runner: Runner, github: GitHub) -> None:
    """A run by hand applies the digest that it is given, and asks GitHub nothing."""
    planned = runner.run(command="plan", comment="false")
    runner.event_name, runner.event = "workflow_dispatch", {}

    ran = runner.run(command="apply", expect=planned.outputs["digest"])

    assert (ran.code, github.requests) == (0, [])
    assert created(runner.repo.sandbox) == {"promo": 1}


def test_apply_in_a_pull_request_is_refused(runner: Runner) -> None:
    """Before the merge nothing is applied, whatever digest is given."""
    ran = runner.run(command="apply", expect="sha256:" + "0" * 64)

    assert (ran.code, ran.outputs) == (1, {"exitcode": "1"})
    assert creates_seen(runner.repo.sandbox) == 0


def test_cancelled_job_ends_cleanly(runner: Runner, github: GitHub) -> None:
    """When the runner cancels the job, what is in flight is recorded and the lock is released."""
    runner.repo.campaigns(24)
    merged(runner, github)
    sandbox = runner.repo.sandbox
    sandbox.add_fault("POST /api/v1/campaigns delay seconds=0.7 times=*")
    process = runner.start(command="apply")
    wait_until(lambda: creates_seen(sandbox) > 0)

    process.send_signal(signal.SIGINT)
    log, _ = process.communicate(timeout=30)

    ran = runner.ended(process.returncode, log)
    assert ran.outputs["exitcode"] == "143"
    assert not list(runner.repo.folder.glob(".msgflash/*.lock"))
    assert sorted(created(sandbox)) == sorted(runner.repo.records)
    assert 0 < len(created(sandbox)) < 25
