"""Bodies of answers: JSON, and no more of it than can be printed and stored."""

import pytest

from msgflash_apply.api.models import decoded


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>",
        b"\xff",
        b'{"a": NaN}',
        b"[-Infinity]",
        b"[-1e999]",
        b"9" * 5_000,
        b"[" * 51 + b"]" * 51,
        b"[" * 100_000,
    ],
)
def test_what_is_no_answer(content: bytes) -> None:
    """What is not JSON, or nested as no answer is, counts as not understood."""
    assert decoded(content) is None


def test_halves_of_characters_are_replaced() -> None:
    """A text that was cut inside a character is readable, keys included, and a whole character stays."""
    assert decoded(rb'{"\ud83d": ["a\uDE00", "\ud83d\ude00", 1]}') == {"\ufffd": ["a\ufffd", "\U0001f600", 1]}


def test_usual_answers_are_as_they_are() -> None:
    """Nothing else is changed."""
    assert decoded(b'{"data": [{"id": "x", "n": 1.5, "no": null}]}') == {"data": [{"id": "x", "n": 1.5, "no": None}]}
