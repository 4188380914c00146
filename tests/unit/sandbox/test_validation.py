"""Cursors and limits."""

import pytest

from msgflash_apply.sandbox.exchange import RefusedError
from msgflash_apply.sandbox.validation import paginate, read_number, read_search

ITEMS = [("b", "2"), ("a", "9"), ("b", "1"), ("c|d", "3")]


def walk(limit: int, *, is_descending: bool) -> list[tuple[str, str]]:
    """Follow the cursors to the end."""
    query, seen = {"limit": str(limit)}, []
    while True:
        page = paginate(ITEMS, query, lambda item: item, is_descending=is_descending)
        seen += page.items
        if page.next_cursor is None:
            return seen
        query["cursor"] = page.next_cursor


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 100])
@pytest.mark.parametrize("is_descending", [False, True])
def test_cursors_show_everything_once(limit: int, *, is_descending: bool) -> None:
    """Whatever the page size, following `nextCursor` gives every item once, in order (2.5)."""
    assert walk(limit, is_descending=is_descending) == sorted(ITEMS, reverse=is_descending)


def test_last_page_ends_it() -> None:
    """The last page has no cursor and no more (2.5)."""
    page = paginate(ITEMS, {"limit": "4"}, lambda item: item)
    assert page.position == {"nextCursor": None, "hasMore": False}


@pytest.mark.parametrize(
    "query",
    [{"limit": "0"}, {"limit": "101"}, {"limit": "ten"}, {"limit": "-1"}, {"cursor": "?"}, {"cursor": "bm8="}],
)
def test_bad_queries_are_refused(query: dict[str, str]) -> None:
    """A limit outside 1 to 100 or a cursor of no server of ours is 400 (2.5)."""
    with pytest.raises(RefusedError, match="400 VALIDATION_ERROR"):
        paginate(ITEMS, query, lambda item: item)


@pytest.mark.parametrize("search", ["", "x" * 101])
def test_search_has_a_length(search: str) -> None:
    """A search is 1 to 100 characters (2.5)."""
    with pytest.raises(RefusedError, match="400 VALIDATION_ERROR"):
        read_search({"search": search})


def test_page_counts_from_one() -> None:
    """The page is 1 by default, and there is no page 0 (2.5)."""
    assert (read_number({}, "page", 1), read_number({"page": "12"}, "page", 1)) == (1, 12)
    with pytest.raises(RefusedError, match="400 VALIDATION_ERROR"):
        read_number({"page": "0"}, "page", 1)
