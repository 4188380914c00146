"""The GitLab template's own scripts, run in the order of its stages in a checkout, against a sandbox and a GitLab."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from string import Template

import pytest
import yaml

from tests.pipelines.runner import ROOT
from tests.support.command import QUICKEST_PROJECT, Repo, created, scrubbed_environment
from tests.support.fates import Cut
from tests.support.proxy import Proxy
from tests.support.stores.http import as_user
from tests.support.stores.http_server import JOB, READER, StateServer

TEMPLATE = yaml.safe_load((ROOT / "docs/gitlab-ci.yml").read_text(encoding="utf-8"))


@pytest.fixture
def gitlab(repo: Repo, tmp_path: Path) -> Iterator[StateServer]:
    """Run a GitLab that keeps states, and give the checkout what a job of it has."""
    with StateServer(tmp_path / "gitlab") as server:
        know(repo, server.server_port)
        yield server


def know(repo: Repo, port: int) -> None:
    """Set the variables of a job, and those of the template as GitLab fills them in; declare its environment."""
    repo.write("msgflash.yaml", f"{QUICKEST_PROJECT}environments: {{production: {{}}}}\n")
    job = {"CI_API_V4_URL": f"http://127.0.0.1:{port}/api/v4", "CI_PROJECT_ID": "7", "CI_JOB_TOKEN": JOB[1]}
    repo.environ.update(job)
    for name, text in TEMPLATE["variables"].items():
        repo.environ[name] = Template(str(text)).substitute(repo.environ)


def run_job(repo: Repo, name: str, **environment: str) -> int:
    """Run a job's script as GitLab does, ended by its first error; returns the exit code."""
    sandbox = {"MSGFLASH_BASE_URL": repo.sandbox.url, "MSGFLASH_API_KEY": repo.sandbox.api_key}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", "\n".join(TEMPLATE[name]["script"])],
        cwd=repo.folder,
        env={**scrubbed_environment(), **repo.environ, **sandbox, "PATH": path, **environment},
        stdin=subprocess.DEVNULL,
        check=False,
    )
    return done.returncode


@pytest.mark.usefixtures("gitlab")
def test_pipeline_sends_what_it_planned(repo: Repo) -> None:
    """From the check to the apply each job does its part, with the state in GitLab; the campaign is created once."""
    assert repo.run("init").code == 0
    repo.run("fmt")

    codes = [run_job(repo, name) for name in ("validate", "preview", "plan", "apply")]

    assert codes == [0, 0, 0, 0]
    assert created(repo.sandbox) == {"promo": 1}
    assert repo.run("plan", "--detailed-exitcode").code == 0
    assert not (repo.folder / ".msgflash/production.json").exists()
    assert (repo.folder / "findings.xml").stat().st_size > 0
    assert "<html" in (repo.folder / "plan.html").read_text(encoding="utf-8")


@pytest.mark.usefixtures("gitlab")
def test_apply_refuses_once_the_state_has_moved_on(repo: Repo) -> None:
    """A plan that waited while another was applied sends nothing."""
    repo.run("init")
    run_job(repo, "plan")
    repo.run("apply", "--auto-approve")

    assert run_job(repo, "apply") == 1
    assert created(repo.sandbox) == {"promo": 1}


@pytest.mark.usefixtures("gitlab")
def test_developer_plans_and_does_not_apply(repo: Repo) -> None:
    """A job that a developer started reads the state in GitLab; its apply is refused before anything is sent."""
    repo.run("init")
    developer = as_user(READER)

    assert run_job(repo, "plan", **developer) == 0
    assert run_job(repo, "apply", **developer) == 1

    assert created(repo.sandbox) == {}


def test_outage_leaves_an_artifact(repo: Repo, gitlab: StateServer) -> None:
    """What an apply could not store lies where the job's artifacts are looked for."""
    with Proxy(gitlab.server_port) as proxy:
        know(repo, proxy.port)
        repo.environ |= {"TF_HTTP_RETRY_MAX": "0"}
        repo.run("init")
        run_job(repo, "plan")
        proxy.count(lambda _number: Cut.BEFORE if created(repo.sandbox) else None)

        assert run_job(repo, "apply") in {1, 3}

    (pattern,) = TEMPLATE["apply"]["artifacts"]["paths"]
    assert len(list(repo.folder.glob(pattern))) == 1


@pytest.mark.usefixtures("gitlab")
def test_preview_needs_no_key(repo: Repo) -> None:
    """Without a key the page is made from the files alone, and no request is sent."""
    assert run_job(repo, "preview", MSGFLASH_API_KEY="") == 0
    assert (repo.folder / "plan.html").exists()
    assert repo.sandbox.requests == []
