"""The page of diagnostic codes: complete, in the words of the table, and every example draws its code."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from msgflash_apply.findings import Code
from msgflash_apply.sandbox.seed import BOUTIQUE_ID, TEST_PHONE_ID, contact_id
from msgflash_apply.sandbox.server import Options, Sandbox
from tests.support.command import FAST, a_repo
from tests.support.walk import ROOT, Walker, blocks

PAGE = (ROOT / "docs/troubleshooting.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^### (MF\d{3}: [^\n]*)\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL))
BY_CODE = {heading[:5]: text for heading, text in SECTIONS.items()}
FEW_MESSAGES = Options(requests_per_second=0, monthly_outbound=5)
NO_CAMPAIGNS = Options(requests_per_second=0, campaigns_feature=False)


def a_second_boutique(sandbox: Sandbox) -> None:
    """Give two instances one name."""
    sandbox.world.instances[TEST_PHONE_ID].name = sandbox.world.instances[BOUTIQUE_ID].name


def a_crowd(sandbox: Sandbox) -> None:
    """Fill the account with more contacts than twenty requests read."""
    one = sandbox.world.contacts[contact_id(1)]
    sandbox.world.contacts |= {contact_id(number): replace(one, id=contact_id(number)) for number in range(1001, 3001)}


def another_start(sandbox: Sandbox) -> None:
    """Let the answer to a create show another start than was sent."""
    sandbox.add_fault("POST /api/v1/campaigns misreport field=schedule value=2099-03-02T19:00:00.000Z")


def no_more_templates(sandbox: Sandbox) -> None:
    """Let the account have no more templates."""
    sandbox.add_fault("POST /api/v1/templates 403")


def as_it_is(_: Sandbox) -> None:
    """Leave the demo account alone."""


ACCOUNTS: Mapping[str, Callable[[Sandbox], None]] = {
    "MF502": a_second_boutique,
    "MF520": a_crowd,
    "MF522": another_start,
    "MF526": no_more_templates,
}
RUNS = {"MF525": ("init", "6f1c2f0a-0000-4000-8000-000000000000")}
"""Of the state: it had a marker."""

AHEAD = Options(requests_per_second=0, date_ahead_seconds=300)
OPTIONS = {"MF515": FEW_MESSAGES, "MF521": NO_CAMPAIGNS, "MF524": AHEAD}


@pytest.fixture
def walker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Walker]:
    """Sit somebody down in an empty campaigns repo, before the account that a code needs."""
    code = str(request.param)
    with Sandbox(OPTIONS.get(code, FAST)) as sandbox:
        ACCOUNTS.get(code, as_it_is)(sandbox)
        a_repo(tmp_path, sandbox, runs=RUNS.get(code, ()))
        yield Walker(tmp_path, sandbox)


def test_every_code_has_its_section() -> None:
    """The page has one section for each code, in order, headed by its meaning."""
    assert list(SECTIONS) == [f"{code.value}: {code.meaning}" for code in Code]


def test_messages_about_the_state_are_said() -> None:
    """Each message in the table of the state's place is one of the program's, to the letter."""
    table = PAGE.partition("## Where the state is kept")[2].partition("\n## ")[0]
    told = [
        message for cell in re.findall(r"^\| (\".*?\") \|", table, re.MULTILINE) for message in cell[1:-1].split('", "')
    ]
    source = "".join(
        path.read_text(encoding="utf-8")
        for path in [*(ROOT / "msgflash_apply/state").rglob("*.py"), ROOT / "msgflash_apply/plan/marker.py"]
    )

    assert len(told) > 30
    assert [message for message in told if f'"{message}"' not in source] == []


def test_every_section_says_what_to_do() -> None:
    """After its example each section goes on with what to do about it."""
    for code, text in BY_CODE.items():
        assert text.rpartition("```")[2].strip(), code


@pytest.mark.parametrize(("walker", "code"), [(code, code) for code in BY_CODE], indirect=["walker"])
def test_the_example_draws_its_code(walker: Walker, code: str) -> None:
    """A section's files and commands end in a finding with its code."""
    text = BY_CODE[code]
    said = [printed for _, _, printed in walker.walk(text)]
    if not any("msgflash-apply" in command for block in blocks(text) for command, _ in block.steps):
        said = [walker.type("msgflash-apply validate" if code < "MF5" else "msgflash-apply plan")]

    assert re.search(rf"\b{code}\b", said[-1]), said[-1]
