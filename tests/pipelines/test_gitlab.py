"""The GitLab template's own scripts, run in the order of its stages in a checkout, against a sandbox."""

import os
import subprocess
import sys
from pathlib import Path

import yaml

from tests.pipelines.runner import ROOT
from tests.support.command import Repo, created, scrubbed_environment

TEMPLATE = yaml.safe_load((ROOT / "docs/gitlab-ci.yml").read_text(encoding="utf-8"))


def run_job(repo: Repo, name: str, **environment: str) -> int:
    """Run a job's script as GitLab does, ended by its first error; returns the exit code."""
    variables = {name: str(text) for name, text in TEMPLATE["variables"].items()}
    sandbox = {"MSGFLASH_BASE_URL": repo.sandbox.url, "MSGFLASH_API_KEY": repo.sandbox.api_key}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", "\n".join(TEMPLATE[name]["script"])],
        cwd=repo.folder,
        env={**scrubbed_environment(), **variables, **sandbox, "PATH": path, **environment},
        stdin=subprocess.DEVNULL,
        check=False,
    )
    return done.returncode


def test_pipeline_sends_what_it_planned(repo: Repo) -> None:
    """From the check to the apply each job does its part, and the campaign is created once."""
    repo.run("--env", "production", "init")
    repo.run("fmt")

    codes = [run_job(repo, name) for name in ("validate", "preview", "plan", "apply")]

    assert codes == [0, 0, 0, 0]
    assert created(repo.sandbox) == {"promo": 1}
    assert (repo.folder / "findings.xml").stat().st_size > 0
    assert "<html" in (repo.folder / "plan.html").read_text(encoding="utf-8")


def test_apply_refuses_once_the_state_has_moved_on(repo: Repo) -> None:
    """A plan that waited while another was applied sends nothing."""
    repo.run("--env", "production", "init")
    run_job(repo, "plan")
    repo.run("--env", "production", "apply", "--auto-approve")

    assert run_job(repo, "apply") == 1
    assert created(repo.sandbox) == {"promo": 1}


def test_preview_needs_no_key(repo: Repo) -> None:
    """Without a key the page is made from the files alone, and no request is sent."""
    assert run_job(repo, "preview", MSGFLASH_API_KEY="") == 0
    assert (repo.folder / "plan.html").exists()
    assert repo.sandbox.requests == []
