"""The README's walk, typed as it stands there, with the output that it shows; and the pages that it quotes."""

import re
from pathlib import Path

from msgflash_apply.cli.main import COMMANDS
from msgflash_apply.sandbox.server import Sandbox
from tests.support.command import FAST
from tests.support.walk import ROOT, Walker, prints

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_walk_prints_what_the_readme_shows(tmp_path: Path) -> None:
    """Every command of the README's walk prints what stands under it."""
    with Sandbox(FAST) as sandbox:
        for command, expected, printed in Walker(tmp_path, sandbox).walk(README):
            assert prints(expected, printed), f"$ {command}\n{printed}"


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
