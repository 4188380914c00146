"""One change as rows, for reports that show its message apart from its facts."""

from collections.abc import Iterator
from datetime import datetime

from msgflash_apply.campaign import Payload
from msgflash_apply.engine.plan import SENDING, Action, Change, Reason
from msgflash_apply.report.attributes import Row, delivery_rows, identity_rows
from msgflash_apply.report.moments import with_distance
from msgflash_apply.report.wording import stage_words


def fact_rows(change: Change, now: datetime) -> Iterator[Row]:
    """Tell all of a change but its message: id, status, name, number, start, audience, labels, place in the files."""
    if change.id:
        yield Row("id", f"{change.id} (is paused first)" if change.action is Action.REPLACE else change.id)
    if change.previous_address and change.action is not Action.MOVE:
        yield Row("moved from", change.previous_address)
    if change.status:
        stage = stage_words(change, now)
        yield Row("status", f"{change.status} ({stage})" if stage else change.status)
    yield from _payload_rows(change, with_distance(change.starts_at, change.timezone, now))
    if change.labels:
        yield Row("labels", ", ".join(f"{name}={change.labels[name]}" for name in sorted(change.labels)))
    if change.source:
        yield Row("source", f"{change.source.file}:{change.source.line}")


def payload_of(change: Change) -> Payload | None:
    """Choose what a change is about: what would be sent, else what was."""
    return change.before if change.after is None else change.after


def may_go_out(change: Change) -> bool:
    """Whether a reader needs the whole message: it would be sent, would be if it were not blocked, or may have been."""
    if change.action is Action.BLOCKED:
        return change.id is None or change.reason is Reason.IN_DOUBT
    return change.action in SENDING


def _payload_rows(change: Change, start: str) -> Iterator[Row]:
    payload = payload_of(change)
    if payload is not None:
        yield from identity_rows(payload, change.names)
    if payload is not None and may_go_out(change):
        yield from delivery_rows(payload, change.audience, start)
    else:
        yield Row("start", start)
