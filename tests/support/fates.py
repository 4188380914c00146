"""What may go wrong with an exchange between a client and a server, and with which one; `proxy.py` lets it happen."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import TypeAlias


class Cut(Enum):
    """Where in an exchange the connection is cut: before the server has the whole request with a reset, else closed."""

    BEFORE = auto()
    """The server gets nothing of it."""

    IN_REQUEST = auto()
    """The server gets it without its last byte."""

    IN_ANSWER = auto()
    """The server gets all of it; the client gets the first part of the answer without its last byte."""

    AFTER = auto()
    """The server gets all of it and answers; the client hears nothing."""


@dataclass(frozen=True)
class Say:
    """
    Answer in the place of an HTTP server, and close.

    Attributes:
        status: of the answer, which has a page of HTML for a body, as those of load balancers do.
        is_delivered: whether the server got the request, and its own answer is swallowed.
    """

    status: int
    is_delivered: bool = False


@dataclass(frozen=True)
class Late:
    """Hold the answer back for some seconds."""

    seconds: float


@dataclass(frozen=True)
class Silence:
    """Swallow what is sent, either way, and leave the connection open."""


Fate: TypeAlias = Cut | Say | Late | Silence | None
"""What happens to an exchange; None for nothing."""

Fates: TypeAlias = Callable[[int], Fate]
"""The fate of each exchange, by its number from 1."""


def always(fate: Fate) -> Fates:
    """Give every exchange the same fate."""
    return lambda _number: fate


def only(at: int, fate: Fate) -> Fates:
    """Give one exchange a fate."""
    return lambda number: fate if number == at else None


def since(at: int, fate: Fate) -> Fates:
    """Give an exchange and all after it the same fate."""
    return lambda number: fate if number >= at else None


def until(at: int, fate: Fate) -> Fates:
    """Give so many exchanges the same fate, and leave all after them alone."""
    return lambda number: fate if number <= at else None
