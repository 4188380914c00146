"""Texts that people read: what was probably not meant, and what cannot be seen."""

# ruff: noqa: RUF001 - the characters themselves are what is tested

import pytest

from msgflash_apply.findings import Code
from msgflash_apply.models.meaning import check_text, utf16_units


def found_in(text: str) -> list[tuple[Code, bool]]:
    """Look at a body; give the codes, and which of them stop the run."""
    return [(finding.code, finding.is_error) for finding in check_text(("body",), text)]


@pytest.mark.parametrize(
    "text",
    [
        "Hi", "Ça alors\n\tdéjà ?", "👋🏽 👨‍👩‍👧 ❤️ #️⃣ 🏴󠁧󠁢󠁥󠁮󠁧󠁿", "می‌خواهم", "שלום", "« Bonjour »", "It’s “fine”, he said",
        "{{ contact.firstName }} {{contact.meta.town}}", "{a} {custom} {1}", "1 < 2 | 3 > 2 ~", "“a” and “b”",
    ],
)  # fmt: skip
def test_usual_text_is_fine(text: str) -> None:
    """Letters, emoji, joiners, marks and apostrophes of all languages are nobody's mistake."""
    assert found_in(text) == []


@pytest.mark.parametrize("character", ["\0", "\x07", "\x08", "\x0b", "\x0c", "\r", "\x1b", "\x7f", "\x85", "\x9b"])
def test_control_character_is_an_error(character: str) -> None:
    """All but the tab and the line feed."""
    assert found_in(f"a{character}b") == [(Code.UNSEEN_TEXT, True)]


@pytest.mark.parametrize("text", ["\u200b", " \u2060\ufeff ", "\u3164", "\u2800\u2800", "\u00ad", "\ufe0f", "\u202e"])
def test_text_with_nothing_to_see_is_an_error(text: str) -> None:
    """Joiners, fillers, marks of direction and variation alone are no message."""
    assert found_in(text) == [(Code.UNSEEN_TEXT, True)]


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("Hi {custom.x}!", "write `{{ custom.x }}`"),
        ("Hi ${contact.first_name}", "write `{{ contact.first_name }}`"),
        ("{ each.value }}", "write `{{ each.value }}`"),
        ("{ custom.shop.town }", "write `{{ custom.shop.town }}`"),
    ],
)
def test_single_braces_draw_a_warning(text: str, hint: str) -> None:
    """What is a placeholder in other tools goes out as it is."""
    [finding] = check_text(("body",), text)

    assert (finding.code, finding.is_error, finding.hint) == (Code.NOT_A_PLACEHOLDER, False, hint)


@pytest.mark.parametrize("text", ["“Hi there”", "„Hallo“", "”Hej”", "‘Hi’", "＂Hi＂"])
def test_curly_quotes_around_everything_draw_a_warning(text: str) -> None:
    """They were meant for YAML, which would send them."""
    assert found_in(text) == [(Code.CURLY_QUOTES, False)]


def test_emoji_count_twice_in_utf16() -> None:
    """As the vendor's console counts."""
    assert [utf16_units(text) for text in ("abc", "é", "😀", "a😀")] == [3, 1, 2, 3]
