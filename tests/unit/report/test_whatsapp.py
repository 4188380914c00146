"""WhatsApp's marks in a text."""

import pytest

from msgflash_apply.report.whatsapp import runs


def styled(text: str) -> list[tuple[str, tuple[str, ...]]]:
    """List the parts of a text that a phone shows, each with its styles."""
    return [(run.text, run.styles) for run in runs(text) if not run.is_mark]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a *b* c", [("a ", ()), ("b", ("bold",)), (" c", ())]),
        ("_a_ ~b~", [("a", ("italic",)), (" ", ()), ("b", ("strike",))]),
        ("*_a_ b*", [("a", ("bold", "italic")), (" b", ("bold",))]),
        ("```*a*\nb``` c", [("*a*\nb", ("mono",)), (" c", ())]),
        ("(*{{contact.first_name}}*)", [("(", ()), ("{{contact.first_name}}", ("bold",)), (")", ())]),
        ("2*3*4 snake_case_name", [("2*3*4 snake_case_name", ())]),
        ("* a * and *a\nb*", [("* a * and *a\nb*", ())]),
        ("*a _*b*_ c*", [("a _*b", ("bold",)), ("_ c*", ())]),
    ],
)
def test_marks_make_styles(text: str, parts: list[tuple[str, tuple[str, ...]]]) -> None:
    """Marks count on one line, around words; what is between them may have other marks."""
    assert styled(text) == parts
    assert "".join(run.text for run in runs(text)) == text


def test_many_lonely_marks_are_read_at_once() -> None:
    """A text full of marks without a partner takes no time that a person would notice."""
    assert "".join(run.text for run in runs("*a " * 6000)) == "*a " * 6000
