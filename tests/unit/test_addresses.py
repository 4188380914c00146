"""How addresses are made and read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msgflash_apply.campaign import Address, bad_segment, base_address, entry_address, read_address


@pytest.mark.parametrize(
    ("file", "key", "address"),
    [
        ("campaigns/promo/black-friday.yaml", None, "promo/black-friday"),
        ("campaigns/promo/black-friday.yaml", "x", "promo/x"),
        ("campaigns/v1.2.yml", None, "v1.2"),
        ("campaigns/v1.2.yml", "k", "k"),
    ],
)
def test_address_of_a_file(file: str, key: str | None, address: str) -> None:
    """The path below the folder without its suffix, a key in place of the last segment."""
    assert base_address(file, "campaigns", key) == address


@pytest.mark.parametrize(
    ("base", "bad"),
    [("a/b_c/d-1.2", None), ("été/日本", None), ("a b", "a b"), ("a/-x", "-x"), ("a//b", ""), ('a["x"]', 'a["x"]')],
)
def test_segments_that_can_not_stand_in_an_address(base: str, bad: str | None) -> None:
    """Letters of any script, digits, `.`, `_` and `-` can; spaces, brackets, empty ones and leading marks cannot."""
    assert bad_segment(base) == bad


@pytest.mark.parametrize("text", ["", "/a", "a/", "a b", "a[x]", 'a["x"', 'a["x"]b', 'a["\\x"]', 'a["x"]["y"]', "../a"])
def test_what_is_no_address(text: str) -> None:
    """Anything that no file could have is not read as an address."""
    assert read_address(text) is None


@given(st.text(min_size=1))
def test_entry_address_reads_back(entry: str) -> None:
    """Whatever the key of an entry, its address is read as itself."""
    address = entry_address(Address("promo/x"), entry)

    assert read_address(address) == address
