"""When and how a run is struck: drawn by a repeatable dice."""

import signal
from dataclasses import dataclass
from random import Random
from typing import Final, Literal, TypeAlias

STARTING_SECONDS: Final = 0.4
"""Of Python, the files and the plan, on an idle machine."""

Kind: TypeAlias = Literal["kills", "faults", "fences"]

FAULTS: Final = (
    *(f"POST /api/v1/campaigns {kind} probability=0.1" for kind in ("drop_after", "drop_before", "reset_after")),
    *(f"POST /api/v1/campaigns {kind} probability=0.1" for kind in ("500_after", "503", "half", "no_id", "html_after")),
    "POST /api/v1/campaigns 429 times=1 skip=7",
    "POST /api/v1/campaigns/*/pause drop_after probability=0.3",
    "POST /api/v1/campaigns/*/resume 502_after probability=0.3",
)


@dataclass(frozen=True)
class Strike:
    """
    When and how a run is struck.

    Attributes:
        aim: what the delay counts from: `start` of the process, `lock` taken by it, its first create, pause or resume
            to `send`, the first sign of a `commit` (see `watch.py`).
        delay_seconds: after that.
        signals: one after the other.
        gap_seconds: between two of them.
        faults: armed on the server for this run.
    """

    aim: str
    delay_seconds: float
    signals: tuple[int, ...]
    gap_seconds: float
    faults: tuple[str, ...]


def a_strike(dice: Random, sending_seconds: float, commit_seconds: float, kind: Kind) -> Strike:
    """Choose when to strike a run that would send and commit for about so long if nobody disturbed it."""
    signals: tuple[int, ...] = (signal.SIGSTOP,) if kind == "fences" else (signal.SIGKILL,)
    chosen: tuple[str, ...] = ()
    if kind == "faults":
        polite = dice.choice((signal.SIGINT, signal.SIGTERM))
        signals = dice.choice((signals, signals, (polite,), (polite, polite), (polite, signal.SIGKILL)))
        chosen = tuple(f"{fault} seed={dice.randrange(1000)}" for fault in dice.sample(FAULTS, k=3))
    # While Python itself starts, Ctrl-C is answered by Python, and no program can help it.
    beginning = "start" if signals[0] in {signal.SIGKILL, signal.SIGSTOP} else "lock"
    aim = dice.choice((beginning, beginning, "send", "send", "commit"))
    longest = {
        "start": (STARTING_SECONDS + sending_seconds) * 1.1,
        "lock": sending_seconds,
        "send": sending_seconds,
        "commit": commit_seconds,
    }[aim]
    delay_seconds, gap_seconds = dice.uniform(0, longest), dice.uniform(0, 0.2)
    return Strike(aim, delay_seconds, signals, gap_seconds, chosen)
