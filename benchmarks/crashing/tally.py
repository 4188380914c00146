"""What was counted, and how it is shown."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

PHASES: Final = ("before the lock", "planning", "sending", "committing", "after the end")


@dataclass
class Tally:
    """What was counted, in one sequence or in all; `in_flight` is how many creates may be in doubt after one strike."""

    runs: int = 0
    phases: Counter[str] = field(default_factory=Counter)
    created: int = 0
    doubts: int = 0
    doubts_created: int = 0
    most_doubts: int = 0
    in_flight: int = 0
    duplicates: int = 0
    lost: int = 0
    violations: list[str] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        """Add a sequence."""
        self.phases.update(other.phases)
        self.violations += other.violations
        for name in ("runs", "created", "doubts", "doubts_created", "duplicates", "lost"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.most_doubts = max(self.most_doubts, other.most_doubts)
        self.in_flight = other.in_flight


def table(tally: Tally, seconds: float) -> Iterator[str]:
    """Write what was counted, a line each."""
    yield f"runs struck                     {tally.runs}"
    for phase in PHASES:
        yield f"  {phase:<28}  {tally.phases[phase]}"
    yield f"campaigns created               {tally.created}"
    yield f"came into doubt                 {tally.doubts}"
    yield f"  of these on the server        {tally.doubts_created}"
    yield f"  most by one strike            {tally.most_doubts}, of at most {tally.in_flight} in flight"
    yield f"duplicates                      {tally.duplicates}"
    yield f"lost                            {tally.lost}"
    yield f"violations                      {len(tally.violations)}"
    yield f"wall time                       {seconds:.0f} s"
