"""
The decision table of contract section 7: one row, one branch. Pure: no I/O, no clock.

The order of the rows matters where two could hold: doubt before everything, a pause before any other edit (it is the
emergency brake), and a changed payload never sends anything by itself.
"""

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import datetime, timedelta
from operator import attrgetter
from shlex import quote

from msgflash_apply.campaign import (
    GONE,
    PAUSABLE,
    TEMPLATE,
    TERMINAL,
    UNKNOWN,
    Address,
    Facts,
    Intent,
    Lifecycle,
    Payload,
    Record,
    Status,
    fingerprint,
    with_plain_ids,
)
from msgflash_apply.models.campaign_file import in_order
from msgflash_apply.models.project import Policy
from msgflash_apply.plan.diff import content_differences, differences
from msgflash_apply.plan.lookup import LookedUp
from msgflash_apply.plan.plan import Action, AttributeDiff, Change, Reason
from msgflash_apply.plan.refresh import PriorState
from msgflash_apply.plan.renames import Match, by_words, fingerprints_of, match_records

NOT_STARTED = frozenset({Status.DRAFT, Status.SCHEDULED, Status.PAUSED})

BRAKED = PAUSABLE | {UNKNOWN}
"""What `paused: true` pauses: whatever may be sending."""

NEVER_SENT = frozenset({Status.CANCELLED, Status.FAILED, GONE})
"""Of a campaign whose start is still ahead: it ended before anything was sent to anyone."""


def decide(desired: Sequence[LookedUp], prior: PriorState, *, now: datetime, policy: Policy) -> tuple[Change, ...]:
    """
    Compare what should be sent with what was sent.

    Args:
        desired: looked up as far as could be; addresses are unique.
        prior: the prior state.
        now: the time of deciding.
        policy: how far ahead a start must lie, how many people may be reached, what follows an edited template.

    Returns:
        One change per address that files or state know, sorted by address. A retired campaign whose file stays away
        has none: there is nothing left to do for it.
    """
    matches = match_records(desired, prior)
    changes = [
        _decide_desired(
            item,
            matches.get(item.desired.address, Match()),
            prior,
            now,
            policy,
            late=_too_late(item.desired.starts_at, now, policy.min_lead_time),
        )
        for item in desired
    ]
    homes = {match.previous_address or address for address, match in matches.items()}
    changes = [*_block_sent_before(changes, prior), *_decide_without_file(prior, homes, policy)]
    return tuple(sorted(changes, key=attrgetter("address")))


def _decide_desired(
    item: LookedUp, match: Match, prior: PriorState, now: datetime, policy: Policy, *, late: tuple[Reason, str] | None
) -> Change:
    unchanged, record = _unchanged(item, match, prior, policy), match.record
    if match.intent is not None:
        return _in_doubt(unchanged, match.intent)
    if record is None:
        return _decide_new(item, unchanged, late)
    if prior.is_gone(record):
        if record.status in NOT_STARTED and record.facts.starts_at > now:
            return _decide_new(item, unchanged, late, f"{record.id} is gone on MsgFlash and had not started")
        explanation = f"{record.id} is gone on MsgFlash, and people may have had its messages"
        return unchanged.blocked(Reason.MISSING_ON_SERVER, explanation)
    payload, status = _without_ignored_changes(item, record), prior.status(record)
    wanted = item.fingerprint if payload is item.payload else fingerprint(payload)
    same = item.desired.lifecycle.on_change == "ignore" or wanted == record.facts.fingerprint
    change = unchanged
    if not same:
        change = _decide_changed(item, replace(change, after=in_order(payload)), record, prior, now, late=late)
    # The emergency brake works whatever else was edited. A replacement begins with it, and ends with it too.
    if item.desired.paused is True and status in BRAKED and change.action is not Action.REPLACE:
        also = "" if same else "its other edits wait: a created campaign cannot be changed"
        return replace(unchanged, action=Action.PAUSE, explanation=also)
    edited = _with_content(unchanged, record, prior)
    if not same:
        holds_back = edited.diff and _holds_back(record, prior, policy) and change.action is not Action.REPLACE
        return _decide_edited_template(edited, record, prior, policy) if holds_back and status in PAUSABLE else change
    unchanged = edited
    if record.retired or record.effect in {"retire", "replace"}:
        return _decide_file_is_back(item, unchanged, record, status, now)
    return _decide_unedited(item, unchanged, record, prior, now, policy)


def _with_content(change: Change, record: Record, prior: PriorState) -> Change:
    """Show how the words differ from those that were approved."""
    approved = prior.approved_content(record.facts) if prior.is_edited(record.facts) else None
    template = prior.template(record.facts.payload)
    if approved is None or template is None:
        return change
    return replace(change, diff=content_differences(approved, template.content))


