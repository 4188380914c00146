"""Reading YAML: any bytes give documents that JSON can carry, or one mistake inside the file."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from msgflash_apply.files.positions import places
from msgflash_apply.files.yaml_events import EventSource, libyaml_events, python_events
from msgflash_apply.files.yaml_values import BadYaml, Document, parse

fragments = st.sampled_from(
    [
        "a", "b: ", "c:\n", "- ", "-\n", "\n", "\n  ", "\n    ", " ", "\t", ": ", ", ", "[", "]", "{", "}",
        "'", '"', "\\", "#", "&x ", "*x", "<<: ", "<<: *x", "!t ", "|\n", ">-\n", "? ", "---\n", "...\n",
        "%YAML 1.2\n", "{{ x }}", "{% y %}", "~", "null", "true", "NO", "1", "1.5", ".inf", "0x1", "1e9", "é",
        "\U0001f600", "\r\n", '"\\u00e9"', "@", "`", "\ufeff", "a: 1\n", "b: [1, 2]\n", "c: {d: e}\n",
        "  f: g\n", "- h\n",
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


def outcome(data: bytes, source: EventSource) -> tuple[Document, ...] | BadYaml:
    """Documents, or the mistake."""
    try:
        return parse(data, source)
    except BadYaml as err:
        return err


@settings(max_examples=400, deadline=None)
@given(st.lists(fragments, max_size=16).map("".join))
def test_any_text_gives_documents_or_one_mistake_inside_it(text: str) -> None:
    """Nothing but BadYaml is raised by either parser, its place is in the file, and values are plain JSON."""
    for source in (libyaml_events, python_events):
        found = outcome(text.encode(), source)
        if isinstance(found, BadYaml):
            assert 1 <= found.line <= len((text + "|").splitlines())
            assert found.column >= 1
        else:
            assert json.loads(json.dumps([d.value for d in found])) == [d.value for d in found]
            assert len({d.line for d in found}) == len(found)


@settings(max_examples=400, deadline=None)
@given(st.lists(fragments, max_size=16).map("".join))
def test_whatever_can_be_read_has_places(text: str) -> None:
    """The second reading sees the documents of the first, each at its line."""
    found = outcome(text.encode(), libyaml_events)

    for document in () if isinstance(found, BadYaml) else found:
        assert places(text.encode(), document.line).value_at(()).line == document.line


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """Bytes that are no text are a mistake like any other."""
    found = outcome(data, libyaml_events)

    assert isinstance(found, (BadYaml, tuple))


@given(json_values)
def test_json_is_read_as_it_is(value: object) -> None:
    """Every JSON document is a YAML document with the same value."""
    text = json.dumps(value, ensure_ascii=False)

    assert [d.value for d in parse(text.encode())] == [value]
