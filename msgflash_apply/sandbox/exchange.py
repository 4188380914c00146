"""One request as operations see it, and what they answer; no socket in either."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

from msgflash_apply.sandbox.access import ApiKey
from msgflash_apply.sandbox.checks import Rules
from msgflash_apply.sandbox.refusal import JsonObject, invalid, not_found
from msgflash_apply.sandbox.world import World

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
class Call:
    """A request whose key and route are known; `parameters` are the parts of the path in braces."""

    request: Request
    key: ApiKey
    rules: Rules
    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """`data` of a success, its status, and the section of the reference that it had to assume, if any."""

    data: object
    status: int = 200
    assumption: str | None = None

    def document(self) -> JsonObject:
        """Build the success envelope (reference 2.4)."""
        return {"data": self.data}


Operation: TypeAlias = Callable[[World, Call], Answer]
"""One endpoint. The world has been advanced to now; a RefusedError is an answer too."""

DELETED = Answer({"deleted": True})


def look_up(known: Mapping[str, Found], identity: str, what: str) -> Found:
    """Find by id, or 404 `<what> not found`; a malformed id is simply not found (reference 10.1)."""
    found = known.get(identity)
    if found is None:
        raise not_found(what)
    return found


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")
