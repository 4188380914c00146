"""What is written is what is sent: spellings that YAML would lose, and texts that it would cut."""

from pathlib import Path

import pytest

from msgflash_apply.errors import MsgflashApplyError
from msgflash_apply.files.settings import load_settings
from msgflash_apply.findings import Diagnostic, InvalidFiles
from tests.unit.files.repos import WELCOME, loaded

SPELLINGS = ["9.90", "0042", "007", "+33612345678", "1e3", "12E5", "0x1F", "0o17", "1_000", "-0", ".5", "5.", "1.10"]
"""Numbers that Python would print otherwise, or that other readers of YAML would."""

USUAL = ["9.9", "42", "0", "-3", "0.5", "1.0", "33612345678", "true", "12:30", "1,000", "2031-03-02", "a_1", '"0042"']


def found(diagnostics: tuple[Diagnostic, ...]) -> list[tuple[str | None, str]]:
    """Hints and codes of what is about spelling."""
    return [(one.hint, one.code) for one in diagnostics if one.code in {"MF424", "MF425"}]


@pytest.mark.parametrize("number", SPELLINGS)
@pytest.mark.parametrize(
    "field",
    ["custom: {a: %s}", "custom: {a: [{b: %s}]}", "variables: {a: %s}", "for_each: {a: %s, b: x}",
     "x: &n {a: %s}\ncustom: *n"],
)  # fmt: skip
def test_number_that_would_lose_its_spelling_is_an_error(tmp_path: Path, field: str, number: str) -> None:
    """Wherever it is printed into a text or a template; the hint quotes the file."""
    result = loaded(tmp_path, {"a.yaml": WELCOME + field % number + "\n"})

    assert found(result.diagnostics) == [(f'quote it: "{number}"', "MF424")]
    assert result.has_errors


@pytest.mark.parametrize("value", USUAL)
def test_usual_spelling_is_fine(tmp_path: Path, value: str) -> None:
    """A number that is printed as it is written, and what is no number at all."""
    assert loaded(tmp_path, {"a.yaml": WELCOME + f"custom:\n  a: {value}\n"}).diagnostics == ()


def test_numbers_of_the_project_are_looked_at(tmp_path: Path) -> None:
    """The variables of msgflash.yaml, at the top and in every environment."""
    text = "version: 1\ncustom: {a: 9.90}\nenvironments:\n  staging: {custom: {b: 007}}\n  other:\n"
    (tmp_path / "msgflash.yaml").write_text(text, encoding="utf-8")

    with pytest.raises(InvalidFiles) as caught:
        load_settings(tmp_path, environment=None, environ={})

    assert [(one.line, one.column, one.code) for one in caught.value.diagnostics] == [
        (2, 13, "MF424"),
        (4, 25, "MF424"),
    ]


@pytest.mark.parametrize("name", ["v.yaml", "v.json"])
def test_numbers_of_variable_files_are_looked_at(tmp_path: Path, name: str) -> None:
    """All of them in one run, as file:line:column."""
    file = tmp_path / name
    file.write_text('{"price": 9.90,\n "tel": [0.10]}\n', encoding="utf-8")

    with pytest.raises(MsgflashApplyError) as caught:
        load_settings(tmp_path, environment=None, environ={}, variable_files=[file])

    assert caught.value.detail == (
        f'{file}:1:11: `9.90` is read as the number 9.9; quote it: "9.90"\n'
        f'{file}:2:10: `0.10` is read as the number 0.1; quote it: "0.10"'
    )


@pytest.mark.parametrize("field", ["body", "title", "description", "footer"])
@pytest.mark.parametrize("comment", ["#STOP pour vous désinscrire", "#️⃣1", "# a remark"])
def test_comment_that_ends_a_text_draws_a_warning(tmp_path: Path, field: str, comment: str) -> None:
    """People would not get the rest."""
    head = WELCOME.rpartition("type:")[0]

    result = loaded(tmp_path, {"a.yaml": f"{head}type: text\n{field}: Hello {comment}\n"})

    assert [code for _, code in found(result.diagnostics)] == ["MF425"]


@pytest.mark.parametrize("body", ['"Hello" # remark', "|  # remark\n  Hello #STOP\n", "Hello#STOP", "'#STOP'"])
def test_comment_that_cuts_nothing_is_fine(tmp_path: Path, body: str) -> None:
    """Behind quotes, behind the mark of a block, or no comment at all."""
    head = WELCOME.rpartition("type:")[0]

    assert loaded(tmp_path, {"a.yaml": f"{head}type: text\nbody: {body}\n"}).diagnostics == ()


def test_hashtag_behind_a_variable_draws_a_warning(tmp_path: Path) -> None:
    """A remark behind it, as people write them, does not."""
    custom = "custom:\n  a: Promo #1\n  b: Acme  # our brand\nfor_each:\n  fr: Soldes #STOP\n"

    result = loaded(tmp_path, {"a.yaml": WELCOME.replace("Welcome", "W {{ each.key }}") + custom})

    assert [(one.line, one.code) for one in result.diagnostics] == [(7, "MF425"), (10, "MF425")]


def test_a_text_that_yaml_takes_for_a_list_is_quoted_in_the_hint(tmp_path: Path) -> None:
    """`[Promo]` was meant as a text; the hint quotes what the file has."""
    text = WELCOME.rpartition("body:")[0] + "body: "

    hints = [loaded(tmp_path, {"a.yaml": f"{text}{body}\n"}).diagnostics[0].hint for body in ("[Promo]", '{"a": 1}')]

    assert hints == ['quote it: "[Promo]"', "quote it: '{\"a\": 1}'"]


def test_emoji_in_json_escapes_are_taken_from_a_variable_file(tmp_path: Path) -> None:
    """As most programs write JSON; an escaped backslash before the same letters is left alone."""
    file = tmp_path / "v.json"
    file.write_text('{"e": "\\ud83d\\ude00", "b": "\\\\ud83d\\\\ude00"}', encoding="utf-8")

    settings = load_settings(tmp_path, environment=None, environ={}, variable_files=[file])

    assert settings.custom_above == {"e": "😀", "b": "\\ud83d\\ude00"}


def test_emoji_in_json_escapes_are_named_in_a_campaign(tmp_path: Path) -> None:
    """YAML has no halves of characters; the hint writes the whole one."""
    head = WELCOME.rpartition("body:")[0]

    (mistake,) = loaded(tmp_path, {"a.yaml": head + 'body: "Hi \\ud83d\\ude00"\n'}).diagnostics

    assert (mistake.line, mistake.column, mistake.hint) == (5, 11, "write 😀 itself")
