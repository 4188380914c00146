"""Several processes on one key: their paces against models of how MsgFlash may count, in simulated time."""

import heapq
from collections import deque
from dataclasses import dataclass, field
from itertools import count
from random import Random
from statistics import mean
from typing import Protocol

import pytest

from msgflash_apply.api.limiter import Pace

PER_SECOND = 10
CONFIGURED = 9.85


class Gate(Protocol):
    """Lets requests in, or not."""

    def lets_in(self, now: float) -> bool:
        """Whether a request that arrives now is let in."""


@dataclass
class SlidingSecond:
    """At most ten in any one second."""

    admitted: deque[float] = field(default_factory=deque)

    def lets_in(self, now: float) -> bool:
        """Count those of the last second."""
        while self.admitted and now - self.admitted[0] >= 1:
            self.admitted.popleft()
        if len(self.admitted) >= PER_SECOND:
            return False
        self.admitted.append(now)
        return True


@dataclass
class FixedSecond:
    """At most ten in each second of the clock."""

    second: int = -1
    admitted: int = 0

    def lets_in(self, now: float) -> bool:
        """Count those of this second."""
        if int(now) != self.second:
            self.second, self.admitted = int(now), 0
        self.admitted += 1
        return self.admitted <= PER_SECOND


@dataclass
class Bucket:
    """A bucket of ten that fills with ten a second."""

    tokens: float = PER_SECOND
    filled_at: float = 0.0

    def lets_in(self, now: float) -> bool:
        """Take one, if there is one."""
        self.tokens = min(PER_SECOND, self.tokens + (now - self.filled_at) * PER_SECOND)
        self.filled_at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


@dataclass
class Process:
    """One apply: so many creates that must get through, sixteen in flight at most."""

    pace: Pace
    left: int
    in_flight: int = 0
    ended_at: float = 0.0


@dataclass
class Model:
    """
    A key, its gate, and processes that share it; every random choice comes from one seed.

    Attributes:
        gate: lets requests in.
        dice: for jitter and for the ways.
        spread_seconds: by how much the ways there and back, of 20 ms at least, differ.
        refused: how many requests the gate did not let in.
    """

    gate: Gate
    dice: Random
    spread_seconds: float = 0.1
    refused: int = 0

    def run(self, sizes: tuple[int, ...]) -> list[float]:
        """Send everything; tell when each process had its last answer."""
        processes = [Process(Pace(CONFIGURED, self.dice.random), size) for size in sizes]
        order = count()
        agenda = [(self.dice.random(), next(order), process, "start", 0.0) for process in processes]
        heapq.heapify(agenda)
        while agenda:
            now, _, process, what, sent_at = heapq.heappop(agenda)
            for later, then, sent in self._step(process, what, now, sent_at):
                heapq.heappush(agenda, (later, next(order), process, then, sent))
        return [process.ended_at for process in processes]

    def _step(self, process: Process, what: str, now: float, sent_at: float) -> list[tuple[float, str, float]]:
        if what == "start":
            return self._start(process, now)
        if what == "arrive":
            answer = "admitted" if self.gate.lets_in(now) else "refused"
            return [(now + self._way_seconds(), answer, sent_at)]
        process.in_flight -= 1
        if what == "admitted":
            process.pace.admit(sent_at)
            process.ended_at = now
        else:
            process.pace.refuse(sent_at, now, 0.0)
            process.left += 1
            self.refused += 1
        return [(max(now, process.pace.next_at), "start", 0.0)]

    def _start(self, process: Process, now: float) -> list[tuple[float, str, float]]:
        """Start one, if it is time and there is one; its answer, and the start after it, come later."""
        if not process.left or process.in_flight == 16 or process.pace.next_at > now:
            return []
        process.pace.start(now)
        process.left -= 1
        process.in_flight += 1
        return [(now + self._way_seconds(), "arrive", now), (process.pace.next_at, "start", 0.0)]

    def _way_seconds(self) -> float:
        return 0.02 + self.dice.random() * self.spread_seconds


def a_dice(seed: int) -> Random:
    """Make a dice that falls alike every time."""
    return Random(seed)  # noqa: S311 - nothing secret


@pytest.mark.parametrize("gate", [SlidingSecond, FixedSecond, Bucket])
@pytest.mark.parametrize("sizes", [(200, 200), (100, 100, 100), (60,) * 8], ids=str)
def test_processes_share_a_key(gate: type[Gate], sizes: tuple[int, ...]) -> None:
    """Over many runs they take little more than the ideal, none starves, and most requests get through at once."""
    ratios, shares, refused = [], [], []
    for seed in range(20):
        model = Model(gate(), a_dice(seed))
        ends = model.run(sizes)
        ratios.append(max(ends) * PER_SECOND / sum(sizes))
        shares.append(max(ends) / min(ends))
        refused.append(model.refused / sum(sizes))

    assert mean(ratios) <= 1.2
    assert max(ratios) <= 1.4
    assert mean(shares) <= 1.75
    assert mean(refused) <= 0.12 * len(sizes)


@pytest.mark.parametrize("gate", [SlidingSecond, FixedSecond, Bucket])
def test_alone_nothing_is_refused(gate: type[Gate]) -> None:
    """One process on a key is never refused on an even way, and takes what its configured rate allows."""
    model = Model(gate(), a_dice(1), spread_seconds=0.01)
    (end,) = model.run((300,))

    assert model.refused == 0
    assert end <= 1.05 * 300 / PER_SECOND


def test_whoever_stays_behind_gets_all() -> None:
    """When the others are done the last one is soon at the full rate."""
    model = Model(SlidingSecond(), a_dice(1))
    ends = model.run((400, 30, 30))

    assert max(ends) <= 1.25 * 460 / PER_SECOND
