"""
Drift: what changed on MsgFlash since the last run, by comparing the record with what a live refresh read. Pure.

That a campaign starts, or comes to its end, is no drift: it was sent to do so (reference 5.9). Everything else is:
paused, resumed or cancelled in the console, failed, out of quota, gone. And so is what was approved beside the
campaign itself: other words in its template, another number behind its instance, many more people.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from msgflash_apply.campaign import (
    GONE,
    INSTANCE,
    TEMPLATE,
    TERMINAL,
    Address,
    Record,
    Status,
    id_in,
    plain_id,
    plain_id_in,
)
from msgflash_apply.plan.audience import has_grown
from msgflash_apply.plan.diff import content_differences
from msgflash_apply.plan.plan import AttributeDiff, Sender
from msgflash_apply.plan.refresh import PriorState, RemoteStatus

_EXPECTED_NEXT: Mapping[str, frozenset[str]] = {
    Status.SCHEDULED: frozenset({Status.RUNNING, Status.COMPLETED}),
    Status.RUNNING: frozenset({Status.COMPLETED}),
    Status.PAUSED_QUOTA: frozenset({Status.SCHEDULED, Status.RUNNING, Status.COMPLETED}),
    Status.PAUSED_PLAN: frozenset({Status.SCHEDULED, Status.RUNNING, Status.COMPLETED}),
}


@dataclass(frozen=True, slots=True)
class Drift:
    """
    One thing about a campaign that is not as it was approved and recorded.

    Attributes:
        address: the campaign.
        id: on MsgFlash.
        recorded: its status as the last run left it; or the number, the words, the people that were approved.
        found: the same now; None where it is gone.
        what: `status`, `content` (of its template), `number` (of its instance), `people`, or `answer` (to its create).
        diff: how the words differ.
    """

    address: Address
    id: str
    recorded: str
    found: str | None
    what: str = "status"
    diff: tuple[AttributeDiff, ...] = ()


def drift_of(
    prior: PriorState, instances: Mapping[str, Sender], audiences: Mapping[Address, int | None]
) -> tuple[Drift, ...]:
    """
    Compare the record with what was read, sorted by address.

    Args:
        prior: the state as the last run left it, and what was read of campaigns and templates; what was not read has
            not drifted.
        instances: of the account, by id.
        audiences: how many people live campaigns reach now, as far as they were counted.
    """
    found: list[Drift] = []
    for address, record in sorted(prior.snapshot.campaigns.items()):
        if record.id in prior.readings:
            found += _status(address, record, prior.readings[record.id])
        if not record.retired and prior.status(record) not in {*TERMINAL, GONE}:
            found += _content(address, record, prior)
            found += _number(address, record, instances)
            found += _people(address, record, audiences.get(address))
            found += (Drift(address, record.id, "sent", differs, "answer") for differs in record.differs)
    return tuple(found)


def _status(address: Address, record: Record, reading: RemoteStatus | None) -> Iterator[Drift]:
    if reading is None:
        yield Drift(address, record.id, record.status, None)
    elif reading.status != record.status and reading.status not in _EXPECTED_NEXT.get(record.status, frozenset()):
        yield Drift(address, record.id, record.status, reading.status)


def _content(address: Address, record: Record, prior: PriorState) -> Iterator[Drift]:
    identifier, approved = id_in(record.facts.payload, TEMPLATE), prior.approved_content(record.facts)
    if identifier is None or approved is None or plain_id(identifier) not in prior.templates:
        return
    name, template = record.facts.names.get(TEMPLATE, identifier), prior.template(record.facts.payload)
    if template is None:
        yield Drift(address, record.id, f"template {name}", None, "content")
    elif prior.is_edited(record.facts):
        diff = content_differences(approved, template.content)
        yield Drift(address, record.id, f"template {name}", "edited", "content", diff)


def _number(address: Address, record: Record, instances: Mapping[str, Sender]) -> Iterator[Drift]:
    approved = record.facts.seen.number if record.facts.seen is not None else None
    instance = instances.get(plain_id_in(record.facts.payload, INSTANCE))
    if approved is not None and instances and (instance is None or instance.number != approved):
        yield Drift(address, record.id, approved, None if instance is None else instance.number, "number")


def _people(address: Address, record: Record, count: int | None) -> Iterator[Drift]:
    """More than were approved; until the start, the audience is those who are in it then (reference 10.3)."""
    seen = record.facts.seen
    if seen is None or count is None:
        return
    is_above = seen.max_people is not None and count > seen.max_people
    if is_above or has_grown(seen.people, count):
        approved = f"at most {seen.max_people}" if seen.people is None else str(seen.people)
        yield Drift(address, record.id, approved, str(count), "people")
