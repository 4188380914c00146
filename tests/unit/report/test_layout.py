"""Lines fit their width, and what is left out is counted."""

from hypothesis import given
from hypothesis import strategies as st

from msgflash_apply.report.layout import (
    Paint,
    Tone,
    columns,
    counted,
    cut,
    cut_start,
    indented,
    limited,
    listed,
    titled,
    wrap,
)
from msgflash_apply.report.safe_text import visible, width_of

lines = st.text(alphabet="ab c日e\u0301").map(visible)


@given(lines, st.integers(min_value=2, max_value=12))
def test_wrapped_lines_fit(text: str, width: int) -> None:
    """No wrapped line is wider than asked."""
    assert all(width_of(line) <= width for line in wrap(text, width))


@given(lines, st.integers(min_value=2, max_value=12))
def test_wrapping_loses_only_spaces(text: str, width: int) -> None:
    """Every character but the spaces at breaks is still there, in order."""
    assert "".join(wrap(text, width)).replace(" ", "") == text.replace(" ", "")


def test_wrapping_prefers_spaces() -> None:
    """Lines break between words where they can, and inside a word where they must."""
    assert wrap("one two threefour", 7) == ["one two", "threefo", "ur"]


@given(lines, st.integers(min_value=2, max_value=12))
def test_cutting_fits_and_says_so(text: str, width: int) -> None:
    """A cut text fits and carries a mark where it was cut; an uncut one is as it was."""
    for shortened, mark_at in ((cut(text, width), -1), (cut_start(text, width), 0)):
        assert width_of(shortened) <= width
        assert shortened == text or shortened[mark_at] == "…"


def test_left_out_items_are_counted() -> None:
    """Lists and lines that are too many end with how many there were more."""
    assert listed(["a", "b", "c", "d"], 2) == "a, b, … 2 more"
    assert listed(["a", "b"], 2) == "a, b"
    assert limited(["a", "b", "c"], 2, " elsewhere") == ["a", "b", "… 1 more line elsewhere"]
    assert limited(["a", "b"], 2) == ["a", "b"]


def test_counted_nouns() -> None:
    """One is singular, none and many are plural."""
    assert [counted(number, "error") for number in (0, 1, 2)] == ["0 errors", "1 error", "2 errors"]


def test_columns_align_wide_characters() -> None:
    """Columns line up by what a terminal shows, not by counting characters; short rows are allowed."""
    assert columns([("日本", "x", "y"), ("a", "longer", "z"), ("b",)], indent=1) == [
        " 日本  x       y",
        " a     longer  z",
        " b",
    ]


def test_indented_paragraphs_hang() -> None:
    """Lines after the first stand further in, and a tiny width counts as 40."""
    assert indented("word " * 9 + "end", 2, 10, hanging=4) == ["  " + "word " * 6 + "word", "      word word end"]


def test_colour_of_a_title_takes_no_width() -> None:
    """A coloured title breaks its paragraph where an uncoloured one would."""
    text = "what was found here " * 5
    plain = titled("Note:", text, paint=Paint(colour=False), tone=Tone.CHANGED, width=50)
    coloured = titled("Note:", text, paint=Paint(colour=True), tone=Tone.CHANGED, width=50)
    assert coloured[0] == plain[0].replace("Note:", "\x1b[33mNote:\x1b[0m")
    assert coloured[1:] == plain[1:]
