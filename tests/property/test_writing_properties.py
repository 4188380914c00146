"""A campaign's file that is written here reads as what it was written from."""

from hypothesis import given, settings
from hypothesis import strategies as st

from msgflash_apply.files.fmt import canonical, field_order, file_text
from msgflash_apply.files.yaml_tree import parse
from msgflash_apply.invisible import invisible_in_name

FIELDS = field_order("campaign")
texts = st.text(st.characters(codec="utf-8"), max_size=40) | st.sampled_from(
    [
        "a\nb",
        "a\n\n b\n",
        " a\nb",
        "a\n\n",
        "\na",
        "a \nb",
        "yes",
        "1",
        "{{contact.name}}\n",
        "# no",
        "\x85\u2028\ufeff",
        "😀",
    ]
)
names = texts.filter(lambda text: invisible_in_name(text) is None)
fields_strategy = st.dictionaries(
    st.sampled_from(FIELDS),
    texts | st.integers() | st.booleans() | st.lists(texts, max_size=3) | st.dictionaries(names, texts, max_size=3),
    min_size=1,
)


@settings(deadline=None)
@given(fields_strategy)
def test_what_is_written_is_read(fields: dict[str, object]) -> None:
    """Every text comes back as it was, odd spaces, breaks and signs included, and the order is the schema's."""
    text = file_text(fields, "a note")
    [document] = parse(text.encode())
    assert document.value == fields
    assert text.startswith("# a note\n")


@settings(deadline=None)
@given(fields_strategy)
def test_what_is_written_is_canonical(fields: dict[str, object]) -> None:
    """`fmt` leaves the file alone."""
    text = file_text(fields).encode()
    assert canonical(text, FIELDS) == text
