"""Plan files that prove themselves and say what no plan ever said: a checksum is no signature."""

import json

import pytest

from msgflash_apply.errors import PlanError
from msgflash_apply.plan.planfile import decode_plan
from tests.fuzz.seeds import seeds
from tests.hostile.records import seal_plan

(PLAN,) = seeds()["plan"]
CREATED = ("saved", "plan", "changes", 1)


def altered(*path: str | int, to: object) -> bytes:
    """Change one place of a plan file, and put the right checksum to it."""
    document = json.loads(PLAN)
    holder = document
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = to
    return seal_plan(json.dumps(document).encode())


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("saved", "plan", "created_at"), "2026-11-23T12:00:00", "no time zone"),
        ((*CREATED, "starts_at"), "9999-12-31T23:59:59Z", "outside the years"),
        ((*CREATED, "after", "schedule"), "soon", "isoformat"),
        ((*CREATED, "before"), {}, "no name"),
        (("saved", "plan", "serial"), 1e300, "no plan file of this version"),
        (("saved", "plan", "serial"), float("nan"), "is no plan file"),
        ((*CREATED, "after", "variables"), json.loads("[" * 30 + "]" * 30), "is no plan file"),
    ],
)
def test_plan_that_nobody_made(path: tuple[str | int, ...], value: object, message: str) -> None:
    """Moments, payloads, numbers and depths that later steps could not bear are refused where they are read."""
    with pytest.raises(PlanError, match=message):
        decode_plan(altered(*path, to=value), where="p")


def test_untouched_plan_still_reads() -> None:
    """What is altered here is altered only where it says so."""
    assert decode_plan(altered("saved", "plan", "environment", to="default"), where="p") == decode_plan(PLAN, where="p")
