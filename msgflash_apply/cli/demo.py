"""`demo`: plan and apply the examples in a sandbox, with the real commands; nothing is left behind."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click

from msgflash_apply.cli.sandbox_ import require_sandbox
from msgflash_apply.errors import ExitCode, MsgflashApplyError
from msgflash_apply.sandbox.server import Sandbox

ENVIRONMENT = "production"

STEPS = (
    (f"Make the state of the environment {ENVIRONMENT}, once.", f"--env {ENVIRONMENT} init"),
    ("Check the files, for every environment; no request is sent.", "validate"),
    ("See what would be created.", f"--env {ENVIRONMENT} plan"),
    ("Create it.", f"--env {ENVIRONMENT} apply --auto-approve"),
    ("Look at the record.", f"--env {ENVIRONMENT} state list"),
    ("Apply again: everything is there, so nothing happens.", f"--env {ENVIRONMENT} apply --auto-approve"),
)


@click.command
@click.option("--no-color", is_flag=True, hidden=True)
def command(*, no_color: bool) -> int:
    """Start a sandbox, plan and apply the examples in it, show the result and apply again. Sends no messages."""
    require_sandbox()
    with tempfile.TemporaryDirectory(prefix="msgflash-apply-demo-") as folder, Sandbox() as sandbox:
        copy_examples(Path(folder))
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MSGFLASH_")}
        environment |= {"MSGFLASH_BASE_URL": sandbox.url, "MSGFLASH_API_KEY": sandbox.api_key}
        click.echo(f"A sandbox listens on {sandbox.url}. It sends no messages.")
        for why, arguments in STEPS:
            # Each step is a process of its own, and the limit of 10 requests a second is the key's: let it pass.
            time.sleep(1.0)
            code = run_step(why, arguments.split(), Path(folder), environment, no_color=no_color)
            if code != ExitCode.DONE:
                return code
        created = len(sandbox.campaigns())
    click.echo(f"\nThe server counted {created} campaigns, each created once.")
    return ExitCode.DONE


def run_step(why: str, arguments: list[str], folder: Path, environment: dict[str, str], *, no_color: bool) -> int:
    """Show a command as one would type it, and run it."""
    line = f"$ msgflash-apply {' '.join(arguments)}"
    click.echo(f"\n# {why}\n{line if no_color else click.style(line, bold=True)}")
    program = [sys.executable, "-m", "msgflash_apply"]
    return subprocess.run([*program, *arguments], cwd=folder, env=environment, check=False).returncode  # noqa: S603 - our own command


def copy_examples(folder: Path) -> None:
    """Copy the worked examples, from the installed package or from the checkout beside it."""
    package = Path(__file__).parents[1]
    for root in (package / "examples", package.parent):
        if (root / "campaigns").is_dir() and (root / "msgflash.yaml").is_file():
            for name in ("campaigns", "templates"):
                shutil.copytree(root / name, folder / name)
            shutil.copy(root / "msgflash.yaml", folder / "msgflash.yaml")
            return
    raise MsgflashApplyError("The examples are missing from this installation.", "", "Install it again.")
