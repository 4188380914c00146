"""`apply` after a merge: what was reviewed goes out once, and nothing else does."""

import signal
from collections.abc import Callable, Mapping

import pytest

from tests.pipelines.github_server import BOT, HEAD, GitHub
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
    """A job that is run again finds that the approved plan was carried out, and succeeds."""
    merged(runner, github)
    runner.run(command="apply")

    again = runner.run(command="apply")

    assert (again.code, creates_seen(runner.repo.sandbox)) == (0, 1)
    assert "Already applied: the approved plan was carried out before" in again.log
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
    key, _, *rest = comment.body.splitlines()
    github.add(7, BOT, "\n".join([key, f"<!-- commit {HEAD}, plan sha256:{'0' * 64} -->", *rest]))

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


def test_plan_of_another_commit_than_the_merged_one_is_refused(runner: Runner, github: GitHub) -> None:
    """A commit that was pushed after the plan, and merged before another was made, was not reviewed."""
    merged(runner, github)
    github.pulls.clear()
    github.merge(7, SHA, head={"sha": "b" * 40})

    ran = runner.run(command="apply")

    assert (ran.code, ran.outputs) == (1, {"exitcode": "1"})
    assert f"was not made for {'b' * 40}" in ran.log
    assert creates_seen(runner.repo.sandbox) == 0


@pytest.mark.parametrize(
    "second",
    ["", f"<!-- commit {HEAD}, plan none -->", f"<!-- commit {HEAD}, plan sha256:{'0' * 64} --> ", "<!-- commit -->"],
    ids=["nothing", "no plan", "not alone", "no commit"],
)
def test_comment_without_a_plan_is_no_approval(runner: Runner, github: GitHub, second: str) -> None:
    """Only the comment's second line says what was reviewed, whatever else is in it."""
    merged(runner, github)
    [comment] = github.comments.values()
    key, review, *rest = comment.body.splitlines()
    comment.body = "\n".join([key, second, review, *rest])

    ran = runner.run(command="apply")

    assert ran.code == 1
    assert "has no reviewed plan" in ran.log
    assert creates_seen(runner.repo.sandbox) == 0


def test_line_breaks_of_another_system_are_read(runner: Runner, github: GitHub) -> None:
    """A comment that comes back with carriage returns is the same comment."""
    merged(runner, github)
    [comment] = github.comments.values()
    comment.body = comment.body.replace("\n", "\r\n")

    assert runner.run(command="apply").code == 0


def test_enough_approvals_let_the_plan_out(runner: Runner, github: GitHub) -> None:
    """Reviewers count once each, by their last word; comments neither give nor take an approval; pages are followed."""
    merged(runner, github)
    for _ in range(120):
        github.review("alice", "COMMENTED")
    github.review("alice", "CHANGES_REQUESTED")
    github.review("alice")
    github.review("bob")
    github.review("bob", "COMMENTED")

    ran = runner.run(command="apply", approvals="2")

    assert ran.code == 0, ran.log
    assert created(runner.repo.sandbox) == {"promo": 1}


def withdrawn(github: GitHub) -> None:
    """Let bob ask for changes after he approved."""
    github.review("bob")
    github.review("bob", "CHANGES_REQUESTED")


def made_before_the_last_change(github: GitHub) -> None:
    """Let bob approve, and the comment change afterwards."""
    github.review("bob")
    [comment] = github.comments.values()
    comment.updated_at = github.now()


def without_the_right_to_write(github: GitHub) -> None:
    """Let a passer-by of a public repo approve."""
    github.permissions["bob"] = "read"
    github.review("bob")


REVIEWS: Mapping[str, Callable[[GitHub], None]] = {
    "no other": lambda _: None,
    "twice the same": lambda github: github.review("alice"),
    "the author": lambda github: github.review("author"),
    "a bot": lambda github: github.review("bob", user={"login": "bob", "type": "Bot"}),
    "a deleted account": lambda github: github.review("bob", user=None),
    "of an older commit": lambda github: github.review("bob", commit_id="b" * 40),
    "dismissed": lambda github: github.review("bob", "DISMISSED"),
    "not submitted": lambda github: github.review("bob", "PENDING", submitted_at=None),
    "withdrawn": withdrawn,
    "before the last change": made_before_the_last_change,
    "without the right to write": without_the_right_to_write,
}


@pytest.mark.parametrize("name", REVIEWS)
def test_what_is_no_approval(runner: Runner, github: GitHub, name: str) -> None:
    """Beside one good approval another is needed, and each of these is none."""
    merged(runner, github)
    github.review("alice")
    REVIEWS[name](github)
    if name == "before the last change":
        github.review("alice")

    ran = runner.run(command="apply", approvals="2")

    assert (ran.code, ran.outputs) == (1, {"exitcode": "1"})
    assert "Pull request #7 has 1 of 2 approvals" in ran.log
    assert creates_seen(runner.repo.sandbox) == 0


def test_given_digest_does_not_get_around_approvals(runner: Runner) -> None:
    """Where approvals are required, a digest given by hand has none, and is refused."""
    runner.event_name, runner.event = "workflow_dispatch", {}

    ran = runner.run(command="apply", expect="sha256:" + "0" * 64, approvals="1")

    assert ran.code == 1
    assert "approvals cannot be checked" in ran.log


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
