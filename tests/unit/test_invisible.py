"""The table of invisible characters is complete, and holds nothing that people see."""

import re
import unicodedata
from pathlib import Path

import pytest

from msgflash_apply.invisible import DEFAULT_IGNORABLE, INVISIBLE, invisible_in_name, named
from tests.unit.files.repos import WELCOME, in_short, loaded

PREPENDED = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd")
"""Format characters that are drawn: they span the digits behind them (Prepended_Concatenation_Mark)."""

BIDI_CONTROL = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"

VARIATION_SELECTORS = [*"\u180b\u180c\u180d\u180f", *map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)))]


def is_in_table(character: str) -> bool:
    """Whether the table has a character."""
    return re.match(f"[{INVISIBLE}]", character) is not None


def test_as_many_as_unicode_lists() -> None:
    """Unicode 16.0 counts 4174 code points with Default_Ignorable_Code_Point."""
    assert sum(last - first + 1 for first, last in DEFAULT_IGNORABLE) == 4174
    assert list(DEFAULT_IGNORABLE) == sorted(DEFAULT_IGNORABLE)


def test_every_format_character_is_there() -> None:
    """Whatever Python's own copy of Unicode calls a format character is in the table, but for those that are drawn."""
    every = {chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) in {"Cf", "Zl", "Zp"}}
    assert {character for character in every if not is_in_table(character)} == {*every} & PREPENDED


def test_what_unicode_names_is_there() -> None:
    """Bidi controls, variation selectors, fillers and the joiner that joins nothing are in the table."""
    fillers = re.compile("(HANGUL|KHITAN) .*FILLER")
    named_so = {chr(code) for code in range(0x110000) if fillers.match(unicodedata.name(chr(code), ""))}
    listed = {*BIDI_CONTROL, *VARIATION_SELECTORS, *named_so, *"\u034f\u17b4\u17b5\u2800\u180e"}
    assert {character for character in listed if not is_in_table(character)} == set()


def test_no_letter_is_there() -> None:
    """Nothing that is drawn is in the table: letters, digits, punctuation, symbols and spaces are seen."""
    seen = {chr(code) for code in range(0x110000) if unicodedata.category(chr(code))[0] in "LNPSZ"}
    blank = set("\u115f\u1160\u3164\uffa0\u2800\u2028\u2029")
    assert {character for character in seen if is_in_table(character)} == blank


@pytest.mark.parametrize("name", ["promo/été", "日本", "a b", "e\u0301", "a\u00a0b"])
def test_names_that_can_be_seen(name: str) -> None:
    """Accents, other scripts and spaces may be in names."""
    assert invisible_in_name(name) is None


def test_character_is_named() -> None:
    """People get the number and Unicode's name."""
    assert [named("\u200b"), named("\x1b")] == ["U+200B (zero width space)", "U+001B (a control character)"]


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ('custom: {"a\\u200bb": 1}', "1:10 MF102"),
        ('custom: {a: [{"b\\uFE0F": 1}]}', "1:15 MF102"),
        ("custom: {a\u3164b: 1}", "1:10 MF102"),
        ("'na\u00adme': x", "1:1 MF102"),
        ('for_each: {"fr\\u2060": 1}', "1:12 MF102"),
        ('variables: {"co\\x1bde": 1}', "1:13 MF102"),
        ('labels: {team: "a\\u200b"}', "1:16 MF421"),
    ],
)
def test_names_and_labels_in_a_file(tmp_path: Path, line: str, place: str) -> None:
    """A name in a map, or a label, that holds what cannot be seen is refused at its place, with its number."""
    (found,) = loaded(tmp_path, {"a.yaml": f"{line}\n{WELCOME}"}).diagnostics

    assert in_short([found]) == [f"a.yaml:{place}"]
    assert "U+" in found.message


def test_names_of_files_and_folders(tmp_path: Path) -> None:
    """A file or folder whose name cannot be seen is refused, with or without a key for the address; others are read."""
    files = {"a\u200b.yaml": f"key: a\n{WELCOME}", "b\u2800/c.yaml": WELCOME, "d\u00ad.txt": "", "e.yaml": WELCOME}
    found = loaded(tmp_path, files)

    assert [each.address for each in found.campaigns] == ["e"]
    assert in_short(found.diagnostics) == ["a\u200b.yaml:None:None MF404", "b\u2800:None:None MF404"]
    assert "U+200B (zero width space)" in found.diagnostics[0].message
