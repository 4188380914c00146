"""Files with tens of thousands of mistakes, or that stand for tens of thousands of campaigns: bounded all the same."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from msgflash_apply.cli.output import source_line
from msgflash_apply.files.load import Loaded
from msgflash_apply.limits import MAX_FINDINGS
from msgflash_apply.report.diagnostics import validation_to_text
from msgflash_apply.report.layout import PLAIN
from tests.unit.files.repos import in_short, loaded

SECONDS = 12.0
GOOD = "name: a\nschedule: 2099-01-01T00:00:00Z\nrecipients: {type: all}\ntype: text\n"

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


def entries(count: int) -> str:
    """Write a `for_each` of so many entries."""
    return "for_each: {" + ", ".join(f"k{number}: 1" for number in range(count)) + "}\n"


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
    assert len(found.diagnostics) <= 8 * MAX_FINDINGS
    text = validation_to_text(0, found.diagnostics, paint=PLAIN, source_line=source_line)
    assert "campaigns/a.yaml:" in text


def test_more_mistakes_than_are_told_are_mentioned(tmp_path: Path) -> None:
    """Nobody is left to believe that a thousand were all."""
    found = loaded(tmp_path, {"a.yaml": MISTAKES["unknown fields"]})

    assert len(found.diagnostics) == MAX_FINDINGS + 1
    assert found.diagnostics[-1].message == "there are more findings than the 1000 shown: 1 at least"


@pytest.mark.slow
def test_entries_of_one_file_share_its_bounds(tmp_path: Path) -> None:
    """A short file that stands for forty megabytes of campaigns is one finding, and the others are read."""
    text = f"{GOOD}custom: {{text: {'x' * 4_000}}}\nbody: '{{{{ custom.text }}}}{{{{ each.key }}}}'\n{entries(10_000)}"
    found, seconds = timed(lambda: loaded(tmp_path, {"a.yaml": text, "b.yaml": GOOD + "body: b\n"}))

    (finding,) = found.diagnostics
    assert (finding.code, finding.file) == ("MF109", "campaigns/a.yaml")
    assert finding.message == "reading this file takes more than 32 MiB for its campaigns"
    assert seconds < SECONDS
    assert [campaign.address for campaign in found.campaigns] == ["b"]


def test_entries_are_limited(tmp_path: Path) -> None:
    """A `for_each` with more entries than anybody writes is refused before any of them is read."""
    found = loaded(tmp_path, {"a.yaml": f"{GOOD}body: b\n{entries(10_001)}"})

    assert in_short(found.diagnostics) == ["a.yaml:6:11 MF306"]


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
