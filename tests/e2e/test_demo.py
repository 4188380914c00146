"""The demo, run as a newcomer would who installed the package and has no checkout."""

import sys
from pathlib import Path
from subprocess import CompletedProcess, run

import pytest

from tests.support.command import scrubbed_environment

CHECKOUT = Path(__file__).parents[2]
PIP = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """Build a wheel and install it alone into a folder."""
    wheels, site = tmp_path / "wheels", tmp_path / "site"
    run([*PIP, "wheel", str(CHECKOUT), "--no-deps", "--no-build-isolation", "--wheel-dir", str(wheels)], check=True)
    wheel = next(wheels.glob("*.whl"))
    run([*PIP, "install", str(wheel), "--no-deps", "--no-index", "--target", str(site)], check=True)
    return site


def from_wheel(site: Path, folder: Path, *arguments: str) -> "CompletedProcess[str]":
    """Run a command of the installed package."""
    env = {**scrubbed_environment(), "PYTHONPATH": str(site)}
    program = [sys.executable, "-m", "msgflash_apply", *arguments]
    return run(program, cwd=folder, env=env, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_demo_of_an_installed_wheel(installed: Path, tmp_path: Path) -> None:
    """Campaigns and a template are created, applying again does nothing; the server counted each campaign once."""
    demo = from_wheel(installed, tmp_path, "demo")
    assert demo.returncode == 0, demo.stderr
    assert "Success! 12 campaigns and 1 template are valid, in 2 environments: `production`, `staging`." in demo.stdout
    assert "Plan for environment production" in demo.stdout
    assert "Plan: 12 to create" in demo.stdout
    assert "Applied: 12 created" in demo.stdout
    assert "promo/late-opening  promo/late-opening@" in demo.stdout
    assert "Your files match the recorded state" in demo.stdout
    assert demo.stdout.endswith("The server counted 12 campaigns, each created once.\n")
    assert str(CHECKOUT) not in demo.stdout


def test_make_demo_runs_the_command() -> None:
    """`make demo` ends in the demo of the package that it installed."""
    command = ["make", "--no-print-directory", "--dry-run", "demo"]
    told = run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True)
    assert told.stdout.splitlines()[-1].endswith("/msgflash-apply demo")
