"""How far a plan may go without a person: the `policy` of msgflash.yaml as values with units."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import time, timedelta
from typing import Final, Literal, Self, TypeAlias, cast

PlaceholderPolicy: TypeAlias = Literal["error", "warn", "allow"]

LIMITS: Final = ("lead-time", "quiet-hours", "max-creates", "max-retires", "request-quota")
"""What a person may lift for one run, with `--override`."""


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Hours in which nothing may start, on the clocks of `timezone`; over midnight when `starts` is after `ends`."""

    starts: time
    ends: time
    timezone: str


@dataclass(frozen=True, slots=True)
class Policy:
    """
    What a plan may do without a person.

    Attributes:
        min_lead_time: a start nearer than this is blocked.
        quiet_hours: None for no such hours.
        max_creates: in one plan; None for no limit.
        max_retires: in one plan; an int counts campaigns, a float is the fraction of the live ones, None is no limit.
        placeholders_in_direct: what a placeholder of MsgFlash in direct content draws.
    """

    min_lead_time: timedelta = timedelta(minutes=10)
    quiet_hours: QuietHours | None = None
    max_creates: int | None = 500
    max_retires: float | int | None = 0.3
    placeholders_in_direct: PlaceholderPolicy = "warn"

    def without(self, limits: Collection[str]) -> Self:
        """
        Lift some of `LIMITS`, for one run. A start that is past stays blocked whatever is lifted.

        `request-quota` is the account's and no part of a policy: it is held when an apply begins.
        """
        return replace(
            self,
            min_lead_time=timedelta(0) if "lead-time" in limits else self.min_lead_time,
            quiet_hours=None if "quiet-hours" in limits else self.quiet_hours,
            max_creates=None if "max-creates" in limits else self.max_creates,
            max_retires=None if "max-retires" in limits else self.max_retires,
        )


UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def policy_from(fields: Mapping[str, object]) -> Policy:
    """Read the fields of a checked `policy`; what is absent keeps its default."""
    default = Policy()
    return Policy(
        min_lead_time=duration(str(fields["min_lead_time"])) if "min_lead_time" in fields else default.min_lead_time,
        quiet_hours=_quiet_hours(cast("Mapping[str, str] | None", fields.get("quiet_hours"))),
        max_creates=cast("int | None", fields.get("max_creates", default.max_creates)),
        max_retires=_share(fields.get("max_retires", default.max_retires)),
        placeholders_in_direct=cast("PlaceholderPolicy", fields.get("placeholders_in_direct", "warn")),
    )


def duration(text: str) -> timedelta:
    """Read `1h30m`, as the schema allows it: whole numbers with s, m, h or d."""
    parts = re.findall(r"([0-9]+)([smhd])", text)
    return sum((timedelta(**{UNITS[unit]: int(number)}) for number, unit in parts), timedelta())


def _quiet_hours(fields: Mapping[str, str] | None) -> QuietHours | None:
    if fields is None:
        return None
    return QuietHours(time.fromisoformat(fields["from"]), time.fromisoformat(fields["to"]), fields["timezone"])


def _share(value: object) -> float | int | None:
    return int(value.removesuffix("%")) / 100 if isinstance(value, str) else cast("float | int | None", value)
