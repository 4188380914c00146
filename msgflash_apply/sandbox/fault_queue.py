"""Which fault takes which request: the armed rules of `faults.py`, in order, each used up after so many."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random

from msgflash_apply.sandbox.faults import Fault


@dataclass(slots=True)
class _Armed:
    fault: Fault
    left: int | None
    to_skip: int
    dice: Random = field(repr=False)

    def applies(self, method: str, path: str) -> bool:
        if self.left == 0 or not self.fault.matches(method, path):
            return False
        if self.to_skip:
            self.to_skip -= 1
            return False
        if self.dice.random() >= self.fault.probability:
            return False
        self.left = None if self.left is None else self.left - 1
        return True


class FaultQueue:
    """The armed faults, in the order they were added."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._armed: list[_Armed] = []
        for fault in faults:
            self.add(fault)

    def add(self, fault: Fault) -> None:
        """Arm one more, behind the others."""
        dice = Random(fault.seed)  # noqa: S311 - a repeatable dice, nothing secret
        self._armed.append(_Armed(fault, fault.times, fault.skip, dice))

    def clear(self) -> None:
        """Disarm all."""
        self._armed.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """Find the fault for a request and use it up by one; None where nothing is to go wrong."""
        taken = next((armed.fault for armed in self._armed if armed.applies(method, path)), None)
        self._armed = [armed for armed in self._armed if armed.left != 0]
        return taken

    def left(self) -> list[Fault]:
        """List the faults that may still happen."""
        return [armed.fault for armed in self._armed]