def _decide_unedited(
    item: LookedUp, unchanged: Change, record: Record, prior: PriorState, now: datetime, policy: Policy
) -> Change:
    """Decide about a campaign whose file says what was sent: it stays as it is, is resumed, or has new words."""
    status = prior.status(record)
    if item.desired.paused is False and status == Status.PAUSED:
        past = record.facts.starts_at <= now
        also = "its start time has passed, so it sends at once" if past else ""
        return replace(unchanged, action=Action.RESUME, explanation=also)
    if unchanged.diff and status not in TERMINAL:
        return _decide_edited_template(unchanged, record, prior, policy)
    if unchanged.diff:
        unchanged = replace(unchanged, diff=())
    if status != record.status:
        return replace(unchanged, explanation=f"it is {status} now, and was {record.status}")
    return unchanged


def _holds_back(record: Record, prior: PriorState, policy: Policy) -> bool:
    """Whether a campaign is paused for the new words of its template: not where they come from the files."""
    return policy.template_edits == "pause" and not prior.is_changed_here(record.facts)


def _decide_edited_template(unchanged: Change, record: Record, prior: PriorState, policy: Policy) -> Change:
    """Decide about a campaign whose template says something new: approve its new words, or keep them back."""
    status, edited = prior.status(record), "its template was edited on MsgFlash after it was approved"
    if prior.is_changed_here(record.facts):
        edited = "its template is changed in place by this plan"
    if not _holds_back(record, prior, policy):
        also = ", and people may have received the new words" if status == Status.RUNNING else ""
        return replace(unchanged, action=Action.ACCEPT, explanation=edited + also)
    if status in PAUSABLE:
        return replace(unchanged, action=Action.PAUSE, explanation=edited)
    return replace(unchanged, diff=(), explanation=f"{edited}; it is {status}")


def _decide_new(item: LookedUp, unchanged: Change, late: tuple[Reason, str] | None, explanation: str = "") -> Change:
    wanted = replace(unchanged, after=in_order(item.payload))
    if late is not None:
        return wanted.blocked(*late)
    pause_after = item.desired.paused is True
    return replace(wanted, action=Action.CREATE, pause_after=pause_after, explanation=explanation)


def _block_sent_before(changes: Iterable[Change], prior: PriorState) -> Iterator[Change]:
    """
    Forgetting a campaign does not make it new: a file that comes back must not send it again.

    Nor does another template with the same words: a version that was cleaned up comes back with another id.
    """
    forgotten = [one for records in prior.snapshot.history.values() for one in records if one.status not in NEVER_SENT]
    sent = {print_: record for record in forgotten for print_ in fingerprints_of(record.facts)}
    for change in changes:
        former = None
        if sent and change.action is Action.CREATE:
            payload = change.after or {}
            template = prior.template(payload, change.template_address)
            same_words = None if template is None else sent.get(by_words(payload, template.content.digest))
            former = sent.get(fingerprint(payload)) or same_words
        if former is None:
            yield change
        elif former.status in TERMINAL:
            explanation = f"it was sent before as {former.id}, which was {former.status}"
            yield change.blocked(Reason.ALREADY_STARTED, f"{explanation}, and people may have had its messages")
        else:
            explanation = (
                f"the state's history has this mailing as {former.id}, last seen {former.status}: taken off the "
                f"record, it may still be sent. To bring it back: msgflash-apply import {change.address} "
                f"{quote(former.id)}"
            )
            yield change.blocked(Reason.ALREADY_STARTED, explanation)


def _decide_changed(
    item: LookedUp, change: Change, record: Record, prior: PriorState, now: datetime, *, late: tuple[Reason, str] | None
) -> Change:
    """Decide on a campaign whose payload differs from what was sent; `change.after` is the payload wanted."""
    differing = replace(change, diff=_differences(change, record, prior))
    if item.desired.lifecycle.on_change == "block":
        return differing.blocked(Reason.IMMUTABLE_CHANGE, "a created campaign cannot be changed")
    status = prior.status(record)
    started = status not in NOT_STARTED or (status != Status.PAUSED and record.facts.starts_at <= now)
    if started or prior.has_sent(record):
        return differing.blocked(Reason.ALREADY_STARTED, f"it is {status}, and people may have had its messages")
    if late is not None:
        return differing.blocked(*late)
    return replace(differing, action=Action.REPLACE, pause_after=item.desired.paused is True)


def _differences(change: Change, record: Record, prior: PriorState) -> tuple[AttributeDiff, ...]:
    """Say in what a campaign differs from what was sent; of a template of the repo its words, not its id."""
    found = differences(record.facts.payload, change.after or {})
    approved, made = prior.approved_content(record.facts), prior.template(change.after or {}, change.template_address)
    if change.template_address is None or approved is None or made is None or approved == made.content:
        return found
    return (*(one for one in found if one.path != TEMPLATE), *content_differences(approved, made.content))


