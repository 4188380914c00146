"""A terminal shows what is there and does nothing that it says."""

import re
import shlex
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from msgflash_apply.invisible import INVISIBLE
from msgflash_apply.report.safe_text import hides_something, shell_word, shown, visible, width_of

ESCAPED = {
    "\x1b[31mred": "\\x1b[31mred",
    "a\r\n\tb": "a\\r\\n\\tb",
    "\x9b31m": "\\u009b31m",
    "\u202egnp.exe": "\\u202egnp.exe",
    "pay\u200dpal": "pay\\u200dpal",
    "a\ufe0fb\ufe0e1\ufe0f": "a\\ufe0fb\\ufe0e1\\ufe0f",
    "❤\ufe0f\ufe0f\u200d": "❤\ufe0f\\ufe0f\\u200d",
    "😀\u200dx": "😀\\u200dx",
    "می\u200c\u200cخ": "می\\u200c\\u200cخ",
    "a\u2800b\u3164c\uffa0d\u115fe\u17b4f\u180bg": "a\\u2800b\\u3164c\\uffa0d\\u115fe\\u17b4f\\u180bg",
    "\U000e0101\U0001d173\u2065\ufff0": "\\U000e0101\\U0001d173\\u2065\\ufff0",
    "\ud800": "\\ud800",
    "\U000e0041": "\\U000e0041",
    "zero\u200bwidth\ufeff": "zero\\u200bwidth\\ufeff",
}

KEPT = [
    "Été à -30 %",
    "日本語",
    "👩\u200d💻",
    "e\u0301",
    "\u0646\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
    "back\\slash",
    "❤\ufe0f 1\ufe0f\u20e3 🏳\ufe0f\u200d🌈 👍🏽 🇫🇷",
    "क्\u200dष",
    "10\u202f% à 5\u00a0€",
]


@pytest.mark.parametrize(("text", "expected"), ESCAPED.items())
def test_what_acts_or_hides_is_escaped(text: str, expected: str) -> None:
    """Escape sequences, bidi controls and invisible characters are shown as escapes."""
    assert visible(text) == expected


@pytest.mark.parametrize("text", KEPT)
def test_what_people_write_is_kept(text: str) -> None:
    """Accents, wide scripts, and joiners between letters that need them stay as they are."""
    assert not hides_something(text)


@given(st.text())
def test_nothing_acts_on_a_terminal(text: str) -> None:
    """No text at all leaves a control character, a bidi control or half a character behind."""
    left = {unicodedata.category(character) for character in visible(text)}
    assert not left & {"Cc", "Cs", "Zl", "Zp"}
    assert not set("\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f") & set(visible(text))


@pytest.mark.parametrize("around", ["a", "1", " ", "é", "日"])
def test_nothing_hides(around: str) -> None:
    """Every invisible character there is, in an ordinary text, is shown as an escape."""
    hidden = [chr(code) for code in range(0x110000) if re.match(f"[{INVISIBLE}]", chr(code))]
    assert [character for character in hidden if character in visible(f"{around}{character}{around}")] == []


@given(st.text())
@example("\x80\u200c")
@example("x\ufe0f\u200d😀")
def test_showing_twice_changes_nothing_more(text: str) -> None:
    """Text may be made safe at every door."""
    assert shown(shown(text)) == shown(text)


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126)))
def test_ordinary_words_survive_a_shell(text: str) -> None:
    """A printed command gives a shell the address back."""
    assert shlex.split(shell_word(text)) == [text]


def test_unseen_characters_survive_a_shell() -> None:
    """An address with unseen characters is quoted so that bash and zsh restore them."""
    assert shell_word("a'b\\c\x1b\u202e") == "$'a\\'b\\\\c\\x1b\\u202e'"


@pytest.mark.parametrize(("text", "width"), [("abc", 3), ("日本", 4), ("e\u0301", 1), ("👩", 2), ("", 0)])
def test_width(text: str, width: int) -> None:
    """Wide characters take two columns, combining ones none."""
    assert width_of(text) == width
