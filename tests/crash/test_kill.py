"""The endurance run of `benchmarks/crash.py` in short, and proof that it would find what it looks for."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.crashing.account import Remote
from msgflash_apply.campaign import Status
from msgflash_apply.sandbox.server import Sandbox
from msgflash_apply.state.ledger import read_state
from tests.support.builders import a_desired, a_payload
from tests.support.runs import ENVIRONMENT, LATER, STILL, World
from tests.support.sandbox import Client, a_body
from tests.support.stores import one_of_each

SCRIPT = Path(__file__).parents[2] / "benchmarks/crash.py"


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [("--runs", "4", "--seed", "7"), ("--runs", "4", "--seed", "8", "--faults")])
def test_killed_command_sends_nothing_twice_and_loses_nothing(arguments: tuple[str, ...]) -> None:
    """The real command, struck at random times again and again, leaves each campaign once and on record or in doubt."""
    strike(*arguments)


def strike(*arguments: str) -> None:
    """Run the endurance run, which counts by itself."""
    done = subprocess.run([sys.executable, SCRIPT, *arguments], capture_output=True, text=True, check=False)
    counted = dict(line.rsplit(maxsplit=1) for line in done.stdout.splitlines() if line[:1].isalpha())
    assert done.returncode == 0, done.stderr
    assert (counted["duplicates"], counted["lost"], counted["wrong status"]) == ("0", "0", "0")
    assert counted["runs struck"] == arguments[arguments.index("--runs") + 1]
    assert int(counted["campaigns created"]) > 0


@pytest.mark.slow
@pytest.mark.parametrize("kind", one_of_each())
def test_killed_command_loses_nothing_on_a_server(kind: str) -> None:
    """The same holds for a state on a server, where a person takes a dead run's lock away."""
    strike("--store", kind, "--runs", "2", "--seed", "9")


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Run a MsgFlash with one campaign that no state knows."""
    with Sandbox(STILL) as running:
        Client(running.url, running.api_key).post("/campaigns", a_body())
        yield running


def test_endurance_run_finds_a_duplicate(sandbox: Sandbox) -> None:
    """Two campaigns with one payload are a duplicate, and two that differ are none."""
    client = Client(sandbox.url, sandbox.api_key)
    client.post("/campaigns", a_body(name="Other"))
    assert Remote.of(sandbox).duplicates() == []
    client.post("/campaigns", a_body())
    assert Remote.of(sandbox).duplicates() == [sandbox.campaigns()[2]["id"]]


def test_endurance_run_finds_a_lost_campaign(sandbox: Sandbox, tmp_path: Path) -> None:
    """A campaign that is neither on record nor in doubt is lost."""
    world = World(sandbox, tmp_path)
    snapshot = read_state(world.backend, environment=ENVIRONMENT)
    assert Remote.of(sandbox).lost(snapshot) == [sandbox.campaigns()[0]["id"]]


def test_endurance_run_finds_a_wrong_status(sandbox: Sandbox, tmp_path: Path) -> None:
    """A campaign that sends and is not wanted, or waits and is wanted, is in the wrong status; so is its record."""
    world = World(sandbox, tmp_path)
    wanted = a_desired("wanted", payload=a_payload(name="wanted", starts_at=LATER))
    world.apply([wanted])
    snapshot, [stray, known] = world.snapshot(), sandbox.campaigns()
    right = {"wanted": Status.SCHEDULED}
    assert Remote.of(sandbox).in_wrong_status(snapshot, right) == [f"{stray['id']} is scheduled"]
    assert Remote.of(sandbox).mistaken(snapshot) == []

    client = Client(sandbox.url, sandbox.api_key)
    client.post(f"/campaigns/{stray['id']}/pause", {})
    client.post(f"/campaigns/{known['id']}/pause", {})
    assert Remote.of(sandbox).in_wrong_status(snapshot, right) == [f"{known['id']} is paused"]
    assert Remote.of(sandbox).mistaken(snapshot) == ["wanted"]
