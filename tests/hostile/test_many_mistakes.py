"""Files with tens of thousands of mistakes, or that stand for tens of thousands of campaigns: bounded all the same."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from msgflash_apply.cli.output import source_line
from msgflash_apply.files.load import Loaded
from msgflash_apply.findings import MOST_FINDINGS
from msgflash_apply.report.diagnostics import validation_to_text
from msgflash_apply.report.layout import PLAIN
from tests.unit.files.repos import loaded

SECONDS = 12.0
GOOD = "name: a\nschedule: 2099-01-01T00:00:00Z\nrecipients: {type: all}\ntype: text\n"
ENTRIES = "for_each: {" + ", ".join(f"k{number}: 1" for number in range(20_000)) + "}\n"
LOOP = "{% for a in custom.n %}"

WRONG_ITEMS = GOOD + "recipients: {type: tags, value: [" + "1," * 90_000 + "]}\nbody: b\n"
MISTAKES = {
    "unknown fields": "".join(f"k{number}: 1\n" for number in range(60_000)),
    "wrong items": WRONG_ITEMS.replace("recipients: {type: all}\n", ""),
    "undefined names": GOOD + "body: '" + "{{ custom.a }}" * 70_000 + "'\n",
    "names to compare with": GOOD + "custom: {" + ", ".join(f"name{number}: 1" for number in range(10_000)) + "}\n"
    "body: '" + "{{ custom.nme }}" * 2_000 + "'\n",
    "documents": ("---\na: 1\nb: [" + "x," * 400 + "]\n") * 999,
    "half characters": GOOD + 'body: b\nlabels: {a: ["' + '\\ud800", "'.join("x" * 1_000) + '"]}\n',
}


def timed(work: Callable[[], Loaded]) -> tuple[Loaded, float]:
    """Do some work, and say how many seconds of processor time it took."""
    before = time.process_time()
    return work(), time.process_time() - before


@pytest.mark.slow
@pytest.mark.parametrize("name", MISTAKES)
def test_many_mistakes_are_told_in_bounded_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """However many mistakes a file holds, the first thousand of a document are told at their places, and soon."""
    monkeypatch.chdir(tmp_path)
    found, seconds = timed(lambda: loaded(tmp_path, {"a.yaml": MISTAKES[name]}))

    assert found.has_errors
    assert seconds < SECONDS
    assert len(found.diagnostics) <= 8 * MOST_FINDINGS
    text = validation_to_text(0, found.diagnostics, paint=PLAIN, source_line=source_line)
    assert "campaigns/a.yaml:" in text


def test_more_mistakes_than_are_told_are_mentioned(tmp_path: Path) -> None:
    """Nobody is left to believe that a thousand were all."""
    found = loaded(tmp_path, {"a.yaml": MISTAKES["unknown fields"]})

    assert len(found.diagnostics) == MOST_FINDINGS + 1
    told = {finding.message for finding in found.diagnostics}
    assert "the document holds 1000 mistakes or more; these are the first" in told


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "message"),
    [
        (LOOP + "{{ 1 }}" + "{% endfor %}", "the templates of this file take too much work"),
        ("{{ custom.text }}", "the templates of this file give too much text"),
    ],
)
def test_entries_of_one_file_share_its_bounds(tmp_path: Path, body: str, message: str) -> None:
    """A short file that stands for twenty thousand campaigns takes no more than a long one may."""
    custom = "custom: {n: [" + "1," * 400 + "], text: " + "x" * 4_000 + "}\n"
    text = f"{GOOD}{custom}body: '{body}'\n{ENTRIES}"
    found, seconds = timed(lambda: loaded(tmp_path, {"a.yaml": text, "b.yaml": GOOD + "body: b\n"}))

    assert message in {finding.message for finding in found.diagnostics}
    assert seconds < 3 * SECONDS
    assert "b" in {campaign.address for campaign in found.campaigns}


def test_thousands_of_honest_entries_fit(tmp_path: Path) -> None:
    """Five thousand entries with real templates stay far below what a file may cost."""
    entries = ", ".join(f"k{number}: n{number}" for number in range(5_000))
    name = "{{ each.value | upper }}{% if each.key %}!{% endif %}"
    text = f"{GOOD}body: b\nfor_each: {{{entries}}}\n".replace("name: a", f"name: '{name}'")
    found = loaded(tmp_path, {"a.yaml": text})

    assert not found.has_errors
    assert len(found.campaigns) == 5_000


def test_long_lines_are_not_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line of a million invisible characters is told about and not shown, nor looked at again and again."""
    monkeypatch.chdir(tmp_path)
    found, seconds = timed(lambda: loaded(tmp_path, {"a.yaml": "name: '" + "\u200b" * 300_000 + "'\n"}))

    before = time.process_time()
    text = validation_to_text(0, found.diagnostics, paint=PLAIN, source_line=source_line)
    assert seconds + time.process_time() - before < SECONDS
    assert len(text) < 10_000
