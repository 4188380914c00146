"""`plan` in a pull request: one comment, kept up to date, and nobody else's taken for it."""

import re

from msgflash_apply.sandbox.server import Sandbox
from tests.pipelines.github_server import BOT, HEAD, GitHub
from tests.pipelines.runner import Runner
from tests.support.command import QUICKEST_PROJECT
from tests.support.sandbox import Client

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def test_first_plan_comments_and_later_ones_update(runner: Runner, github: GitHub) -> None:
    """The first run makes one comment, and the next run with another plan changes that comment."""
    first = runner.run(command="plan")
    runner.repo.campaign("second")
    second = runner.run(command="plan")

    [comment] = github.comments.values()
    assert (first.code, second.code, comment.number) == (0, 0, 7)
    digest, numbers = DIGEST.findall(first.log)[-1], {"creates": "1", "blocked": "0", "people": "40"}
    assert first.outputs == {"exitcode": "2", "digest": digest, **numbers}
    key, review, *_, last = comment.body.splitlines()
    assert key == "<!-- msgflash-apply action: default in . -->"
    assert review == f"<!-- commit {HEAD}, plan {second.outputs['digest']} -->"
    assert last == f"Digest: `{second.outputs['digest']}`"
    assert second.outputs["creates"] == "2"
    assert second.outputs["digest"] != first.outputs["digest"]
    assert second.outputs["digest"] in second.summary


def test_surplus_comments_go(runner: Runner, github: GitHub) -> None:
    """Two comments that two runs at once may leave become one again."""
    runner.run(command="plan")
    [body] = [comment.body for comment in github.comments.values()]
    github.add(7, BOT, body)

    runner.run(command="plan")

    assert list(github.comments) == [1001]


def test_comment_is_found_on_a_later_page(runner: Runner, github: GitHub) -> None:
    """The comment is found behind hundreds of others."""
    for _ in range(250):
        github.add(7, "alice", "me too", "User")
    runner.run(command="plan")

    runner.run(command="plan")

    assert [comment.author for comment in github.comments.values()].count(BOT) == 1


def test_comments_of_others_are_left_alone(runner: Runner, github: GitHub) -> None:
    """A forged comment by a person, and one by another bot, are neither changed nor counted as ours."""
    forged = "<!-- msgflash-apply action: default in . -->\nDigest: `sha256:" + "0" * 64 + "`\n"
    github.add(7, "mallory", forged, "User")
    github.add(7, "other[bot]", forged)
    github.add(7, BOT, f"quoted:\n{forged}")

    runner.run(command="plan")

    *others, ours = github.comments.values()
    assert [comment.body for comment in others] == [forged, forged, f"quoted:\n{forged}"]
    assert (ours.author, ours.body.count("Digest:")) == (BOT, 1)


def test_each_environment_and_folder_has_its_comment(runner: Runner, github: GitHub) -> None:
    """Plans of two folders or environments do not overwrite each other."""
    runner.repo.write("msgflash.yaml", f"{QUICKEST_PROJECT}environments: {{default: {{}}, staging: {{}}}}\n")
    runner.repo.run("--env", "staging", "init")

    runner.run(command="plan", environment="default")
    runner.run(command="plan", environment="staging")
    runner.run(command="plan", environment="default", working_directory="./")

    assert [comment.body.splitlines()[0] for comment in github.comments.values()] == [
        "<!-- msgflash-apply action: default in . -->",
        "<!-- msgflash-apply action: staging in . -->",
        "<!-- msgflash-apply action: default in .%2F -->",
    ]
    assert all("sha256:" in comment.body for comment in github.comments.values())


def test_environment_is_never_picked_for_a_workflow(runner: Runner, sandbox: Sandbox) -> None:
    """Where msgflash.yaml declares some and the step names none, nothing is planned or sent, and the log lists them."""
    runner.repo.write("msgflash.yaml", f"{QUICKEST_PROJECT}environments: {{default: {{}}, staging: {{}}}}\n")

    checked, ran = runner.run(command="validate"), runner.run(command="plan")

    assert (checked.code, ran.code) == (0, 1)
    assert "msgflash.yaml declares `default`, `staging`." in ran.log
    assert sandbox.requests == []


def test_mistakes_become_annotations_and_replace_the_plan(runner: Runner, github: GitHub) -> None:
    """A mistake is annotated at its line as seen from the root, the step fails, and the older plan is gone."""
    runner.run(command="plan", working_directory=".")
    path = runner.repo.write("campaigns/broken.yaml", "name: x\n")

    ran = runner.run(command="plan")

    [comment] = github.comments.values()
    assert (ran.code, ran.outputs) == (1, {"exitcode": "1"})
    assert any(line.startswith("::error file=campaigns/broken.yaml,line=1,") for line in ran.commands)
    assert comment.body.splitlines()[1] == f"<!-- commit {HEAD}, plan none -->"
    assert "\ncampaigns/broken.yaml:1:1: error MF302: `recipients` is required\n  1 | name: x\n" in comment.body
    assert "sha256:" not in comment.body
    assert "error MF302" in ran.summary
    path.unlink()


