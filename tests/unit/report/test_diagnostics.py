"""Findings point at their place."""

import pytest

from msgflash_apply.findings import Severity
from msgflash_apply.report.diagnostics import diagnostics_to_text, no_source, tally, validation_to_text
from msgflash_apply.report.layout import PLAIN
from msgflash_apply.report.own_secrets import learn
from msgflash_apply.report.safe_text import width_of
from tests.unit.report.builders import a_finding

WARNING = a_finding(severity=Severity.WARNING)


def quoted(line: str, column: int, width: int = 80) -> tuple[str, str]:
    """Give back the quoted line and the caret's line."""
    finding = a_finding(column=column, hint=None)
    text = diagnostics_to_text([finding], paint=PLAIN, source_line=lambda _file, _line: line, width=width)
    _, quotation, caret, *_ = text.split("\n")
    return quotation, caret


def test_finding_with_its_line() -> None:
    """A finding says where, what and what instead, and shows the line with a caret under the column."""
    text = diagnostics_to_text([a_finding()], paint=PLAIN, source_line=lambda _file, _line: "schedule: soon\n")
    assert text == (
        "campaigns/promo/black-friday.yaml:3:11: error MF203: `schedule` is not a time\n"
        "  3 | schedule: soon\n"
        "    |           ^\n"
        "  hint: write it as 2026-11-27T09:00:00+01:00\n"
        "\n"
        "1 error\n"
    )


def test_long_hint_is_printed_once() -> None:
    """Of findings in a row the first prints a long hint; short ones, and other ones, are printed each time."""
    long, other, short = "x" * 101, "y" * 101, "z"
    hints = [long, long, long, other, long, short, short]
    text = diagnostics_to_text([a_finding(hint=hint) for hint in hints], paint=PLAIN, source_line=no_source, width=200)

    hints = [line.removeprefix("  hint: ") for line in text.splitlines() if line.startswith("  hint: ")]
    assert hints == [long, "as above", "as above", other, long, short, short]


def test_many_warnings_of_one_kind_take_a_line_each() -> None:
    """From the fourth on; a mistake between them is explained all the same."""
    warnings = [a_finding(severity=Severity.WARNING, code="MF417", line=number, hint="look") for number in range(1, 6)]
    mistake = a_finding(line=5, hint="mend it")

    text = diagnostics_to_text([*warnings, mistake], paint=PLAIN, source_line=no_source)

    assert [text.count(hint) for hint in ("hint: look", "hint: mend it")] == [3, 1]
    assert text.count("warning MF417") == 5


@pytest.mark.parametrize("before", ["", "name: ", "\t", "日本: ", "e\u0301: ", "a\x1b[31m", "👩\u200d💻 "])
def test_caret_stands_under_its_column(before: str) -> None:
    """Tabs, wide, combining and escaped characters do not shift the caret."""
    quotation, caret = quoted(before + "HERE and more", len(before) + 1)
    assert width_of(caret.removesuffix("^")) == width_of(quotation.partition("HERE")[0])


@pytest.mark.parametrize("column", [1, 40, 250, 395])
def test_long_line_is_cut_around_the_column(column: int) -> None:
    """Of a long line, the part around the column is shown, within the width."""
    line = "." * (column - 1) + "HERE" + "." * (400 - column)
    quotation, caret = quoted(line, column)
    assert width_of(quotation) <= 80
    assert quotation[caret.index("^") :].startswith("HERE")


def test_column_beyond_the_line() -> None:
    """A column past the end puts the caret after the last character."""
    quotation, caret = quoted("short", 99)
    assert len(caret) == len(quotation) + 1


def test_secret_across_the_column() -> None:
    """A secret of ours is redacted even where the column cuts it in two."""
    learn("0123456789-of-test-diagnostics")
    quotation, _ = quoted("key: 0123456789-of-test-diagnostics", 12)
    assert quotation == "  3 | key: [redacted]"


def test_line_with_a_credential_is_not_quoted() -> None:
    """Where a finding says that a line holds a password, no finding quotes that line."""
    found = [a_finding(code="MF105"), a_finding(message="something else"), a_finding(line=4)]
    text = diagnostics_to_text(found, paint=PLAIN, source_line=lambda _file, _line: "state: https://u:p@h")
    assert text.count("https://u:p@h") == 1
    assert "  4 | state: https://u:p@h" in text


def test_finding_without_a_column() -> None:
    """Without a column the line is quoted and nothing is pointed at."""
    text = diagnostics_to_text([a_finding(column=None)], paint=PLAIN, source_line=lambda _file, _line: "name: x")
    assert "\n  3 | name: x\n  hint:" in text


def test_tally_names_what_there_is() -> None:
    """The count leaves out what there is none of."""
    assert tally([a_finding(), a_finding(), a_finding(), WARNING]) == "3 errors, 1 warning"
    assert tally([WARNING, WARNING]) == "2 warnings"


def test_nothing_found() -> None:
    """No findings make no text, and valid files."""
    assert diagnostics_to_text([], paint=PLAIN, source_line=no_source) == ""
    assert validation_to_text(1, [], paint=PLAIN, source_line=no_source) == "Success! 1 campaign is valid.\n"
    both = validation_to_text(1, [], paint=PLAIN, source_line=no_source, templates=2)
    assert both == "Success! 1 campaign and 2 templates are valid.\n"
    alone = validation_to_text(0, [], paint=PLAIN, source_line=no_source, templates=1)
    assert alone == "Success! 1 template is valid.\n"


def test_warnings_leave_files_valid() -> None:
    """Warnings are shown, and the files are valid; an error makes them invalid."""
    warned = validation_to_text(2, [WARNING], paint=PLAIN, source_line=no_source)
    failed = validation_to_text(2, [WARNING, a_finding()], paint=PLAIN, source_line=no_source)
    assert warned.endswith("1 warning\nSuccess! 2 campaigns are valid.\n")
    assert "1 error, 1 warning\nValidation failed." in failed
