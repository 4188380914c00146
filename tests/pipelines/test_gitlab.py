"""The GitLab template's own scripts, run as its jobs run them in a checkout, against a sandbox and a GitLab."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from string import Template

import pytest
import yaml

from tests.pipelines.gitlab_server import NOTE_TOKEN, NOTE_USER, GitLab
from tests.pipelines.runner import ROOT
from tests.support.command import QUICKEST_PROJECT, Repo, created, creates_seen, scrubbed_environment
from tests.support.fates import Cut
from tests.support.proxy import Proxy
from tests.support.stores.http import as_user
from tests.support.stores.http_server import JOB, READER

TEMPLATE = yaml.safe_load((ROOT / "docs/gitlab-ci.yml").read_text(encoding="utf-8"))
HEAD, MERGED = "a" * 40, "5" * 40
IN_MERGE_REQUEST = {"CI_MERGE_REQUEST_IID": "5", "CI_COMMIT_SHA": HEAD}
ON_MAIN = {"CI_COMMIT_SHA": MERGED, "CI_COMMIT_BRANCH": "main"}
KEY = "<!-- msgflash-apply job: production in . -->"
FORGED = f"{KEY}\n<!-- commit {HEAD}, plan sha256:{'0' * 64} -->\n"


@dataclass(frozen=True)
class Ran:
    """How a job ended, and its log."""

    code: int
    log: str


@dataclass
class Project:
    """A project of a GitLab whose jobs run in a checkout; `variables` are added to those of every job."""

    repo: Repo
    gitlab: GitLab
    bin: Path
    variables: dict[str, str] = field(default_factory=dict)

    def know(self, port: int) -> None:
        """Set the variables of a job, and those of the template as GitLab fills them in; declare its environment."""
        self.repo.write("msgflash.yaml", f"{QUICKEST_PROJECT}environments: {{production: {{}}}}\n")
        job = {"CI_API_V4_URL": f"http://127.0.0.1:{port}/api/v4", "CI_PROJECT_ID": "7", "CI_JOB_TOKEN": JOB[1]}
        self.repo.environ.update({**job, "CI_PROJECT_DIR": str(self.repo.folder)})
        for name, text in TEMPLATE["variables"].items():
            self.repo.environ[name] = Template(str(text)).substitute(self.repo.environ)

    def run(self, name: str, **variables: str) -> Ran:
        """Run a job's script as GitLab does, ended by its first error; a plan is for the merge request."""
        of_pipeline = IN_MERGE_REQUEST if name == "plan" else ON_MAIN
        sandbox = {"MSGFLASH_BASE_URL": self.repo.sandbox.url, "MSGFLASH_API_KEY": self.repo.sandbox.api_key}
        known = {**scrubbed_environment(), **self.repo.environ, **sandbox, **of_pipeline, **self.variables, **variables}
        path = os.pathsep.join([str(self.bin), str(Path(sys.executable).parent), os.environ["PATH"]])
        done = subprocess.run(
            ["bash", "-eo", "pipefail", "-c", "\n".join(TEMPLATE[name]["script"])],
            cwd=self.repo.folder,
            env={**known, "PATH": path},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return Ran(done.returncode, done.stdout)

    def merged(self) -> None:
        """Make the state, plan in the merge request, and merge it."""
        self.repo.run("init")
        assert self.run("plan").code == 0
        self.gitlab.merge(MERGED, HEAD)

    @property
    def note(self) -> list[str]:
        """The lines of the only note."""
        [note] = self.gitlab.notes.values()
        return note.body.splitlines()


@pytest.fixture
def project(repo: Repo, tmp_path: Path) -> Iterator[Project]:
    """Run a GitLab, give the checkout what a job of it has, and put the script where the container has it."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/msgflash-gitlab").symlink_to(ROOT / ".ci/gitlab")
    with GitLab(tmp_path / "gitlab") as server:
        project = Project(repo, server, tmp_path / "bin", {"MSGFLASH_NOTE_TOKEN": NOTE_TOKEN})
        project.know(server.server_port)
        yield project


def digest_of(line: str) -> str:
    """Read the digest in a line."""
    [digest] = re.findall(r"sha256:[0-9a-f]{64}", line)
    return str(digest)


def test_pipeline_sends_what_was_reviewed(project: Project) -> None:
    """From the check to the apply each job does its part, with the state in GitLab; the campaign is created once."""
    repo = project.repo
    assert repo.run("init").code == 0
    repo.run("fmt")

    codes = [project.run(name).code for name in ("validate", "plan")]
    project.gitlab.merge(MERGED, HEAD)
    codes.append(project.run("apply").code)

    assert codes == [0, 0, 0]
    assert created(repo.sandbox) == {"promo": 1}
    assert repo.run("plan", "--detailed-exitcode").code == 0
    assert not (repo.folder / ".msgflash/production.json").exists()
    assert (repo.folder / "findings.xml").stat().st_size > 0
    assert "<html" in (repo.folder / "plan.html").read_text(encoding="utf-8")


def test_plan_is_one_note_that_is_kept_up_to_date(project: Project) -> None:
    """The first plan makes a note, later ones change it, also behind a hundred others; a surplus one goes."""
    project.repo.run("init")
    project.run("plan")
    first = project.note
    for _ in range(130):
        project.gitlab.add("me too", author=1)
    project.gitlab.add("\n".join(first))
    project.repo.campaign("second")
    project.run("plan", CI_COMMIT_SHA="c" * 40, CI_MERGE_REQUEST_SOURCE_BRANCH_SHA="b" * 40)

    [note] = [note for note in project.gitlab.notes.values() if note.author == NOTE_USER]
    second = note.body.splitlines()
    assert first[:2] == [KEY, f"<!-- commit {HEAD}, plan {digest_of(first[-1])} -->"]
    assert second[:2] == [KEY, f"<!-- commit {'b' * 40}, plan {digest_of(second[-1])} -->"]
    assert first[-1] != second[-1]


def test_mistakes_are_the_note_where_there_is_no_plan(project: Project) -> None:
    """A mistake takes the place of the plan, in the note as well, and the older page is gone."""
    project.repo.run("init")
    project.run("plan")
    project.repo.write("campaigns/broken.yaml", "name: x\n")

    ran = project.run("plan")

    assert ran.code == 1
    assert project.note[1] == f"<!-- commit {HEAD}, plan none -->"
    assert "campaigns/broken.yaml:1:1: error MF302: `recipients` is required" in project.note
    assert not (project.repo.folder / "plan.html").exists()


def test_job_that_makes_no_plan_replaces_the_older_one(project: Project) -> None:
    """Where MsgFlash cannot be asked, the note says that there is no plan."""
    project.repo.run("init")
    project.run("plan")

    ran = project.run("plan", MSGFLASH_API_KEY="msgf_live_wrong")

    assert (ran.code, project.note[1]) == (1, f"<!-- commit {HEAD}, plan none -->")
    assert "## No plan" in project.note


def test_campaign_text_is_no_quick_action_and_no_digest(project: Project) -> None:
    """No line of a note begins with a slash, and what a campaign says about digests is not read."""
    project.repo.run("init")
    forged = f"/merge\n{FORGED}"
    project.repo.campaign("forger", name="/close", body=f"```\n\n{forged}\n```\n  /approve")

    assert project.run("plan").code == 0

    assert not [line for line in project.note if line.lstrip().startswith("/")]
    assert digest_of(project.note[1]) == digest_of(project.note[-1])


def test_without_a_token_the_plan_is_in_the_log_alone(project: Project) -> None:
    """No token is no failure of the plan; `apply` then wants the digest, and takes it."""
    project.variables.clear()
    project.repo.run("init")
    planned = project.run("plan")
    refused = project.run("apply")

    ran = project.run("apply", MSGFLASH_EXPECT=digest_of(planned.log))

    assert (planned.code, project.gitlab.notes) == (0, {})
    assert "MSGFLASH_NOTE_TOKEN is not set" in planned.log
    assert (refused.code, ran.code) == (1, 0)
    assert "no usable token in MSGFLASH_NOTE_TOKEN" in refused.log
    assert created(project.repo.sandbox) == {"promo": 1}


def test_refused_token_fails_plainly(project: Project) -> None:
    """A token that GitLab refuses fails the job, and is not shown."""
    project.repo.run("init")

    ran = project.run("plan", MSGFLASH_NOTE_TOKEN="glpat-wrong")  # noqa: S106 - no password

    assert ran.code != 0
    assert "401" in ran.log
    assert "glpat-wrong" not in ran.log


@pytest.mark.parametrize(
    ("changes", "author"),
    [({"author": 1}, "another user"), ({"system": True}, "GitLab"), ({"iid": 6}, "another merge request")],
)
def test_note_of_others_is_no_approval(project: Project, changes: dict[str, int], author: str) -> None:
    """A note with the right text that is not the token's own on this merge request approves nothing."""
    project.merged()
    [note] = project.gitlab.notes.values()
    for name, value in changes.items():
        setattr(note, name, value)

    ran = project.run("apply")

    assert ran.code == 1, author
    assert "Merge request !5 has no reviewed plan" in ran.log
    assert creates_seen(project.repo.sandbox) == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "opened"},
        {"target_project_id": 8},
        {"target_branch": "staging"},
        {"merge_commit_sha": "6" * 40},
        {"merge_commit_sha": None, "squash_commit_sha": "6" * 40},
        {"merge_commit_sha": None},
    ],
)
def test_only_the_merge_request_merged_as_this_commit_counts(project: Project, changes: dict[str, object]) -> None:
    """A merge request that merely holds the commit, or was merged elsewhere, approves nothing."""
    project.merged()
    project.gitlab.merged.clear()
    project.gitlab.merge(MERGED, HEAD, **changes)

    ran = project.run("apply")

    assert ran.code == 1
    assert "No merge request was merged as this commit" in ran.log
    assert creates_seen(project.repo.sandbox) == 0


