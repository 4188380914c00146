"""
The decision table of contract section 7: one row, one branch. Pure: no I/O, no clock.

The order of the rows matters where two could hold: doubt before everything, a pause before any other edit (it is the
emergency brake), and a changed payload never sends anything by itself.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from operator import attrgetter
from shlex import quote

from msgflash_apply.campaign import (
    GONE,
    PAUSABLE,
    TERMINAL,
    Address,
    Facts,
    Fingerprint,
    Intent,
    Payload,
    Record,
    Status,
    fingerprint,
    in_order,
)
from msgflash_apply.plan.diff import differences
from msgflash_apply.plan.lookup import INSTANCE, TEMPLATE, LookedUp
from msgflash_apply.plan.plan import Action, Change, Reason
from msgflash_apply.plan.renames import Claim, claim
from msgflash_apply.state.snapshot import Snapshot

NOT_STARTED = frozenset({Status.DRAFT, Status.SCHEDULED, Status.PAUSED})

NEVER_SENT = frozenset({Status.CANCELLED, Status.FAILED, GONE})
"""Of a campaign whose start is still ahead: it ended before anybody was sent anything."""

_NOTHING = Claim()

_WRITTEN_AS = {"instance": INSTANCE, "template": TEMPLATE}


@dataclass(frozen=True, slots=True)
class Reading:
    """A campaign as MsgFlash has it right now: its status, and whether anybody may have been sent anything."""

    status: str
    has_sent: bool = False


@dataclass(frozen=True, slots=True)
class Prior:
    """
    The prior state: as the last run left it, and what was read since.

    Attributes:
        snapshot: as the last run left it.
        readings: by campaign id; None for one that is gone on the server, absent for one that was not read.
    """

    snapshot: Snapshot
    readings: Mapping[str, Reading | None] = field(default_factory=dict)

    def is_gone(self, record: Record) -> bool:
        """Whether MsgFlash answered that there is no such campaign."""
        return record.id in self.readings and self.readings[record.id] is None

    def status(self, record: Record) -> str:
        """Return the status as last known."""
        reading = self.readings.get(record.id)
        return record.status if reading is None else reading.status

    def has_sent(self, record: Record) -> bool:
        """Whether a reading says that somebody may have been sent something."""
        reading = self.readings.get(record.id)
        return reading is not None and reading.has_sent


@dataclass(frozen=True, slots=True)
class Moment:
    """The time of deciding and how far ahead a start must lie."""

    now: datetime
    min_lead_time: timedelta


def decide(desired: Sequence[LookedUp], prior: Prior, moment: Moment) -> tuple[Change, ...]:
    """
    Compare what should be sent with what was sent.

    Args:
        desired: looked up as far as could be; addresses are unique.
        prior: the prior state.
        moment: now, and the lead time.

    Returns:
        One change per address that files or state know, sorted by address. A retired campaign whose file stays away
        has none: there is nothing left to do for it.
    """
    claims = claim(desired, prior.snapshot)
    changes = [_decide_desired(item, claims.get(item.desired.address, _NOTHING), prior, moment) for item in desired]
    if past := _sent_in_the_past(prior.snapshot):
        changes = [_block_if_in_the_past(change, past) for change in changes]
    homes = {held.previous_address or address for address, held in claims.items()}
    changes += _decide_vanished(prior, homes)
    return tuple(sorted(changes, key=attrgetter("address")))


def _decide_desired(item: LookedUp, held: Claim, prior: Prior, moment: Moment) -> Change:
    base, record = _base(item, held, prior), held.record
    if held.intent is not None:
        return _blocked(base, Reason.IN_DOUBT, _doubt_of(held.intent))
    if record is None:
        return _decide_new(item, base, moment)
    if prior.is_gone(record):
        return _decide_gone(item, base, record, moment)
    payload, status = _wanted(item, record), prior.status(record)
    wanted = item.fingerprint if payload is item.payload else fingerprint(payload)
    same = item.desired.lifecycle.on_change == "ignore" or wanted == record.facts.fingerprint
    changed = base if same else _decide_changed(item, replace(base, after=in_order(payload)), record, prior, moment)
    # The emergency brake works whatever else was edited. A replacement begins with it, and ends with it too.
    if item.desired.paused is True and status in PAUSABLE and changed.action is not Action.REPLACE:
        also = "" if same else "its other edits wait: a created campaign cannot be changed"
        return replace(base, action=Action.PAUSE, explanation=also)
    if not same:
        return changed
    if record.retired:
        return _decide_back_again(item, base, record, status, moment)
    if item.desired.paused is False and status == Status.PAUSED:
        past = record.facts.starts_at <= moment.now
        return replace(base, action=Action.RESUME, explanation="its start is past, so it sends at once" if past else "")
    return (
        base if status == record.status else replace(base, explanation=f"it is {status} now, and was {record.status}")
    )


def _decide_new(item: LookedUp, base: Change, moment: Moment, *, explanation: str = "") -> Change:
    wanted = replace(base, after=in_order(item.payload))
    late = _too_late(item.desired.starts_at, moment)
    if late is not None:
        return _blocked(wanted, *late)
    pause_after = item.desired.paused is True
    return replace(wanted, action=Action.CREATE, pause_after=pause_after, explanation=explanation)


def _sent_in_the_past(snapshot: Snapshot) -> Mapping[Fingerprint, Record]:
    forgotten = (record for records in snapshot.history.values() for record in records)
    return {record.facts.fingerprint: record for record in forgotten if record.status not in NEVER_SENT}


def _block_if_in_the_past(change: Change, past: Mapping[Fingerprint, Record]) -> Change:
    """Forgetting a campaign does not make it new: a file that comes back must not send it again."""
    if change.action is not Action.CREATE:
        return change
    former = past.get(fingerprint(change.after or {}))
    if former is None:
        return change
    if former.status in TERMINAL:
        told = f"it was sent before as {former.id}, which was {former.status}, and people may have had its messages"
        return _blocked(change, Reason.ALREADY_STARTED, told)
    told = (
        f"the state's history has this mailing as {former.id}, last seen {former.status}: taken off the record, "
        f"it may still be sent. To bring it back: msgflash-apply import {change.address} {quote(former.id)}"
    )
    return _blocked(change, Reason.ALREADY_STARTED, told)


def _decide_gone(item: LookedUp, base: Change, record: Record, moment: Moment) -> Change:
    if record.status in NOT_STARTED and record.facts.starts_at > moment.now:
        return _decide_new(item, base, moment, explanation=f"{record.id} is gone on MsgFlash and had not started")
    return _blocked(
        base, Reason.MISSING_ON_SERVER, f"{record.id} is gone on MsgFlash, and people may have had its messages"
    )


def _decide_changed(item: LookedUp, base: Change, record: Record, prior: Prior, moment: Moment) -> Change:
    """Decide on a campaign whose payload differs from what was sent; `base.after` is the payload wanted."""
    sent, wanted = record.facts.payload, base.after or {}
    differing = replace(base, diff=differences(sent, wanted))
    if item.desired.lifecycle.on_change == "block":
        return _blocked(differing, Reason.IMMUTABLE_CHANGE, "a created campaign cannot be changed")
    status = prior.status(record)
    started = status not in NOT_STARTED or (status != Status.PAUSED and record.facts.starts_at <= moment.now)
    if started or prior.has_sent(record):
        return _blocked(differing, Reason.ALREADY_STARTED, f"it is {status}, and people may have had its messages")
    late = _too_late(item.desired.starts_at, moment)
    if late is not None:
        return _blocked(differing, *late)
    return replace(differing, action=Action.REPLACE, pause_after=item.desired.paused is True)


def _decide_back_again(item: LookedUp, base: Change, record: Record, status: str, moment: Moment) -> Change:
    if item.desired.paused is True or status != Status.PAUSED:
        return replace(base, explanation=f"its file is back; it is {status}")
    if record.facts.starts_at <= moment.now:
        return _blocked(
            base, Reason.SCHEDULE_PASSED, "its file is back, but its start is past: resumed, it would send at once"
        )
    return replace(base, action=Action.RESUME, explanation="its file is back")


def _decide_vanished(prior: Prior, homes: set[Address]) -> Iterator[Change]:
    snapshot = prior.snapshot
    for address, intent in snapshot.in_doubt.items():
        if address not in homes:
            yield _blocked(_left_base(address, intent.facts), Reason.IN_DOUBT, _doubt_of(intent))
    for address, record in snapshot.campaigns.items():
        finished = record.retired and prior.status(record) not in PAUSABLE
        if address not in homes and address not in snapshot.in_doubt and not finished:
            yield _decide_left(address, record, prior)


def _decide_left(address: Address, record: Record, prior: Prior) -> Change:
    status = prior.status(record)
    base = replace(_left_base(address, record.facts), id=record.id, status=status)
    if prior.is_gone(record):
        return replace(
            base, action=Action.FORGET, status=GONE, explanation="its file is gone, and it is gone on MsgFlash too"
        )
    if status in TERMINAL:
        return replace(base, action=Action.FORGET, explanation=f"its file is gone, and it is {status}")
    if record.facts.on_remove == "keep":
        return replace(base, explanation="its file is gone, and `on_remove: keep` leaves it as it is")
    return replace(base, action=Action.RETIRE, explanation="its file is gone")


def _base(item: LookedUp, held: Claim, prior: Prior) -> Change:
    """Start from "nothing to do": a record that moves is a move, everything else a no-op."""
    desired, sent = item.desired, held.record or held.intent
    payload = sent.facts.payload if sent else None
    return Change(
        address=desired.address,
        action=Action.NO_OP if held.previous_address is None else Action.MOVE,
        starts_at=desired.starts_at,
        source=desired.source,
        id=held.record.id if held.record else None,
        before=payload,
        after=payload,
        timezone=desired.timezone,
        names=desired.names,
        labels=desired.labels,
        status=prior.status(held.record) if held.record else None,
        on_remove=desired.lifecycle.on_remove,
        previous_address=held.previous_address,
    )


def _left_base(address: Address, facts: Facts) -> Change:
    return Change(
        address=address,
        action=Action.NO_OP,
        starts_at=facts.starts_at,
        before=facts.payload,
        timezone=facts.timezone,
        names=facts.names,
        labels=facts.labels,
        on_remove=facts.on_remove,
    )


def _blocked(change: Change, reason: Reason, explanation: str) -> Change:
    return replace(change, action=Action.BLOCKED, reason=reason, explanation=explanation)


def _wanted(item: LookedUp, record: Record) -> Payload:
    """Return the payload the files want, with the attributes of `ignore_changes` as they were sent."""
    if not item.desired.lifecycle.ignore_changes:
        return item.payload
    ignored = {_WRITTEN_AS.get(name, name) for name in item.desired.lifecycle.ignore_changes}
    sent = {key: value for key, value in record.facts.payload.items() if key in ignored}
    return {key: value for key, value in item.payload.items() if key not in ignored} | sent


def _too_late(starts_at: datetime, moment: Moment) -> tuple[Reason, str] | None:
    if starts_at <= moment.now:
        return Reason.SCHEDULE_PASSED, "its start is past"
    if starts_at - moment.now < moment.min_lead_time:
        minutes = moment.min_lead_time.total_seconds() / 60
        return Reason.LEAD_TIME, f"its start is nearer than the {minutes:g} minutes of `min_lead_time`"
    return None


def _doubt_of(intent: Intent) -> str:
    return f"a create was sent at {intent.announced_at:%Y-%m-%d %H:%M:%S} UTC and no answer tells whether it arrived"
