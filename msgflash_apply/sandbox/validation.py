"""
Validation of JSON bodies and queries, and pagination by cursor (reference 2.5).

A body is read field by field, and everything that is wrong with it goes into one `400 VALIDATION_ERROR`. Strict mode
refuses unknown fields and nulls (reference 10.1); lenient mode ignores both. A cursor is opaque to clients; as in the
documented example it is base64 of the sort value, `|`, and the id.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeAlias, TypeVar
from urllib.parse import urlsplit

from msgflash_apply.sandbox.exchange import JsonObject, invalid, invalid_field

Check: TypeAlias = Callable[[object], str | None]
"""Returns what is wrong with a value, or None."""

Query: TypeAlias = Mapping[str, str]
Item = TypeVar("Item")

LONGEST_BODY = 4096
LARGEST_PAGE = 100
_LONGEST_SEARCH = 100

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)")


@dataclass(frozen=True, slots=True)
class Rules:
    """How strictly bodies are read; `accept_noe` accepts `repeat: noe` (reference 5.3)."""

    strict: bool = True
    accept_noe: bool = False


class Fields:
    """
    One JSON object, read field by field.

    Args:
        given: what the client sent; anything but an object is reported.
        strict: see the module.
        path: of the object in the body, for findings.
        findings: the list to report to; shared with nested objects.
    """

    def __init__(
        self, given: object, *, strict: bool, path: str = "", findings: list[JsonObject] | None = None
    ) -> None:
        self.strict = strict
        self.findings: list[JsonObject] = [] if findings is None else findings
        self.accepted: JsonObject = {}
        self._path = path
        self._given: JsonObject = given if isinstance(given, dict) else {}
        self._known: set[str] = set()
        if not isinstance(given, dict):
            self.report("", "must be an object")

    def report(self, name: str, message: str) -> None:
        """Report what is wrong with a field, or with the object itself if `name` is empty."""
        path = ".".join(part for part in (self._path, name) if part)
        self.findings.append({"path": path, "message": message})

    def has(self, name: str) -> bool:
        """Say whether a field is present and not null."""
        return self._given.get(name) is not None

    def take(self, name: str, check: Check, *, required: bool = False) -> object:
        """Return one field, or None if it is absent or wrong."""
        self._known.add(name)
        value = self._given.get(name)
        if value is None:
            if required:
                self.report(name, "is required")
            elif name in self._given and self.strict:
                self.report(name, "must not be null; leave it out")
            return None
        wrong = check(value)
        if wrong is not None:
            self.report(name, wrong)
            return None
        self.accepted[name] = value
        return value

    def inner(self, name: str) -> "Fields":
        """Return a required nested object; what it accepts is accepted here."""
        self._known.add(name)
        path = ".".join(part for part in (self._path, name) if part)
        inner = Fields(self._given.get(name), strict=self.strict, path=path, findings=self.findings)
        self.accepted[name] = inner.accepted
        return inner

    def ignore(self, names: Collection[str]) -> None:
        """Treat fields as known, whatever their value."""
        self._known.update(names)

    def close(self) -> JsonObject:
        """Report unknown fields, raise 400 if anything was reported, and return what was accepted."""
        self.report_unknown()
        if self.findings:
            raise invalid(self.findings)
        return self.accepted

    def report_unknown(self, why: str = "unknown field") -> None:
        """Report the fields that were not read, in strict mode."""
        if self.strict:
            for name in sorted(self._given.keys() - self._known):
                self.report(name, why)


def text(longest: int | None = None) -> Check:
    """Require a string that is not blank, of at most `longest` characters."""

    def check(value: object) -> str | None:
        if not isinstance(value, str) or not value.strip():
            return "must be a non-empty string"
        if longest is not None and len(value) > longest:
            return f"must be at most {longest} characters, is {len(value)}"
        return None

    return check


def one_of(choices: Collection[str]) -> Check:
    """Require one word of a closed set."""
    wanted = ", ".join(choices)
    return lambda value: None if isinstance(value, str) and value in choices else f"must be one of {wanted}"


def list_of(item: Check, longest: int | None = None) -> Check:
    """Require a list that is not empty; the first wrong item is reported by its index."""

    def check(value: object) -> str | None:
        if not isinstance(value, list) or not value:
            return "must be a list of at least 1"
        if longest is not None and len(value) > longest:
            return f"must hold at most {longest}, holds {len(value)}"
        wrong = ((index, item(each)) for index, each in enumerate(value))
        return next((f"item {index} {what}" for index, what in wrong if what is not None), None)

    return check


def uuid(value: object) -> str | None:
    """Require a UUID: an id, never a name or a number (reference 5.1)."""
    return None if isinstance(value, str) and _UUID.fullmatch(value) else "must be a UUID"


def web_address(value: object) -> str | None:
    """Require an absolute http or https URL; it is never fetched (reference 10.4)."""
    wrong = "must be an absolute http or https URL"
    if not isinstance(value, str) or re.search(r"\s", value):
        return wrong
    try:
        parts = urlsplit(value)
    except ValueError:
        return wrong
    return None if parts.scheme in {"http", "https"} and parts.netloc else wrong


def instant(value: object) -> str | None:
    """Require a full ISO 8601 instant with a zone (reference 10.2)."""
    try:
        read_instant(str(value))
    except (ValueError, OverflowError):
        return "must be a full ISO 8601 instant with a zone, such as 2026-04-15T09:00:00.000Z"
    return None


def flat_map(value: object) -> str | None:
    """Require a flat object whose values are strings or numbers (reference 4.1)."""
    if not isinstance(value, dict):
        return "must be an object"
    wrong = sorted(k for k, v in value.items() if isinstance(v, bool) or not isinstance(v, str | int | float))
    return f"must hold strings or numbers only, not {', '.join(wrong)}" if wrong else None


def any_object(value: object) -> str | None:
    """Require an object of any shape."""
    return None if isinstance(value, dict) else "must be an object"


def read_instant(value: str) -> datetime:
    """Parse a full ISO 8601 instant to UTC; ValueError or OverflowError if it is not one."""
    if not _INSTANT.fullmatch(value):
        raise ValueError(f"not an instant: {value!r}")
    return datetime.fromisoformat(value).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Some items, and the cursor of the next ones, None on the last page."""

    items: list[Item]
    limit: int
    next_cursor: str | None

    @property
    def position(self) -> dict[str, object]:
        """The last two fields of every answer of this form."""
        return {"nextCursor": self.next_cursor, "hasMore": self.next_cursor is not None}


