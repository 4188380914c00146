"""Reading YAML: any bytes give documents that JSON can carry, or one mistake inside the file."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from msgflash_apply.files.yaml_events import EventSource, libyaml_events, python_events
from msgflash_apply.files.yaml_tree import Document, parse, resolve
from msgflash_apply.findings import Refused

fragments = st.sampled_from(
    [
        "a", "b: ", "c:\n", "- ", "-\n", "\n", "\n  ", "\n    ", " ", "\t", ": ", ", ", "[", "]", "{", "}",
        "'", '"', "\\", "#", "&x ", "*x", "<<: ", "<<: *x", "!t ", "|\n", ">-\n", "? ", "---\n", "...\n",
        "%YAML 1.2\n", "{{ x }}", "{% y %}", "~", "null", "true", "NO", "1", "1.5", ".inf", "0x1", "1e9", "é",
        "\U0001f600", "\r\n", '"\\u00e9"', "@", "`", "\ufeff", "a: 1\n", "b: [1, 2]\n", "c: {d: e}\n",
        "  f: g\n", "- h\n", "\u00a0", "\u200b", "\uff1a", "'L'été'", '"Hi" all', "[Promo] x", "- 20%", "b:c\n",
        "<<<<<<< HEAD\n", "=======\n", ">>>>>>> x\n",
    ]
)  # fmt: skip
printable = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"], exclude_characters="\ufeff\ufffe\uffff")
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | printable,
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["a", "b", "NO", "1"]), inner),
    max_leaves=20,
)


def outcome(data: bytes, source: EventSource) -> tuple[Document, ...] | Refused:
    """Documents, or the mistake."""
    try:
        return parse(data, source)
    except Refused as err:
        return err


@settings(max_examples=400, deadline=None)
@given(st.lists(fragments, max_size=16).map("".join))
def test_any_text_gives_documents_or_one_mistake_inside_it(text: str) -> None:
    """Nothing but Refused is raised by either parser, its place is in the file, and values are plain JSON."""
    for source in (libyaml_events, python_events):
        found = outcome(text.encode(), source)
        if isinstance(found, Refused):
            at = found.finding.at
            assert at is not None
            assert 1 <= at.line <= len((text + "|").splitlines())
            assert 1 <= at.column <= len(text) + 1
        else:
            assert json.loads(json.dumps([d.value for d in found])) == [d.value for d in found]
            assert len({d.line for d in found}) == len(found)


@settings(max_examples=400, deadline=None)
@given(st.lists(fragments, max_size=16).map("".join))
def test_every_scalar_is_where_its_place_says(text: str) -> None:
    """The line and column of a value lead to its source text, whichever parser has read it."""
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
    for source in (libyaml_events, python_events):
        found = outcome(text.encode(), source)
        for document in () if isinstance(found, Refused) else found:
            for path, scalar in document.scalars():
                line, column = scalar.place
                rest = "\n".join([lines[line - 1][column - 1 :], *lines[line:]])
                assert rest.startswith(scalar.text[scalar.start : scalar.end])
                assert document.written(path) == (scalar.written if scalar.is_plain else None)
                if scalar.is_plain and "\n" not in scalar.written:
                    assert resolve(scalar.written) == scalar.value


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """Bytes that are no text are a mistake like any other."""
    found = outcome(data, libyaml_events)

    assert isinstance(found, (Refused, tuple))


@given(json_values)
def test_json_is_read_as_it_is(value: object) -> None:
    """Every JSON document is a YAML document with the same value."""
    text = json.dumps(value, ensure_ascii=False)

    assert [d.value for d in parse(text.encode())] == [value]