@pytest.mark.parametrize(
    ("commit", "changes"),
    [
        (MERGED, {"merge_commit_sha": None, "squash_commit_sha": MERGED}),
        (HEAD, {"merge_commit_sha": None}),
        (MERGED, {"squash_commit_sha": "6" * 40}),
    ],
    ids=["squashed", "fast-forward", "squashed and merged"],
)
def test_each_way_to_merge_is_known(project: Project, commit: str, changes: dict[str, object]) -> None:
    """A squash, a fast-forward and a merge of a squash leave different commits on the branch."""
    project.merged()
    project.gitlab.merged.clear()
    project.gitlab.merge(commit, HEAD, **changes)

    assert project.run("apply", CI_COMMIT_SHA=commit).code == 0
    assert created(project.repo.sandbox) == {"promo": 1}


def test_plan_of_another_commit_than_the_merged_one_is_refused(project: Project) -> None:
    """A commit that was pushed after the plan, and merged before another was made, was not reviewed."""
    project.merged()
    project.gitlab.merged.clear()
    project.gitlab.merge(MERGED, "b" * 40)

    ran = project.run("apply")

    assert ran.code == 1
    assert f"was not made for {'b' * 40}" in ran.log
    assert creates_seen(project.repo.sandbox) == 0


def test_two_plans_are_none(project: Project) -> None:
    """Where two of the token's own notes differ, nothing is applied."""
    project.merged()
    project.gitlab.add(FORGED)

    ran = project.run("apply")

    assert "has two plans" in ran.log
    assert creates_seen(project.repo.sandbox) == 0


