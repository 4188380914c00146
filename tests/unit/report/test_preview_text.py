"""A message in a terminal and on its page: it stays in its bubble, and is text whatever it holds."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msgflash_apply.report.html.page import preview_to_html
from msgflash_apply.report.layout import Paint
from msgflash_apply.report.message import message_of
from msgflash_apply.report.preview_text import Preview, bubble, preview_to_text
from msgflash_apply.report.safe_text import shown, width_of
from tests.unit.report.builders import NOW, a_change, a_payload
from tests.unit.report.hostile import CORPUS
from tests.unit.report.test_html import TAGS, Page

CODES = re.compile(r"\x1b\[[0-9;]*m")


@given(
    st.text(st.sampled_from("*_~` \nab{}.\x1b\u202e界e\u0301") | st.characters(), min_size=1, max_size=300),
    st.booleans(),
    st.integers(20, 120),
)
@settings(deadline=None, max_examples=100)
def test_any_text_stays_in_its_bubble(text: str, colour: bool, width: int) -> None:
    """Whatever a text holds, the lines of its bubble are alike in width, and nothing of it acts on the terminal."""
    button = {"type": "url", "displayText": text, "url": text}
    change = a_change(
        after=a_payload(type="buttons", body=text, title=text, footer=text, mediaUrl=text, buttons=[button])
    )
    lines = [CODES.sub("", line) for line in bubble(message_of(change), paint=Paint(colour=colour), width=width)]

    assert {width_of(line) for line in lines} == {width_of(lines[0])}
    assert width_of(lines[0]) <= width
    assert all(shown(line) == line for line in lines)


@pytest.mark.parametrize("text", CORPUS.values(), ids=CORPUS)
def test_hostile_texts_are_text(text: str) -> None:
    """On its page nothing of a message becomes markup; in a terminal nothing of it acts."""
    change = a_change(
        address=text, after=a_payload(type="image", body=text, mediaUrl=f"https://cdn.example.com/{text}")
    )
    preview = Preview(change, contact=text, missing=(text,))
    page = Page(preview_to_html(preview, now=NOW))
    drawn = CODES.sub("", preview_to_text(preview, now=NOW, paint=Paint(colour=True), width=80))

    assert {tag for tag, _ in page.elements if not TAGS.fullmatch(tag)} == set()
    assert "script" not in {tag for tag, _ in page.elements}
    assert {"src", "href", "onerror", "onload"}.isdisjoint(name for _, given in page.elements for name in given)
    assert all(shown(line) == line for line in drawn.split("\n"))
