"""
What a command shows of itself to everybody on the machine, who may read the arguments of all processes.

And which processes it starts at all: those of the demo, and a shell that tells its version for completion.
"""

import json
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from msgflash_apply.cli.demo import STEPS
from msgflash_apply.cli.main import COMMANDS
from tests.hostile.canaries import a_repo_with_secrets, secrets_in
from tests.hostile.family import Member, first_child, run_seen
from tests.hostile.watched import watch
from tests.support.command import PROGRAM, QUICKEST_PROJECT, Repo
from tests.support.stores.http_server import StateServer

WORK: Mapping[str, tuple[tuple[str, ...], int]] = {
    "init": (("--env", "other", "init"), 0),
    "validate": (("validate",), 0),
    "fmt": (("fmt",), 0),
    "plan": (("plan", "--format", "html", "--output", "p.html"), 0),
    "apply": (("apply", "--auto-approve"), 3),
    "resolve": (("resolve", "sale", "--not-created"), 0),
    "status": (("status",), 0),
    "drift": (("drift",), 2),
    "calendar": (("calendar", "--ics"), 0),
    "import": (("import", "mine", "none-of-ours"), 1),
    "state": (("state", "migrate", "elsewhere.json"), 0),
    "schema": (("schema",), 0),
    "completion": (("completion", "bash"), 0),
    "sandbox": (("sandbox", "--host", "192.0.2.1"), 1),
}
"""By command: what it is asked to do, in this order, and how that ends."""

SHELL_VERSION = """'--norc', '-c', 'echo "${BASH_VERSION}"']"""

STEP = """
import os, pathlib, sys
from tests.hostile.watched import put_hook
from msgflash_apply.cli.demo import run_step
put_hook(os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600))
run_step("See the version.", ["--version"], pathlib.Path(), dict(os.environ), no_color=True)
"""


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Repo]:
    """Make a repo whose commands know every secret."""
    with a_repo_with_secrets(tmp_path) as repo:
        yield repo


@pytest.mark.slow
def test_no_command_starts_a_program(repo: Repo, tmp_path: Path) -> None:
    """What a command does it does itself; only completion asks the shell for its version, and the demo runs others."""
    plain = {"MSGFLASH_STATE_KEY": ""}
    repo.write("msgflash.yaml", f"{QUICKEST_PROJECT}environments: {{other: {{}}}}\n")
    repo.campaign("sale")
    repo.sandbox.add_fault("POST /api/v1/campaigns drop_before")
    seen = {name: watch(repo, tmp_path / name, *work, env=plain) for name, (work, _) in WORK.items()}

    assert {*WORK, "demo"} == set(COMMANDS)
    assert {name: each.code for name, each in seen.items()} == {name: code for name, (_, code) in WORK.items()}
    (asked,) = seen.pop("completion").started
    assert asked.endswith(SHELL_VERSION)
    assert {each.started | each.forked for each in seen.values()} == {frozenset()}
    assert secrets_in("".join(each.text for each in seen.values()).encode()) == []


def test_the_watch_sees_programs(tmp_path: Path) -> None:
    """A step of the demo, under the same watch, is seen with all its arguments."""
    done = subprocess.run([sys.executable, "-c", STEP, str(tmp_path / "log")], capture_output=True, check=True)

    assert b"msgflash-apply --version" in done.stdout
    ((event, told),) = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines() if "start" in line]
    assert (event, told.endswith("'-m', 'msgflash_apply', '--version']")) == ("start", True)


@pytest.mark.parametrize("command", [("plan",), ("apply", "--auto-approve")], ids=" ".join)
def test_arguments_hold_no_secret(repo: Repo, command: tuple[str, ...]) -> None:
    """While a command works with every secret at hand, a list of all processes shows none of them."""
    repo.campaign("sale", instanceId=None, instance="boutique-principale")
    repo.sandbox.add_fault("GET /api/v1/instances delay seconds=0.3")

    done, seen = run_seen(repo, *command, env={"MSGFLASH_STATE_KEY": ""})

    assert done.code == 0, done.err
    assert_shown_as(seen, command)


@pytest.mark.parametrize(
    "command",
    [("state", "rekey"), ("state", "migrate", "{url}/state/new"), ("--log-level", "info", "plan", "--offline")],
    ids=" ".join,
)
def test_arguments_hold_no_secret_of_a_state(repo: Repo, tmp_path: Path, command: tuple[str, ...]) -> None:
    """Keys and passwords of a state, encrypted and on a server, show as little."""
    with StateServer(tmp_path / "server") as server:
        place = f"{server.url}/state/prod"
        env = {"MSGFLASH_STATE": place, "TF_HTTP_ADDRESS": place, "TF_HTTP_RETRY_MAX": "0"}
        assert repo.run("init", env=env).code == 0
        asked = tuple(word.format(url=server.url) for word in command)
        before = len(server.requests)
        done, seen = run_seen(repo, *asked, env=env)

    assert done.code == 0, done.err
    assert len(server.requests) > before
    assert_shown_as(seen, asked)


def test_arguments_of_what_the_demo_runs(repo: Repo) -> None:
    """The commands of the demo get the sandbox's key in their environment, in the place of everything of ours."""
    running = repo.start("demo")
    child = first_child(running)
    running.signal(signal.SIGINT)
    ended = running.wait()

    assert ended.code == 130
    assert child.words == (sys.executable, "-m", "msgflash_apply", *STEPS[0][1].split())
    assert b"MSGFLASH_API_KEY=msgf_" in child.environment
    assert not {"MSGFLASH_API_KEY", "MSGFLASH_STATE_KEY"} & {*secrets_in(child.environment)}


def assert_shown_as(seen: Iterable[Member], command: Sequence[str]) -> None:
    """Assert that one process was there all the time, and showed what was typed and no secret."""
    (only,) = seen
    assert (only.is_first, only.words) == (True, (*PROGRAM, *command))
    assert secrets_in(only.shown) == []
    assert secrets_in(only.environment)
