"""What was counted, and how it is shown."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

PHASES: Final = ("before the lock", "planning", "sending", "committing", "after the end")
WRITES: Final = ("create", "pause", "resume")
EFFECTS: Final = ("pause", "resume", "retire", "replace")


@dataclass
class Tally:
    """
    What was counted, in one sequence or in all.

    Attributes:
        writes: that the struck runs sent, by kind.
        unsettled: how many campaigns had an unknown status after a strike, by what was announced for them.
        amid_steps: stops that would have made every other run wait, and were made again a moment later.
        in_flight: how many creates may be in doubt after one strike.
        wrong: campaigns that send at the end and should be paused, or the other way round.
        templates: that the account has at the end.
        other_words: campaigns that send at the end what their template's file does not say.
    """

    runs: int = 0
    phases: Counter[str] = field(default_factory=Counter)
    writes: Counter[str] = field(default_factory=Counter)
    unsettled: Counter[str] = field(default_factory=Counter)
    amid_steps: int = 0
    created: int = 0
    doubts: int = 0
    doubts_created: int = 0
    most_doubts: int = 0
    in_flight: int = 0
    duplicates: int = 0
    lost: int = 0
    wrong: int = 0
    templates: int = 0
    other_words: int = 0
    violations: list[str] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        """Add a sequence."""
        for name in ("phases", "writes", "unsettled"):
            getattr(self, name).update(getattr(other, name))
        self.violations += other.violations
        for name in (
            "runs", "amid_steps", "created", "doubts", "doubts_created", "duplicates", "lost", "wrong", "templates",
            "other_words",
        ):  # fmt: skip
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.most_doubts = max(self.most_doubts, other.most_doubts)
        self.in_flight = other.in_flight


def table(tally: Tally, seconds: float) -> Iterator[str]:
    """Write what was counted, a line each."""
    yield f"runs struck                     {tally.runs}"
    for phase in PHASES:
        yield f"  {phase:<28}  {tally.phases[phase]}"
    if tally.amid_steps:
        yield f"stopped again, amid a step      {tally.amid_steps}"
    yield "sent by struck runs"
    for kind in WRITES:
        yield f"  {kind:<28}  {tally.writes[kind]}"
    yield "left with an unknown status"
    for effect in EFFECTS:
        yield f"  {effect:<28}  {tally.unsettled[effect]}"
    yield f"campaigns created               {tally.created}"
    yield f"came into doubt                 {tally.doubts}"
    yield f"  of these on the server        {tally.doubts_created}"
    yield f"  most by one strike            {tally.most_doubts}, of at most {tally.in_flight} in flight"
    yield f"duplicates                      {tally.duplicates}"
    yield f"lost                            {tally.lost}"
    yield f"wrong status                    {tally.wrong}"
    yield f"other words                     {tally.other_words}"
    yield f"templates at the end            {tally.templates}"
    yield f"violations                      {len(tally.violations)}"
    yield f"wall time                       {seconds:.0f} s"
