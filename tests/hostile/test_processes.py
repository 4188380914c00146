"""
What a command shows of itself to everybody on the machine, who may read the arguments of all processes.

And which processes it starts at all: copies of itself that read files and can do nothing else; those of the demo; and a
shell that tells its version for completion.
"""

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
from tests.hostile.watched import events_in, watch
from tests.support.command import PROGRAM, QUICKEST_PROJECT, Repo
from tests.support.stores.http_server import StateServer

WORK: Mapping[str, tuple[tuple[str, ...], int]] = {
    "init": (("--env", "other", "init"), 0),
    "validate": (("validate",), 0),
    "fmt": (("fmt",), 0),
    "plan": (("plan", "--format", "html", "--output", "p.html"), 0),
    "preview": (("preview", "sale", "--format", "html"), 0),
    "proof": (("proof", "sale", "--to", "+33699999999"), 1),
    "apply": (("apply", "--auto-approve"), 3),
    "resolve": (("resolve", "sale", "--not-created", "--yes"), 0),
    "status": (("status",), 0),
    "drift": (("drift",), 2),
    "calendar": (("calendar", "--ics"), 0),
    "list": (("list", "tags"), 0),
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
put_hook(pathlib.Path(sys.argv[1]))
run_step("See the version.", ["--version"], pathlib.Path(), dict(os.environ), no_color=True)
"""


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Repo]:
    """Make a repo whose commands know every secret."""
    with a_repo_with_secrets(tmp_path) as repo:
        yield repo


@pytest.mark.slow
def test_no_command_starts_a_program(repo: Repo, tmp_path: Path) -> None:
    """What a command does it does itself, or a copy of it that opens, asks and starts nothing at all."""
    plain = {"MSGFLASH_STATE_KEY": "", "MSGFLASH_ENV": "default"}
    repo.write("msgflash.yaml", f"{QUICKEST_PROJECT}environments: {{default: {{}}, other: {{}}}}\n")
    repo.campaign("sale")
    repo.sandbox.add_fault("POST /api/v1/campaigns drop_before")
    seen = {}
    for name, (work, _) in WORK.items():
        if name == "resolve":
            repo.let_an_hour_pass(plain)
        seen[name] = watch(repo, tmp_path / name, *work, env=plain)

    assert {*WORK, "demo"} == set(COMMANDS)
    assert {name: each.code for name, each in seen.items()} == {name: code for name, (_, code) in WORK.items()}
    (asked,) = seen.pop("completion").started
    assert asked.endswith(SHELL_VERSION)
    assert {each.started | each.by_copies for each in seen.values()} == {frozenset()}
    assert {name for name, each in seen.items() if each.copies >= 2} >= {"validate", "fmt", "plan", "apply", "drift"}
    assert secrets_in("".join(each.text for each in seen.values()).encode()) == []


def test_the_watch_sees_programs(tmp_path: Path) -> None:
    """A step of the demo, under the same watch, is seen with all its arguments."""
    done = subprocess.run([sys.executable, "-c", STEP, str(tmp_path / "log")], capture_output=True, check=True)

    assert b"msgflash-apply --version" in done.stdout
    (told,) = [told for event, told in events_in(tmp_path / "log")[0] if event == "start"]
    assert told.endswith("'-m', 'msgflash_apply', '--version']")


def test_the_watch_sees_copies(tmp_path: Path) -> None:
    """What a copy of a process does, even one that has lost its descriptors, is seen as its own."""
    code = "import os; os.closerange(0, 99); os.listdir(b'/') if os.fork() == 0 else os.wait()"
    program = (
        f"import pathlib, sys; from tests.hostile.watched import put_hook\nput_hook(pathlib.Path(sys.argv[1]))\n{code}"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "log")], check=True)

    _, copy, other, *_ = events_in(tmp_path / "log")
    assert (copy, other) == ([("copy", ""), ("open", "/")], [])


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
    [("state", "rekey"), ("state", "migrate", "{url}/state/new"), ("--log-level", "info", "plan")],
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
    """Assert that one process and copies of it were there, and that they showed what was typed and no secret."""
    (first,) = [member for member in seen if member.is_first]
    assert {member.words for member in seen} == {(*PROGRAM, *command)}
    assert secrets_in(first.shown) == []
    assert secrets_in(first.environment)