def test_mistake_that_msgflash_finds_is_in_the_comment(runner: Runner, github: GitHub) -> None:
    """A name that the account does not have takes the place of the plan, as a mistake in the file does."""
    runner.repo.campaign("promo", instanceId=None, instance="no such phone")

    ran = runner.run(command="plan")

    [comment] = github.comments.values()
    assert (ran.code, ran.outputs) == (1, {"exitcode": "1"})
    assert "error MF503" in comment.body


def test_run_that_makes_no_plan_replaces_the_older_one(runner: Runner, github: GitHub) -> None:
    """Where MsgFlash cannot be asked, the comment says that there is no plan, and approves nothing."""
    runner.run(command="plan")
    runner.environ["MSGFLASH_API_KEY"] = "msgf_live_wrong"

    ran = runner.run(command="plan")

    [comment] = github.comments.values()
    assert (ran.code, ran.outputs) == (1, {"exitcode": "1"})
    assert "## No plan for environment `default`" in comment.body
    assert "sha256:" not in comment.body


def test_page_is_the_same_plan(runner: Runner) -> None:
    """Page, comment and numbers are of one plan, which is asked for once; an older page does not survive."""
    runner.run(command="plan")
    requests = len(runner.repo.sandbox.requests)

    ran = runner.run(command="plan", page="plan.html")
    page = runner.repo.folder / "plan.html"
    shown = page.read_text(encoding="utf-8")
    runner.repo.write("campaigns/broken.yaml", "name: x\n")
    broken = runner.run(command="plan", page="plan.html")

    assert (ran.code, ran.outputs["page"]) == (0, "./plan.html")
    assert ran.outputs["digest"] in shown
    assert len(runner.repo.sandbox.requests) == 2 * requests
    assert (broken.outputs, page.exists()) == ({"exitcode": "1"}, False)


def test_annotations_count_from_the_root_of_the_repository(runner: Runner) -> None:
    """In a folder of its own, a mistake is annotated at its path from the root."""
    runner.repo.write("mailings/campaigns/broken.yaml", "name: x\n")

    ran = runner.run(command="validate", working_directory="mailings")

    assert ran.code == 1
    assert any(line.startswith("::error file=mailings/campaigns/broken.yaml,") for line in ran.commands)


def test_blocked_plan_fails_the_check_with_its_comment(runner: Runner, github: GitHub) -> None:
    """A plan with something blocked is shown, and its step fails with 3."""
    runner.repo.campaign("late", schedule="2020-01-01T09:00:00Z")

    ran = runner.run(command="plan")

    [comment] = github.comments.values()
    assert (ran.code, ran.outputs["exitcode"], ran.outputs["blocked"]) == (3, "3", "1")
    assert "Needs a person" in comment.body


def test_comment_can_be_switched_off(runner: Runner, github: GitHub) -> None:
    """Without `comment` the plan goes to the log and the summary, and GitHub is asked nothing."""
    ran = runner.run(command="plan", comment="false")

    assert ran.code == 0
    assert ran.outputs["digest"] in ran.summary
    assert github.requests == []


def test_read_only_token_fails_plainly(runner: Runner, github: GitHub) -> None:
    """Where the job lacks the privilege to comment, the step fails and says what GitHub answered."""
    github.refuses_writes = True

    ran = runner.run(command="plan")

    assert ran.code != 0
    assert "403" in ran.log


def test_arguments_reach_the_program_as_words(runner: Runner) -> None:
    """`args` are split at spaces and line breaks, and nothing in them is expanded."""
    runner.repo.campaign("second")

    narrowed = runner.run(command="plan", args="--target second\n  --refresh\tnone")
    quoted = runner.run(command="plan", args='--target "*"')

    assert (narrowed.code, quoted.code) == (0, 1)
    assert "second" in narrowed.summary
    assert "promo" not in narrowed.summary
    assert 'Given: "*".' in quoted.log


def test_validate_asks_nobody(runner: Runner, github: GitHub) -> None:
    """`validate` needs neither key nor token, and tells its exit code."""
    runner.environ["MSGFLASH_API_KEY"] = ""

    ran = runner.run(command="validate", args="campaigns/promo.yaml")

    assert (ran.code, ran.outputs) == (0, {"exitcode": "0"})
    assert github.requests == []
    assert runner.repo.sandbox.requests == []


def test_drift_fails_once_something_differs(runner: Runner, github: GitHub) -> None:
    """`drift` is silent while record and MsgFlash agree; a campaign paused by hand fails the step, and is named."""
    runner.event_name, runner.event = "schedule", {}
    runner.repo.apply()

    same = runner.run(command="drift")
    [campaign] = runner.repo.sandbox.campaigns()
    Client(runner.repo.sandbox.url, runner.repo.sandbox.api_key).post(f"/campaigns/{campaign['id']}/pause")
    other = runner.run(command="drift")

    assert (same.code, same.outputs) == (0, {"exitcode": "0"})
    assert (other.code, other.outputs) == (2, {"exitcode": "2"})
    assert "promo" in other.summary
    assert github.requests == []
