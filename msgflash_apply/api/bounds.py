"""How long and how large anything from MsgFlash may get before it counts as no answer."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bounds:
    """
    What an honest MsgFlash never reaches.

    Attributes:
        wait_seconds: for the next bytes of an answer.
        answer_seconds: for a whole answer: a server that sends a byte a minute is never silent for long.
        answer_bytes: of an answer, decompressed.
        pages: of one list.
    """

    wait_seconds: float = 60.0
    answer_seconds: float = 600.0
    answer_bytes: int = 16 * 1024 * 1024
    pages: int = 10_000


USUAL = Bounds()
