"""One HTTP request and its response, without a socket: success and error envelopes (reference 2.4 and 2.7)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

from msgflash_apply.sandbox.assumptions import HEADER

JsonObject: TypeAlias = dict[str, object]
"""A JSON object as it is read or written."""

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
        """Parse the body as JSON, an empty one as `{}`; 400 if it is not JSON."""

        def refuse_constant(name: str) -> object:
            raise ValueError(f"{name} is not JSON")

        if not self.body:
            return {}
        try:
            parsed: object = json.loads(self.body, parse_constant=refuse_constant)
        except (ValueError, RecursionError) as error:
            raise invalid_field("", "is not JSON") from error
        return parsed


@dataclass(frozen=True, slots=True)
class Response:
    """A whole response as it goes on the wire, unless a fault prevents it."""

    status: int
    document: JsonObject
    headers: Mapping[str, str] = field(default_factory=dict)


def success(data: object, status: int = 200, assumption: str | None = None) -> Response:
    """Build a success envelope; `assumption` is the section of the reference that it rests on, or None."""
    return Response(status, {"data": data}, {HEADER: assumption} if assumption else {})


class RefusedError(Exception):
    """
    A refused request; `response` is its error envelope.

    Args:
        status: the HTTP status.
        code: `error.code`, on which clients branch.
        message: `error.message`, for people.
        details: items of `error.details`, left out if empty; their shape is assumed (reference 10.5).
        assumption: the section of the reference that the refusal rests on, or None.
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
        self.code = code
        self.details = tuple(details)
        error = {"code": code, "message": message} | ({"details": list(details)} if details else {})
        self.response = Response(status, {"error": error}, {HEADER: assumption} if assumption else {})


def not_found(what: str, assumption: str | None = None) -> RefusedError:
    """`404 NOT_FOUND` with `<what> not found`, like the one message that is documented (2.7)."""
    return RefusedError(404, "NOT_FOUND", f"{what} not found", assumption=assumption)


def bad_request(message: str) -> RefusedError:
    """`400 BAD_REQUEST`: the status of the campaign forbids the request."""
    return RefusedError(400, "BAD_REQUEST", message, assumption="10.3")


def invalid(details: Sequence[JsonObject]) -> RefusedError:
    """`400 VALIDATION_ERROR`: body or query do not fit; `details` name each field (their shape is assumed, 10.5)."""
    return RefusedError(400, "VALIDATION_ERROR", "Invalid request data", details, "10.5")


def invalid_field(path: str, message: str) -> RefusedError:
    """`400 VALIDATION_ERROR` about one field of a body or parameter of a query; `path` is empty for the whole body."""
    return invalid([{"path": path, "message": message}])


def look_up(known: Mapping[str, Found], identity: str, what: str) -> Found:
    """Return by id, or raise 404 `<what> not found`; a malformed id is not found either (reference 10.1)."""
    found = known.get(identity)
    if found is None:
        raise not_found(what)
    return found
