"""
The two forms of pagination in use here, cursor and page (reference 2.5).

A cursor is opaque to clients; as in the documented example it is base64 of the sort value, `|`, and the id.
"""

from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

from msgflash_apply.sandbox.refusal import RefusedError, invalid

Item = TypeVar("Item")
Query: TypeAlias = Mapping[str, str]
LARGEST_PAGE = 100
_LONGEST_SEARCH = 100


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Some items, and the way to the next ones; `next_cursor` is None on the last page."""

    items: list[Item]
    limit: int
    next_cursor: str | None

    @property
    def position(self) -> dict[str, object]:
        """The two fields that end every answer of this form."""
        return {"nextCursor": self.next_cursor, "hasMore": self.next_cursor is not None}


def paginate(
    items: Iterable[Item], query: Query, sort_key: Callable[[Item], tuple[str, str]], *, is_descending: bool = False
) -> Page[Item]:
    """Sort by (value, id), skip to behind the cursor, and take `limit` (50 unless told, at most 100)."""
    limit = read_limit(query, 50)
    ordered = sorted(items, key=sort_key, reverse=is_descending)
    if cursor := query.get("cursor"):
        after = _decode_cursor(cursor)
        ordered = [i for i in ordered if (sort_key(i) < after if is_descending else sort_key(i) > after)]
    taken = ordered[:limit]
    has_more = len(ordered) > limit
    return Page(taken, limit, _encode_cursor(sort_key(taken[-1])) if has_more else None)


def read_limit(query: Query, usual: int) -> int:
    """Read `limit`, 1 to 100; 400 otherwise."""
    return _read_number(query, "limit", usual, LARGEST_PAGE)


def read_page(query: Query) -> int:
    """Read `page`, from 1; 400 otherwise."""
    return _read_number(query, "page", 1, None)


def read_search(query: Query) -> str:
    """Read `search`, folded for comparison; 400 unless 1 to 100 characters; empty when absent."""
    search = query.get("search")
    if search is not None and not 1 <= len(search) <= _LONGEST_SEARCH:
        raise _wrong("search", f"must be 1 to {_LONGEST_SEARCH} characters")
    return (search or "").casefold()


def _read_number(query: Query, name: str, usual: int, largest: int | None) -> int:
    given = query.get(name)
    if given is None:
        return usual
    is_number = given.isascii() and given.isdigit() and len(given) < len("1000000000")
    if not is_number or int(given) < 1 or (largest is not None and int(given) > largest):
        raise _wrong(name, "must be a whole number from 1" + (f" to {largest}" if largest else ""))
    return int(given)


def _encode_cursor(key: tuple[str, str]) -> str:
    return b64encode("|".join(key).encode()).decode("ascii")


def _decode_cursor(cursor: str) -> tuple[str, str]:
    try:
        value, separator, identity = b64decode(cursor, validate=True).decode().rpartition("|")
    except ValueError as error:
        raise _wrong("cursor", "is not a cursor of this server") from error
    if not separator:
        raise _wrong("cursor", "is not a cursor of this server")
    return value, identity


def _wrong(name: str, message: str) -> RefusedError:
    return invalid([{"path": name, "message": message}])
