"""Findings for machines, drift and shell completion, with the real command."""

import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from msgflash_apply.sandbox.server import Sandbox
from tests.support.command import CREATE, Repo, ids, scrubbed_environment
from tests.support.published import matches
from tests.support.sarif import assert_is_sarif
from tests.support.scenes import Scenes, two_sent

BASH = """
source <(msgflash-apply completion bash)
COMP_WORDS=(msgflash-apply pl) COMP_CWORD=1
_msgflash_apply_completion msgflash-apply
printf '%s\\n' "${COMPREPLY[@]}"
"""
ZSH = """
compdef() { : }
source <(msgflash-apply completion zsh)
compadd() { : }
_describe() { print -rl -- "${(@P)3}" }
words=(msgflash-apply pl) CURRENT=2
_msgflash_apply_completion
"""
FISH = """
msgflash-apply completion fish | source
complete -C 'msgflash-apply pl'
"""


def shell_with_program(folder: Path, shell: str, script: str) -> str:
    """Run a script in a shell that finds the program on its PATH; its output."""
    program = folder / "bin/msgflash-apply"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m msgflash_apply "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    environ = scrubbed_environment() | {"PATH": path, "HOME": str(folder), "TERM": "dumb"}
    quiet = {"bash": ["--norc"], "zsh": ["-f"], "fish": ["--no-config"]}[shell]
    done = subprocess.run([shell, *quiet, "-c", script], env=environ, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.mark.parametrize(
    ("shell", "script"),
    [
        pytest.param("bash", BASH, marks=pytest.mark.needs("bash")),
        pytest.param("zsh", ZSH, marks=pytest.mark.needs("zsh")),
        pytest.param("fish", FISH, marks=pytest.mark.needs("fish")),
    ],
)
def test_shell_completes_a_command(tmp_path: Path, shell: str, script: str) -> None:
    """With the printed script read, the shell makes `plan` of `pl`."""
    offered = shell_with_program(tmp_path, shell, script)
    assert [line.split("\t")[0].split(":")[0] for line in offered.split("\n") if line.startswith("pl")] == ["plan"]


def test_github_format_annotates_the_line(repo: Repo) -> None:
    """A mistake is one workflow command with its place, and the exit code says so."""
    repo.campaign("sale", recipient="all")
    done = repo.run("validate", "--format", "github")
    assert done.code == 1
    assert "::error file=campaigns/sale.yaml,line=7,col=1,title=MF301::" in done.out


def test_sarif_format_is_sarif(repo: Repo) -> None:
    """What is printed on stdout is a SARIF log with one result per finding."""
    repo.campaign("sale", recipient="all", body=None)
    done = repo.run("validate", "--format", "sarif")
    assert_is_sarif(done.document)
    assert {result["ruleId"] for result in json.loads(done.out)["runs"][0]["results"]} >= {"MF301"}


def test_junit_format_counts_files(repo: Repo) -> None:
    """A good file passes and a bad one fails."""
    repo.campaign("good")
    repo.campaign("bad", schedule="tomorrow")
    done = repo.run("validate", "--format", "junit")
    suites = ET.fromstring(done.out.encode())  # noqa: S314 - this program wrote it
    assert done.code == 1
    assert (suites.attrib["tests"], suites.attrib["failures"]) == ("2", "1")


def test_broken_project_file_has_a_format_too(repo: Repo) -> None:
    """Mistakes of msgflash.yaml come in the format that was asked for."""
    repo.write("msgflash.yaml", "version: 1\ncampain: x\n")
    done = repo.run("validate", "--format", "github")
    assert done.code == 1
    assert "::error file=msgflash.yaml,line=2" in done.out


def test_drift_finds_nothing_after_an_apply(repo: Repo, scenes: Scenes) -> None:
    """Where files, record and MsgFlash agree, drift says so and exits 0."""
    scenes.begin(two_sent, repo)
    done = repo.run("drift")
    assert done.code == 0, done.out
    assert done.out.startswith("Record and MsgFlash agree")


def test_drift_tells_what_people_did(repo: Repo, scenes: Scenes, sandbox: Sandbox) -> None:
    """A campaign that somebody paused in the console is told, exit 2, and nothing is changed anywhere."""
    scenes.begin(two_sent, repo)
    sandbox.world.pause(sandbox.world.campaigns[ids(sandbox)["c00"]])
    before = repo.files()
    sent = len(sandbox.requests)
    done = repo.run("drift")
    assert done.code == 2
    assert "c00  was scheduled  is paused now" in done.out
    assert {seen.method for seen in sandbox.requests[sent:]} == {"GET"}
    assert repo.files() == before


def test_drift_as_json_holds_the_plan(repo: Repo, sandbox: Sandbox) -> None:
    """Programs get what drifted, and the plan of its published shape; a gone campaign has no status."""
    repo.campaigns(1)
    repo.apply()
    sandbox.world.delete(sandbox.world.campaigns[ids(sandbox)["c00"]])
    done = repo.run("drift", "--format", "json")
    document = json.loads(done.out)
    matches(document["plan"], "plan")
    assert done.code == 2
    assert [(one["address"], one["recorded"], one["found"]) for one in document["drift"]] == [
        ("c00", "scheduled", None)
    ]


def test_drift_of_files_alone_is_told(repo: Repo, sandbox: Sandbox) -> None:
    """A file that was never applied differs from the record: exit 2, and nothing is sent."""
    repo.campaign("new")
    done = repo.run("drift")
    assert done.code == 2
    assert "new will be created" in done.out
    assert all(f"{seen.method} {seen.path}" != CREATE for seen in sandbox.requests)
