"""One request and its answers, without a socket: what arrives, success, and refusal (reference 2.4 and 2.7)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

JsonObject: TypeAlias = dict[str, object]
"""A JSON object as it is read or written here."""


class RefusedError(Exception):
    """
    A request that gets the error envelope.

    Args:
        status: the HTTP status.
        code: the word in `error.code`; clients branch on it.
        message: the sentence in `error.message`.
        details: items of `error.details`; their shape is assumed (reference 10.5).
        assumption: the part of the reference's section 10 that this refusal rests on, or None.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        details: Sequence[JsonObject] = (),
        assumption: str | None = None,
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.details = tuple(details)
        self.assumption = assumption

    def document(self) -> JsonObject:
        """Build the error envelope; `details` only where there are any."""
        error: JsonObject = {"code": self.code, "message": self.message}
        if self.details:
            error["details"] = list(self.details)
        return {"error": error}


def not_found(what: str, assumption: str | None = None) -> RefusedError:
    """`404 NOT_FOUND` with `<what> not found`, after the one literal message that is known (2.7)."""
    return RefusedError(404, "NOT_FOUND", f"{what} not found", assumption=assumption)


def bad_request(message: str) -> RefusedError:
    """`400 BAD_REQUEST`: the request is understood and the state of things forbids it."""
    return RefusedError(400, "BAD_REQUEST", message, assumption="10.3")


def invalid(details: Sequence[JsonObject]) -> RefusedError:
    """`400 VALIDATION_ERROR`: body or query do not fit; `details` name each field (a shape of our own, 10.5)."""
    return RefusedError(400, "VALIDATION_ERROR", "Invalid request data", details, "10.5")


Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came: `headers` by lower-case name, `query` with the first value of each name."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def json(self) -> object:
        """Read the body as JSON, an absent one as `{}`; 400 where it is none."""
        if not self.body:
            return {}
        try:
            parsed: object = json.loads(self.body, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            raise invalid([{"path": "", "message": "is not JSON"}]) from error
        return parsed


@dataclass(frozen=True, slots=True)
class Answer:
    """`data` of a success, its status, and the section of the reference that it had to assume, if any."""

    data: object
    status: int = 200
    assumption: str | None = None

    def document(self) -> JsonObject:
        """Build the success envelope (reference 2.4)."""
        return {"data": self.data}


DELETED = Answer({"deleted": True})


def look_up(known: Mapping[str, Found], identity: str, what: str) -> Found:
    """Find by id, or 404 `<what> not found`; a malformed id is simply not found (reference 10.1)."""
    found = known.get(identity)
    if found is None:
        raise not_found(what)
    return found


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")
