"""Where keys and values are in their file, and how they are written."""

import pytest

from msgflash_apply.files.yaml_events import EventSource, libyaml_events, python_events
from msgflash_apply.files.yaml_tree import parse
from msgflash_apply.findings import Place, ValuePath

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
    found = parse(FILE, source)[0]

    assert found.place(path, on_key=True) == Place(*key)
    assert found.place(path) == Place(*value)


def test_each_document_has_its_own_places() -> None:
    """Places count from the beginning of the file; merged keys are where they are written."""
    found = parse(FILE)[1]

    assert found.place(("again", "b")) == Place(10, 26)
    assert found.place(("again", "a")) == Place(10, 18)


def test_an_empty_document_shifts_no_place() -> None:
    """Documents without content are skipped, and those after them keep their places."""
    (document,) = parse(b"---\n---\n&k a: *k\n---\n# nothing\n")

    assert document.line == 3
    assert document.place(("a",)) == Place(3, 7)


def test_what_an_alias_brings_in_is_where_it_is_written() -> None:
    """A mistake inside shared recipients is at their list, the alias itself is where it is written."""
    (found,) = parse(b"x: &x {v: [1, 2]}\ny: *x\nz: {<<: *x}\n")

    assert found.place(("y",)) == Place(2, 4)
    assert found.place(("y", "v", 1)) == Place(1, 15)
    assert found.place(("z", "v"), on_key=True) == Place(1, 8)


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
    (found,) = parse(text.encode())

    assert found.place(("body",), offset=value.index("{{ b")) == Place(line, column)


def test_a_brace_that_is_not_written_gives_the_whole_value() -> None:
    """An escaped brace has no place of its own, nor has one inside a map."""
    (found,) = parse(b'a: "\\x7b\\x7b x }}"\nb: {c: 1}\n')

    assert found.place(("a",), offset=0) == Place(1, 4)
    assert found.place(("b",), offset=0) == Place(2, 4)


WRITTEN = """\
id: 0042
price: 19.90 # with VAT
phone: +33612345678
code: '0042'
text: a
  b
block: |
  1
list: [1e3, 0x1F, yes]
shared: &n 007
again: *n
base: &base {size: 5.0}
merged: {<<: *base, more: 1.50}
odd: &o # why
  010
space: &s \u00a0x
nothing:
"""


@BOTH
@pytest.mark.parametrize(
    ("path", "written"),
    [
        (("id",), "0042"),
        (("price",), "19.90"),
        (("phone",), "+33612345678"),
        (("code",), None),
        (("text",), "a\n  b"),
        (("block",), None),
        (("list",), "[1e3, 0x1F, yes]"),
        (("list", 0), "1e3"),
        (("list", 1), "0x1F"),
        (("list", 2), "yes"),
        (("list", 3), None),
        (("shared",), "007"),
        (("again",), "007"),
        (("base", "size"), "5.0"),
        (("merged", "size"), "5.0"),
        (("merged", "more"), "1.50"),
        (("odd",), "010"),
        (("space",), "\u00a0x"),
        (("nothing",), ""),
        (("absent", "deeper"), None),
        ((), None),
    ],
)
def test_the_source_text_of_a_plain_scalar(source: EventSource, path: ValuePath, written: str | None) -> None:
    """A number is known as the file spells it, through aliases too; quoted texts and what is no scalar have no such."""
    (document,) = parse(WRITTEN.encode(), source)

    assert document.written(path) == written


@BOTH
def test_every_scalar_below_a_path(source: EventSource) -> None:
    """Scalars come with their paths in the file's order, aliases followed, and with the comment behind them."""
    text = "a: &a {b: 1, c: ['x', y]} # of the map\nd: *a\ne: Sale #1 # two\nf: '1' # three\ng: |  # no\n  h\n"
    (document,) = parse(text.encode(), source)

    found = [(path, one.written, one.is_plain, one.comment) for path, one in document.scalars()]

    assert found == [
        (("a", "b"), "1", True, None),
        (("a", "c", 0), "'x'", False, None),
        (("a", "c", 1), "y", True, None),
        (("d", "b"), "1", True, None),
        (("d", "c", 0), "'x'", False, None),
        (("d", "c", 1), "y", True, None),
        (("e",), "Sale", True, "#1 # two"),
        (("f",), "'1'", False, "# three"),
        (("g",), "|  # no\n  h\n", False, None),
    ]
    assert [path for path, _ in document.scalars(("d", "c"))] == [("d", "c", 0), ("d", "c", 1)]
    assert list(document.scalars(("d", "z"))) == []
