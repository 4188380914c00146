"""Pages that tell people what to type: every command is typed, and prints what the page shows."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from msgflash_apply.sandbox.server import Sandbox
from tests.support.command import FAST
from tests.support.walk import ROOT, Walker, blocks, prints

PAGES = sorted((ROOT / "docs").glob("*.md"))
WALKS = [page.name for page in PAGES if "```console\n$ " in page.read_text(encoding="utf-8")]
DRAWS_FINDINGS = "troubleshooting.md"
NEEDS_SERVERS = "state.md"
BY_SECTIONS = {DRAWS_FINDINGS, NEEDS_SERVERS}
"""Their examples begin anew in every section, and have tests of their own."""


@pytest.fixture
def walker(tmp_path: Path) -> Iterator[Walker]:
    """Sit somebody down in an empty folder, before a sandbox."""
    with Sandbox(FAST) as sandbox:
        yield Walker(tmp_path, sandbox)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in WALKS if name not in BY_SECTIONS])
def test_every_command_prints_what_the_page_shows(walker: Walker, name: str) -> None:
    """A page is walked from top to bottom without a surprise."""
    page = (ROOT / "docs" / name).read_text(encoding="utf-8")

    for command, expected, printed in walker.walk(page):
        assert prints(expected, printed), f"$ {command}\n{printed}"


def test_pages_with_commands_are_walked() -> None:
    """The pages that people follow step by step are among those walked."""
    assert {"recipes.md", "tutorial.md", *BY_SECTIONS} <= set(WALKS)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """Every link to a file of the repo finds it."""
    text = page.read_text(encoding="utf-8")
    targets = [target for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text) if "://" not in target]

    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_every_page_is_reached_from_the_readme() -> None:
    """Whoever reads the README finds each page."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")

    assert [page.name for page in PAGES if f"docs/{page.name}" not in readme] == []


def test_a_console_shows_only_commands_that_are_walked() -> None:
    """No block of shell stands beside the walks: what cannot be run here is indented, and says where it runs."""
    languages = {block.language for page in PAGES for block in blocks(page.read_text(encoding="utf-8"))}

    assert languages <= {"console", "yaml", "text", "json", "sql", "dockerfile"}
