"""Where the plan of an apply comes from: made anew from the files, or read from a file that was reviewed."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from msgflash_apply.cli import wiring
from msgflash_apply.engine.make_plan import Planner
from msgflash_apply.engine.plan import Plan
from msgflash_apply.engine.planfile import LARGEST_BYTES, SavedPlan, decode_plan, refuse_stale
from msgflash_apply.errors import PlanError
from msgflash_apply.state.backends.base import Backend
from msgflash_apply.state.reading import read_state
from msgflash_apply.state.snapshot import Snapshot


class PlanSource(Protocol):
    """Gives the plan twice: to show it, and again under the lock, where only the second counts."""

    async def to_show(self) -> Plan:
        """Give the plan that a person is asked about."""

    async def under_lock(self, snapshot: Snapshot) -> Plan:
        """Give the plan to carry out, given the state that is locked now."""


@dataclass(frozen=True, slots=True)
class FromFiles:
    """Plans from the campaign files, each time anew."""

    planner: Planner
    backend: Backend

    async def to_show(self) -> Plan:
        """Plan from the state as anybody reads it."""
        return await self.planner.plan(read_state(self.backend, environment=self.planner.environment))

    async def under_lock(self, snapshot: Snapshot) -> Plan:
        """Plan from the locked state."""
        return await self.planner.plan(snapshot)


@dataclass(frozen=True, slots=True)
class FromPlanFile:
    """Gives a saved plan, as it is or not at all."""

    saved: SavedPlan
    environment: str

    async def to_show(self) -> Plan:
        """Give the plan as it was saved."""
        return self.saved.plan

    async def under_lock(self, snapshot: Snapshot) -> Plan:
        """Give the plan as it was saved; PlanError where the world has moved on."""
        refuse_stale(self.saved, snapshot, environment=self.environment, now=wiring.now())
        return self.saved.plan


def read_plan_file(path: Path) -> SavedPlan:
    """Read a plan file; PlanError where there is none."""
    try:
        with path.open("rb") as stream:
            data = stream.read(LARGEST_BYTES + 1)
    except OSError as err:
        raise PlanError(f"{path} can not be read.", f"{err.strerror}.") from err
    return decode_plan(data, where=str(path))
