"""The README's walk, typed as it stands there, with the output that it shows; and the pages that it quotes."""

import os
import re
import subprocess
import sys
from pathlib import Path

from msgflash_apply.cli.main import COMMANDS
from msgflash_apply.sandbox.server import Options, Sandbox

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
# What differs from run to run, in the README or in the output.
CHANGING = (
    (re.compile(r"sha256:(?:[0-9a-f]{64}|\.\.\.)"), "sha256:..."),
    (re.compile(r"in \d+ d(?: \d+ h)?"), "in some days"),
)


def blocks(language: str) -> list[str]:
    """Collect the README's fenced blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def steps(console: str) -> list[tuple[str, str]]:
    """Split a console block into commands and what each prints."""
    return [
        (command, printed) for command, printed in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", console, re.MULTILINE)
    ]


def steady(text: str) -> str:
    """Take out what changes from run to run."""
    for pattern, replacement in CHANGING:
        text = pattern.sub(replacement, text)
    return text


def test_the_walk_prints_what_the_readme_shows(tmp_path: Path) -> None:
    """Every command of the README's walk prints what stands under it."""
    [campaign] = blocks("yaml")
    [console] = blocks("console")
    (tmp_path / "campaigns").mkdir()
    (tmp_path / "campaigns" / "black-friday.yaml").write_text(campaign, encoding="utf-8")
    with Sandbox(Options(requests_per_second=0)) as sandbox:
        environment = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "MSGFLASH_BASE_URL": sandbox.url,
            "MSGFLASH_API_KEY": sandbox.api_key,
        }
        for command, expected in steps(console):
            done = subprocess.run(  # noqa: S602 - the README's own lines, pipes included
                command, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
            )
            printed = done.stderr + done.stdout if command.endswith("init") else done.stdout

            assert steady(printed.rstrip()) == steady(expected.rstrip()), f"{command}\n{done.stderr}"


def test_every_command_is_in_the_table() -> None:
    """The README's table names each command that there is, and none that there is not."""
    named = set(re.findall(r"`([a-z]+)[^`]*`", "\n".join(re.findall(r"^\| (`.*?) \|", README, re.MULTILINE))))

    assert named >= COMMANDS.keys()
    assert named <= COMMANDS.keys() | {"state"}


def test_make_targets_exist() -> None:
    """The commands that set everything up are targets of the Makefile."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"make ([a-z]+)", README):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