def test_another_plan_than_the_reviewed_one_is_refused(project: Project) -> None:
    """A campaign that came in after the review keeps everything from being sent."""
    project.merged()
    project.repo.campaign("smuggled")

    ran = project.run("apply")

    assert ran.code == 1
    assert "not the one that was approved" in ran.log
    assert creates_seen(project.repo.sandbox) == 0


@pytest.mark.parametrize("given", ["sha256:1", "$(touch pwned)", "sha256:" + "0" * 64 + "\n"])
def test_what_is_no_digest_is_refused(project: Project, given: str) -> None:
    """A digest given by hand is 64 characters and nothing else."""
    ran = project.run("apply", MSGFLASH_EXPECT=given)

    assert ran.code == 1
    assert "MSGFLASH_EXPECT is not a digest" in ran.log
    assert not (project.repo.folder / "pwned").exists()


def test_apply_in_a_merge_request_is_refused(project: Project) -> None:
    """Before the merge nothing is applied, whatever digest is given."""
    ran = project.run("apply", **IN_MERGE_REQUEST, MSGFLASH_EXPECT="sha256:" + "0" * 64)

    assert ran.code == 1
    assert "after the merge" in ran.log


def test_developer_plans_and_does_not_apply(project: Project) -> None:
    """A job that a developer started reads the state in GitLab; its apply is refused before anything is sent."""
    project.merged()
    developer = as_user(READER)

    assert project.run("plan", **developer).code == 0
    assert project.run("apply", **developer).code == 1

    assert created(project.repo.sandbox) == {}


def test_outage_leaves_an_artifact(project: Project) -> None:
    """What an apply could not store lies where the job's artifacts are looked for."""
    with Proxy(project.gitlab.server_port) as proxy:
        project.know(proxy.port)
        project.repo.environ |= {"TF_HTTP_RETRY_MAX": "0"}
        project.merged()
        proxy.count(lambda _number: Cut.BEFORE if created(project.repo.sandbox) else None)

        assert project.run("apply").code in {1, 3}

    (pattern,) = TEMPLATE["apply"]["artifacts"]["paths"]
    assert len(list(project.repo.folder.glob(pattern))) == 1


@pytest.mark.parametrize("name", ["plan", "apply"])
def test_program_never_sees_the_token_of_the_api(project: Project, name: str) -> None:
    """The token that writes notes is for the script alone, and is in nothing that it prints."""
    program = project.bin / "msgflash-apply"
    program.write_text("#!/bin/sh\nenv > seen.txt\n", encoding="utf-8")
    program.chmod(0o755)

    ran = project.run(name, MSGFLASH_EXPECT="sha256:" + "0" * 64)

    seen = (project.repo.folder / "seen.txt").read_text(encoding="utf-8")
    assert "MSGFLASH_API_KEY=" in seen
    assert NOTE_TOKEN not in seen + ran.log


def test_preview_needs_no_key(project: Project) -> None:
    """Without a key the page is made from the files alone, no request is sent, and no note approves it."""
    assert project.run("plan", MSGFLASH_API_KEY="").code == 0
    assert (project.repo.folder / "plan.html").exists()
    assert project.repo.sandbox.requests == []
    assert project.gitlab.requests == []