def paginate(
    items: Iterable[Item], query: Query, sort_key: Callable[[Item], tuple[str, str]], *, is_descending: bool = False
) -> Page[Item]:
    """Sort by (value, id) and return `limit` items after the cursor (50 by default, at most 100)."""
    limit = read_number(query, "limit", 50, LARGEST_PAGE)
    ordered = sorted(items, key=sort_key, reverse=is_descending)
    if cursor := query.get("cursor"):
        after = _decode_cursor(cursor)
        ordered = [i for i in ordered if (sort_key(i) < after if is_descending else sort_key(i) > after)]
    taken = ordered[:limit]
    if len(ordered) == len(taken):
        return Page(taken, limit, None)
    return Page(taken, limit, b64encode("|".join(sort_key(taken[-1])).encode()).decode("ascii"))


def read_number(query: Query, name: str, default: int, largest: int | None = None) -> int:
    """Read a whole number from 1 to `largest`; 400 otherwise."""
    given = query.get(name)
    if given is None:
        return default
    is_number = given.isascii() and given.isdigit() and len(given) < len("1000000000")
    if not is_number or int(given) < 1 or (largest is not None and int(given) > largest):
        raise invalid_field(name, "must be a whole number from 1" + (f" to {largest}" if largest else ""))
    return int(given)


def read_search(query: Query) -> str:
    """Read `search`, case-folded, empty if absent; 400 unless it has 1 to 100 characters."""
    search = query.get("search")
    if search is not None and not 1 <= len(search) <= _LONGEST_SEARCH:
        raise invalid_field("search", f"must be 1 to {_LONGEST_SEARCH} characters")
    return (search or "").casefold()


def _decode_cursor(cursor: str) -> tuple[str, str]:
    try:
        value, separator, identity = b64decode(cursor, validate=True).decode().rpartition("|")
    except ValueError:
        separator = ""
    if not separator:
        raise invalid_field("cursor", "is not a cursor of this server")
    return value, identity
