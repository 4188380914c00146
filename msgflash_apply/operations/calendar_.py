"""
The calendar: what goes out when, from the files and the record alone. Pure: no request, no clock.

A created campaign goes out as it was sent, whatever its file says by now, unless the file asks for its replacement.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from msgflash_apply.campaign import INSTANCE, TERMINAL, Address, Desired, Facts
from msgflash_apply.files.schedule import LONGEST_ZONE
from msgflash_apply.plan.lookup import fill_in, table_of_memory
from msgflash_apply.state.snapshot import Snapshot

_STEPS = {"daily": timedelta(days=1), "weekly": timedelta(weeks=1)}


@dataclass(frozen=True, slots=True)
class Occasion:
    """
    One sending.

    Attributes:
        address: the campaign.
        name: its label.
        starts_at: aware, UTC; of a repeating one this or the first run.
        timezone: in which people read the start; None for UTC.
        repeat: `none`, `daily` or `weekly`.
        instance: what the file calls it, else its id; empty for the account's only connected one.
        audience: the type of its recipients.
        status: as on record; None where it is not created yet.
        in_doubt: whether it is unknown if it was created.
    """

    address: Address
    name: str
    starts_at: datetime
    timezone: str | None
    repeat: str
    instance: str
    audience: str
    status: str | None = None
    in_doubt: bool = False

    @property
    def day(self) -> date:
        """The day on which it goes out, where people read its start."""
        try:
            zone = ZoneInfo(self.timezone[:LONGEST_ZONE]) if self.timezone is not None else UTC
        except (KeyError, ValueError, OSError):  # unknown; not a name at all; a folder of the zone database
            zone = UTC  # a state may come from a machine that knows other zones
        return self.starts_at.astimezone(zone).date()


@dataclass(frozen=True, slots=True)
class Period:
    """Days to keep to, both included; None leaves a side open."""

    first: date | None = None
    last: date | None = None

    def holds(self, day: date) -> bool:
        """Whether a day lies in it."""
        return (self.first is None or day >= self.first) and (self.last is None or day <= self.last)


def agenda(desired: Sequence[Desired], snapshot: Snapshot | None) -> tuple[Occasion, ...]:
    """
    List the campaigns that are not over, each once, by start time; retired ones never go out.

    Args:
        desired: every campaign of the files.
        snapshot: the record; None to go by the files alone.
    """
    created, in_doubt = (snapshot.campaigns, snapshot.in_doubt) if snapshot is not None else ({}, {})
    memory = table_of_memory(record.facts for record in created.values())
    homes: set[Address] = set()
    found, fingerprints = [], set()
    for campaign in desired:
        own = (campaign.address, *campaign.moved_from)
        record = next((created[home] for home in own if home in created), None)
        if record is None:
            found.append(_occasion(campaign.address, campaign, None, in_doubt=campaign.address in in_doubt))
        else:
            source = campaign if campaign.lifecycle.on_change == "replace" else record.facts
            found.append(_occasion(campaign.address, source, record.status))
        homes.update(own)
        fingerprints.add(fill_in(campaign, memory).fingerprint)
    # What no file has any more goes out until the next apply retires it; what was renamed has a file.
    found += [
        _occasion(address, record.facts, record.status)
        for address, record in created.items()
        if address not in homes and record.facts.fingerprint not in fingerprints and not record.retired
    ]
    return tuple(
        sorted((one for one in found if one.status not in TERMINAL), key=lambda one: (one.starts_at, one.address))
    )


def starts_within(occasions: Sequence[Occasion], period: Period) -> tuple[Occasion, ...]:
    """
    List each start in a period: a repeating campaign's every run where the period has an end, else its next one.

    MsgFlash repeats by instants, so the local hour of a run moves when clocks change (reference 10.2).
    """
    starts = (one for occasion in occasions for one in _starts(occasion, period))
    return tuple(sorted(starts, key=lambda one: (one.starts_at, one.address)))


def _starts(occasion: Occasion, period: Period) -> Iterator[Occasion]:
    step = _STEPS.get(occasion.repeat)
    one = occasion
    if step is not None and period.first is not None and one.day < period.first:
        missed = (period.first - one.day) // step
        one = replace(one, starts_at=one.starts_at + max(missed - 1, 0) * step)
    while step is not None and period.first is not None and one.day < period.first:
        one = replace(one, starts_at=one.starts_at + step)
    while period.holds(one.day):
        yield one
        if step is None or period.last is None:
            return
        one = replace(one, starts_at=one.starts_at + step)


def _occasion(address: Address, source: Desired | Facts, status: str | None, *, in_doubt: bool = False) -> Occasion:
    payload, recipients = source.payload, source.payload["recipients"]
    return Occasion(
        address=address,
        name=str(payload["name"]),
        starts_at=source.starts_at,
        timezone=source.timezone,
        repeat=str(payload.get("repeat", "none")),
        instance=source.names.get(INSTANCE, str(payload.get(INSTANCE, ""))),
        audience=str(recipients.get("type")) if isinstance(recipients, Mapping) else "",
        status=status,
        in_doubt=in_doubt,
    )
