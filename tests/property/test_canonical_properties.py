"""`fmt` on documents in every style, with comments in odd places: the meaning stays, and so does every comment."""

import json
import re

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from msgflash_apply.files.fmt import NotCanonical, canonical, field_order
from msgflash_apply.files.fmt_layout import read_file
from msgflash_apply.files.yaml_tree import parse
from msgflash_apply.findings import Refused
from tests.property.test_document_properties import fragments

FIELDS = field_order("campaign")
words = st.sampled_from(
    ["sale", "yes", "12:30", "a b", "007", "x: y", "no # comment", "é", "{{ custom.x }}", " s ", "it's", ""]
)
keys = st.sampled_from([*FIELDS, "nested", "a b", "true", "é"])
blanks = st.sampled_from(["", "", "\n", "\n\n"])
notes = st.sampled_from(["# one", "#two", "#", "# - three: four", "# 日本"])


def scalar(word: str, style: int, indent: int) -> str:
    """Write a text in one of the styles of YAML."""
    pad = " " * (indent + 3)
    block = f"{word or 'w'}\n{pad} deeper\n\n{pad}last"
    return (
        json.dumps(word, ensure_ascii=False),
        "'" + word.replace("'", "''") + "'",
        f"|\n{pad}{block.lstrip()}",
        f">-\n{pad}{block.lstrip()}\n",
        f"|+ # kept\n{pad}{block.lstrip()}\n\n",
        f"plain\n{pad}over\n\n{pad}lines",
        "word",
        "[a,  'b' ,{c: \"d\"} ]",
        f"{{a: 1,\n{pad}b: [x,\n{pad}y]}}",
        f"[ # inside\n{pad}1, 2]",
    )[style]


@st.composite
def blocks(draw: st.DrawFn, indent: int = 0, depth: int = 0) -> str:
    """Write a map or a list in block style, with comments and blank lines wherever YAML allows them."""
    is_map = depth == 0 or draw(st.booleans())
    step = draw(st.integers(1, 4))
    pad = " " * indent
    heads = draw(st.lists(keys, min_size=1, max_size=4, unique=True))
    lines = []
    for head in heads:
        if draw(st.booleans()):
            far = " " * draw(st.integers(0, 5))
            lines.append(draw(blanks) + far + draw(notes) + "\n")
        marker = (
            f"{pad}{json.dumps(head, ensure_ascii=False) if ' ' in head or head == 'true' else head}:"
            if is_map
            else f"{pad}-"
        )
        if depth < 3 and draw(st.integers(0, 2)) == 0:
            behind = "  " + draw(notes) if draw(st.booleans()) else ""
            lines.append(f"{marker}{behind}\n{draw(blocks(indent + step, depth + 1))}")
        else:
            text = scalar(draw(words), draw(st.integers(0, 9)), indent)
            behind = "   " + draw(notes) if draw(st.booleans()) and not text.startswith(("|", ">")) else ""
            lines.append(f"{marker} {text}{behind}\n")
        lines.append(draw(blanks))
    return "".join(lines)


documents = st.lists(blocks(), min_size=1, max_size=3).map("---\n".join)


def comments_of(data: bytes) -> list[str]:
    """Every comment of a file, sorted."""
    return sorted(comment.text for comment in read_file(data).comments)


def meaning(data: bytes) -> list[str]:
    """Every document as JSON."""
    return [json.dumps(document.value, sort_keys=True) for document in parse(data)]


@settings(max_examples=300, deadline=None)
@given(documents)
def test_every_written_document_has_a_canonical_form(text: str) -> None:
    """
    Whatever the style and wherever the comments stand: if it is YAML, it is rewritten and not refused.

    What is written has the same documents and comments, has its fields in the schema's order and no line of structure
    that ends in a space, and is its own canonical form.
    """
    before = text.encode()
    try:
        said = meaning(before)
    except Refused:
        assume(False)

    after = canonical(before, FIELDS)

    assert after.endswith(b"\n")
    assert meaning(after) == said
    assert comments_of(after) == comments_of(before)
    assert is_in_order(after)
    assert not re.search(r":[ \t]+\n", after.decode())
    assert canonical(after, FIELDS) == after


def is_in_order(data: bytes) -> bool:
    """Whether the fields of each document stand in the schema's order."""
    values = [document.value for document in parse(data)]
    places = [[FIELDS.index(name) for name in value if name in FIELDS] for value in values if isinstance(value, dict)]
    return len(places) == len(values) and all(found == sorted(found) for found in places)


@settings(max_examples=400, deadline=None)
@example("? a\n  a")
@example("\n  ---\n- h\na")
@given(st.lists(fragments, max_size=16).map("".join))
def test_any_text_is_rewritten_as_it_means_or_refused(text: str) -> None:
    """Bits of YAML in any order: nothing but the two refusals is raised, and what is written means the same."""
    try:
        after = canonical(text.encode(), FIELDS)
    except (Refused, NotCanonical):
        return
    assert meaning(after) == meaning(text.encode())
    assert canonical(after, FIELDS) == after