def _decide_file_is_back(item: LookedUp, unchanged: Change, record: Record, status: str, now: datetime) -> Change:
    """Decide on a campaign that was retired when its file was deleted, or was paused for that alone."""
    why = "its file is back" if record.retired else f"it was paused to be {record.effect}d, and that was not done"
    if item.desired.paused is True or status != Status.PAUSED:
        return replace(unchanged, diff=(), explanation=f"{why}; it is {status}")
    if record.facts.starts_at <= now:
        explanation = f"{why}, but its start time has passed: resumed, it would send at once"
        return unchanged.blocked(Reason.SCHEDULE_PASSED, explanation)
    return replace(unchanged, action=Action.RESUME, explanation=why)


def _decide_without_file(prior: PriorState, homes: AbstractSet[Address], policy: Policy) -> Iterator[Change]:
    """Decide on what the state knows and no file has any more: all but `homes`, the addresses that were matched."""
    snapshot = prior.snapshot
    for address, intent in snapshot.in_doubt.items():
        if address not in homes:
            yield _in_doubt(_left(address, intent.facts), intent)
    for address, record in snapshot.campaigns.items():
        status = prior.status(record)
        retired_for_good = record.retired and status not in PAUSABLE
        if address in homes or address in snapshot.in_doubt or retired_for_good:
            continue
        left = replace(_left(address, record.facts), id=record.id, status=status)
        if prior.is_gone(record):
            explanation = "its file is gone, and it is gone on MsgFlash too"
            yield replace(left, action=Action.FORGET, status=GONE, explanation=explanation)
        elif status in TERMINAL:
            yield replace(left, action=Action.FORGET, explanation=f"its file is gone, and it is {status}")
        elif record.facts.on_remove == "keep":
            left = _with_content(left, record, prior)
            kept = replace(left, diff=(), explanation="its file is gone, and `on_remove: keep` leaves it as it is")
            yield _decide_edited_template(left, record, prior, policy) if left.diff else kept
        else:
            yield replace(left, action=Action.RETIRE, explanation="its file is gone")


def _unchanged(item: LookedUp, match: Match, prior: PriorState, policy: Policy) -> Change:
    """Start from "nothing to do": a record that moves is a move, everything else a no-op."""
    desired, sent = item.desired, match.record or match.intent
    payload = sent.facts.payload if sent else None
    return Change(
        address=desired.address,
        action=Action.NO_OP if match.previous_address is None else Action.MOVE,
        starts_at=desired.starts_at,
        source=desired.source,
        id=match.record.id if match.record else None,
        before=payload,
        after=payload,
        timezone=desired.timezone,
        names=desired.names,
        labels=desired.labels,
        status=prior.status(match.record) if match.record else None,
        lifecycle=desired.lifecycle,
        max_people=policy.max_people(desired.max_people),
        template_address=desired.template,
        previous_address=match.previous_address,
    )


def _left(address: Address, facts: Facts) -> Change:
    """Start from "nothing to do" for what no file has any more."""
    return Change(
        address=address,
        action=Action.NO_OP,
        starts_at=facts.starts_at,
        before=facts.payload,
        timezone=facts.timezone,
        names=facts.names,
        labels=facts.labels,
        lifecycle=Lifecycle(on_remove=facts.on_remove),
        max_people=facts.seen.max_people if facts.seen is not None else None,
    )


def _without_ignored_changes(item: LookedUp, record: Record) -> Payload:
    """Return the payload the files want, with the attributes of `ignore_changes` as they were sent."""
    if not item.desired.lifecycle.ignore_changes:
        return item.payload
    ignored = set(item.desired.lifecycle.ignore_changes)
    sent = {key: value for key, value in record.facts.payload.items() if key in ignored}
    return with_plain_ids({key: value for key, value in item.payload.items() if key not in ignored} | sent)


def _too_late(starts_at: datetime, now: datetime, min_lead_time: timedelta) -> tuple[Reason, str] | None:
    if starts_at <= now:
        return Reason.SCHEDULE_PASSED, "its start time has passed"
    if starts_at - now < min_lead_time:
        minutes = min_lead_time.total_seconds() / 60
        return Reason.LEAD_TIME, f"its start is nearer than the {minutes:g} minutes of `min_lead_time`"
    return None


def _in_doubt(change: Change, intent: Intent) -> Change:
    sent_at = f"{intent.announced_at:%Y-%m-%d %H:%M:%S} UTC"
    return change.blocked(Reason.IN_DOUBT, f"a create was sent at {sent_at} and no answer tells whether it arrived")
