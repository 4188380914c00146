"""
What goes out when, from the files and the record alone. Pure: no request, no clock.

A created campaign goes out as it was sent, whatever its file says by now, unless the file asks for its replacement.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from msgflash_apply.campaign import TERMINAL, Address, Desired, Names, Payload, Record
from msgflash_apply.files.schedule import LONGEST_ZONE
from msgflash_apply.plan.lookup import INSTANCE, fill_in, table_of_memory
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
        in_doubt: whether nobody knows if it was created.
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
        return self.starts_at.astimezone(_zone(self.timezone)).date()


def _zone(name: str | None) -> tzinfo:
    """The zone of a name; UTC for one that this machine does not know: a state may come from anywhere."""
    try:
        return UTC if name is None else ZoneInfo(name[:LONGEST_ZONE])
    except (KeyError, ValueError, OSError):  # unknown; not a name at all; a folder of the zone database
        return UTC


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
    found = list(_of_files(desired, snapshot))
    if snapshot is not None:
        found += _without_file(desired, snapshot)
    return tuple(sorted(found, key=lambda one: (one.starts_at, one.address)))


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


def _of_files(desired: Sequence[Desired], snapshot: Snapshot | None) -> Iterator[Occasion]:
    for campaign in desired:
        record = _record_of(campaign, snapshot)
        if record is None:
            doubted = snapshot is not None and campaign.address in snapshot.in_doubt
            one = _occasion(campaign.address, campaign.payload, campaign.names, campaign.starts_at, campaign.timezone)
            yield replace(one, in_doubt=doubted)
        elif campaign.lifecycle.on_change == "replace":
            one = _occasion(campaign.address, campaign.payload, campaign.names, campaign.starts_at, campaign.timezone)
            yield from _unless_over(one, record)
        else:
            yield from _unless_over(_sent(campaign.address, record), record)


def _record_of(campaign: Desired, snapshot: Snapshot | None) -> Record | None:
    if snapshot is None:
        return None
    homes = (campaign.address, *campaign.moved_from)
    return next((snapshot.campaigns[home] for home in homes if home in snapshot.campaigns), None)


def _without_file(desired: Sequence[Desired], snapshot: Snapshot) -> Iterator[Occasion]:
    """Campaigns that go out although no file has them, until the next apply retires them."""
    homes = {home for campaign in desired for home in (campaign.address, *campaign.moved_from)}
    memory = table_of_memory(record.facts for record in snapshot.campaigns.values())
    renamed = {fill_in(campaign, memory).fingerprint for campaign in desired}
    for address, record in snapshot.campaigns.items():
        if address not in homes and record.facts.fingerprint not in renamed and not record.retired:
            yield from _unless_over(_sent(address, record), record)


def _unless_over(occasion: Occasion, record: Record) -> Iterator[Occasion]:
    if record.status not in TERMINAL:
        yield replace(occasion, status=record.status)


def _sent(address: Address, record: Record) -> Occasion:
    facts = record.facts
    return _occasion(address, facts.payload, facts.names, facts.starts_at, facts.timezone)


def _occasion(address: Address, payload: Payload, names: Names, starts_at: datetime, timezone: str | None) -> Occasion:
    recipients = payload["recipients"]
    return Occasion(
        address=address,
        name=str(payload["name"]),
        starts_at=starts_at,
        timezone=timezone,
        repeat=str(payload.get("repeat", "none")),
        instance=names.get(INSTANCE, str(payload.get(INSTANCE, ""))),
        audience=str(recipients.get("type")) if isinstance(recipients, Mapping) else "",
    )
