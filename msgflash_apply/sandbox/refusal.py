"""How MsgFlash says no: one exception that carries the answer, and the few ways to make it (reference 2.4 and 2.7)."""

from collections.abc import Sequence
from typing import TypeAlias

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
