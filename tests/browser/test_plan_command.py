"""The real command, asked for a page and for a comment about the worked examples."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from msgflash_apply.cli.demo import copy_examples
from msgflash_apply.sandbox.server import Sandbox
from tests.browser.conftest import OpenFile
from tests.support.command import FAST, Repo

pytestmark = pytest.mark.needs("chromium")

EXAMPLES = 12
TEMPLATES = 1


@pytest.fixture
def examples(tmp_path: Path) -> Iterator[Repo]:
    """Make a repo of the worked examples, whose state of production is ready and chosen."""
    with Sandbox(FAST) as sandbox:
        copy_examples(tmp_path)
        repo = Repo(tmp_path, sandbox, {"MSGFLASH_ENV": "production"})
        assert repo.run("init").code == 0
        yield repo


def test_page_of_the_examples(examples: Repo, open_file: OpenFile) -> None:
    """`--format html --output FILE` writes a page that opens by itself and shows every example."""
    assert examples.run("plan", "--format", "html", "--output", "plan.html").code == 0
    seen: list[str] = []
    page = open_file(examples.folder / "plan.html", watch=seen)
    assert page.locator(".card").count() == EXAMPLES + TEMPLATES
    assert page.locator(".number").all_text_contents() == ["boutique-principale (+33612345678)"]
    assert page.locator(".media strong").all_inner_texts().count("catalogue-ete.jpg") == 1
    assert page.locator(".button").all_inner_texts() == ["Voir la sélection", "Copier le code"]
    assert len(seen) == 1


def test_comment_on_the_examples(examples: Repo) -> None:
    """`--format markdown` prints a comment that begins with its marker and holds every example."""
    said = examples.run("plan", "--format", "markdown")
    assert said.code == 0
    title = f"## Plan for environment `production` on `{examples.sandbox.url}`"
    assert said.out.startswith(f"<!-- msgflash-apply plan: production -->\n\n{title}\n\n**120 people get ")
    assert said.out.count("<details><summary>") == EXAMPLES + TEMPLATES
    assert f"\nPlan: {EXAMPLES} to create," in said.out
