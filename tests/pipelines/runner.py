"""
A GitHub runner for one composite action: reads action.yml, fills its expressions, runs its steps in bash.

It knows just the expressions that the action uses, in `env` alone: an expression inside a script is an error here.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import yaml

from tests.pipelines.github_server import HEAD, REPOSITORY, TOKEN, GitHub
from tests.support.command import PATIENCE_SECONDS, Repo, scrubbed_environment

ROOT = Path(__file__).parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
SHA = "5" * 40
EXPRESSION = re.compile(r"\$\{\{ (.*?) \}\}")
COMMANDS_OFF = re.compile(r"^::stop-commands::(\S+)$")

Expressions: TypeAlias = Mapping[str, str]


@dataclass(frozen=True)
class Ran:
    """
    How an action's step ended.

    Attributes:
        code: of its script.
        log: all that it printed.
        outputs: as it told them.
        summary: of the job.
    """

    code: int
    log: str
    outputs: dict[str, str]
    summary: str

    @property
    def commands(self) -> list[str]:
        """The lines of the log on which a runner acts."""
        token, acted = None, []
        for line in self.log.splitlines():
            if token is not None:
                token = None if line == f"::{token}::" else token
            elif off := COMMANDS_OFF.match(line):
                token = off[1]
            elif line.lstrip().startswith("::"):
                acted.append(line)
        return acted


@dataclass
class Runner:
    """
    A machine that runs the action in a checkout.

    Attributes:
        repo: the checkout; its environment reaches the steps.
        github: whom the action asks.
        folder: for the runner's own files; the program is there as if it had been installed.
        event: why the workflow runs, and its payload.
    """

    repo: Repo
    github: GitHub
    folder: Path
    event_name: str = "pull_request"
    event: Mapping[str, object] = field(default_factory=lambda: {"pull_request": {"number": 7, "head": {"sha": HEAD}}})
    environ: dict[str, str] = field(default_factory=dict)

    def run(self, **inputs: str) -> Ran:
        """Run the action's second step with these inputs; `_` in a name stands for `-`."""
        process = self.start(**inputs)
        log, _ = process.communicate(timeout=PATIENCE_SECONDS * 2)
        return self.ended(process.returncode, log)

    def start(self, **inputs: str) -> "subprocess.Popen[str]":
        """Start the action's second step."""
        self.link_program()
        for name in ("output", "summary"):
            (self.folder / name).write_text("", encoding="utf-8")
        (self.folder / "event.json").write_text(json.dumps(self.event), encoding="utf-8")
        return self.start_step(ACTION["runs"]["steps"][1], inputs)

    def start_step(self, step: Mapping[str, object], inputs: Mapping[str, str]) -> "subprocess.Popen[str]":
        """Start one step, its expressions filled from the inputs and their defaults."""
        given = {f"inputs.{name}": str(told.get("default", "")) for name, told in ACTION["inputs"].items()}
        given |= {f"inputs.{name.replace('_', '-')}": text for name, text in inputs.items()}
        script, env = str(step["run"]), step["env"]
        assert "${{" not in script
        assert isinstance(env, dict)
        expressions = {**given, "github.action_path": str(ROOT), "github.token": TOKEN}
        file = self.folder / "step.sh"
        file.write_text(script, encoding="utf-8")
        return subprocess.Popen(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", str(file)],
            cwd=self.repo.folder,
            env=self._environment() | {name: filled(text, expressions) for name, text in env.items()},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def ended(self, code: int, log: str) -> Ran:
        """Read what a step left."""
        told = (self.folder / "output").read_text(encoding="utf-8").splitlines()
        outputs = dict(line.split("=", 1) for line in told)
        return Ran(code, log, outputs, (self.folder / "summary").read_text(encoding="utf-8"))

    def link_program(self) -> None:
        """Put the program where the first step would have installed it."""
        program = self.folder / "msgflash-apply/bin/msgflash-apply"
        if not program.exists():
            program.parent.mkdir(parents=True)
            program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m msgflash_apply "$@"\n', encoding="utf-8")
            program.chmod(0o755)

    def _environment(self) -> dict[str, str]:
        github = {
            "GITHUB_API_URL": self.github.url,
            "GITHUB_EVENT_NAME": self.event_name,
            "GITHUB_EVENT_PATH": str(self.folder / "event.json"),
            "GITHUB_OUTPUT": str(self.folder / "output"),
            "GITHUB_REF_NAME": "main" if self.event_name == "push" else "7/merge",
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_SHA": SHA,
            "GITHUB_STEP_SUMMARY": str(self.folder / "summary"),
            "RUNNER_TEMP": str(self.folder),
        }
        sandbox = {
            "MSGFLASH_BASE_URL": self.repo.sandbox.url,
            "MSGFLASH_API_KEY": self.repo.sandbox.api_key,
            "PYTHONPATH": str(ROOT),
        }
        kept = {name: text for name, text in scrubbed_environment().items() if not name.startswith("GITHUB_")}
        return {**kept, **github, **sandbox, "PATH": os.environ["PATH"], **self.environ}


def filled(text: str, expressions: Expressions) -> str:
    """Fill a value's expressions; KeyError for one that the runner does not know."""
    return EXPRESSION.sub(lambda found: expressions[found[1]], text)
