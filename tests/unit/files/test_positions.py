"""Where keys and values stand in their file."""

import pytest

from msgflash_apply.files.positions import Place, places
from msgflash_apply.files.yaml_events import EventSource, libyaml_events, python_events
from msgflash_apply.files.yaml_values import ValuePath

FILE = """\
# a campaign
name: "Été"
recipients: &people
  type: tags
  value: [vip, "paris"]
body: |
  Bonjour {{ contact.name }},
  {voilà} {{ custom.brnad }}
---
again: {<<: [{a: 1}], b: 2}
""".encode()

BOTH = pytest.mark.parametrize("source", [libyaml_events, python_events], ids=["libyaml", "python"])


@BOTH
@pytest.mark.parametrize(
    ("path", "key", "value"),
    [
        ((), (2, 1), (2, 1)),
        (("name",), (2, 1), (2, 7)),
        (("recipients", "type"), (4, 3), (4, 9)),
        (("recipients", "value", 1), (5, 16), (5, 16)),
        (("body",), (6, 1), (6, 7)),
        (("recipients", "value", 7, "x"), (5, 3), (5, 10)),
        (("absent", "deeper"), (2, 1), (2, 1)),
    ],
)
def test_keys_and_values_have_places(
    source: EventSource, path: ValuePath, key: tuple[int, int], value: tuple[int, int]
) -> None:
    """A path leads to its key and its value; one that is not there, to its nearest ancestor."""
    found = places(FILE, 2, source)

    assert found.key_at(path) == Place(*key)
    assert found.value_at(path) == Place(*value)


def test_each_document_has_its_own_places() -> None:
    """The line tells documents apart; merged keys are where they are written."""
    found = places(FILE, 10)

    assert found.value_at(("again", "b")) == Place(10, 26)
    assert found.value_at(("again", "a")) == Place(10, 18)


def test_empty_documents_have_no_places() -> None:
    """The places of a document are found by the line that reading gave it, and by no other."""
    data = b"---\n---\n&k a: *k\n---\n# nothing\n"

    assert places(data, 3).value_at(("a",)) == Place(3, 7)
    with pytest.raises(KeyError):
        places(data, 1)


def test_what_an_alias_brings_in_is_where_it_is_written() -> None:
    """A mistake inside shared recipients is at their list, the alias itself is where it is written."""
    found = places(b"x: &x {v: [1, 2]}\ny: *x\nz: {<<: *x}\n", 1)

    assert found.value_at(("y",)) == Place(2, 4)
    assert found.value_at(("y", "v", 1)) == Place(1, 15)
    assert found.key_at(("z", "v")) == Place(1, 8)


@pytest.mark.parametrize(
    ("text", "value", "line", "column"),
    [
        ("body: |\n  Hi {{ a }}\n  {x} {{ b }}\n", "Hi {{ a }}\n{x} {{ b }}\n", 3, 7),
        ("body: > # {{\n  Hi {{ a }}\n  {x} {{ b }}\n", "Hi {{ a }} {x} {{ b }}\n", 3, 7),
        ('body: "Hi {{ a }}\\n{x} {{ b }}"\n', "Hi {{ a }}\n{x} {{ b }}", 1, 24),
        ("body: 'é {{ a }}\n\n  {x} {{ b }}'\r\n", "é {{ a }}\n{x} {{ b }}", 3, 7),
        ("body: é {{ a }} {x} {{ b }}\r\nc: 1\n", "é {{ a }} {x} {{ b }}", 1, 21),
    ],
    ids=["literal", "folded", "double quotes", "single quotes", "plain"],
)
def test_a_tag_inside_a_text_is_found_however_it_is_quoted(text: str, value: str, line: int, column: int) -> None:
    """A character offset into a scalar becomes the line and column of that brace."""
    found = places(text.encode(), 1)

    assert found.offset_at(("body",), value.index("{{ b")) == Place(line, column)


def test_a_brace_that_is_not_written_gives_the_whole_value() -> None:
    """An escaped brace has no place of its own, nor has one inside a map."""
    found = places(b'a: "\\x7b\\x7b x }}"\nb: {c: 1}\n', 1)

    assert found.offset_at(("a",), 0) == Place(1, 4)
    assert found.offset_at(("b",), 0) == Place(2, 4)
