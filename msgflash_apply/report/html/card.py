"""One change, of a campaign or a template, as a card of the page: every text safe to show, every choice made."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from msgflash_apply.campaign import INSTANCE
from msgflash_apply.plan.plan import Action, Change, Reason, TemplateChange
from msgflash_apply.report.differences import (
    IN_FULL,
    MarkedDifference,
    Row,
    audience_text,
    fact_rows,
    marked_differences,
    may_go_out,
    template_rows,
    template_words,
)
from msgflash_apply.report.layout import ELLIPSIS, Tone, counted
from msgflash_apply.report.markup_text import clipped, inert
from msgflash_apply.report.message import Message, message_of, message_of_template
from msgflash_apply.report.wording import advice, distance, headline, in_zone, resolving_commands, sender, sign

_COLUMNS = 2_000

_NAME_COLUMNS = 300

_MOST_DIFFERENCE_LINES = 60

_DRAWN = {
    Action.CREATE: "sends",
    Action.REPLACE: "sends",
    Action.RESUME: "sends",
    Action.ACCEPT: "sends",
    Action.PAUSE: "stopped",
    Action.RETIRE: "stopped",
    Action.BLOCKED: "blocked",
}

_TONES = {
    Tone.ADDED: "added",
    Tone.REMOVED: "removed",
    Tone.CHANGED: "changed",
    Tone.DANGER: "danger",
    Tone.DOUBT: "doubt",
}


@dataclass(frozen=True, slots=True)
class Card:
    """
    What the page shows of one change; all that has to do with a start or a number is empty for a template.

    Attributes:
        number: from 1; the page's own name for it.
        symbol: of the action, as in the text report.
        tone: class of its colours.
        mark: its shape on the timeline; empty where nothing would go out at its start.
        starts_at: counts only where there is a mark.
        repeat: `daily`, `weekly`, or empty.
        labels: `name=value`, sorted.
        message: None where nothing would be sent.
    """

    number: int
    symbol: str
    tone: str
    action: str
    reason: str
    address: str
    sentence: str
    advice: str
    commands: tuple[str, ...]
    labels: tuple[str, ...]
    rows: tuple[tuple[str, str], ...]
    message: Message | None
    differences: tuple[MarkedDifference, ...]
    starts_at: datetime
    mark: str = ""
    start: str = ""
    distance: str = ""
    repeat: str = ""
    audience: str = ""
    instance: str = ""


def numbers_by_id(changes: Iterable[Change]) -> dict[str, str]:
    """Collect the names of the numbers whose ids are known, so that one number has one name on the page."""
    return {
        str((change.payload or {})[INSTANCE]): sender(change, str)
        for change in changes
        if INSTANCE in (change.payload or {}) and (change.instance is not None or change.names.get(INSTANCE))
    }


def card_of(change: Change, *, number: int, environment: str, now: datetime, numbers: Mapping[str, str]) -> Card:
    """
    Set one change.

    Args:
        change: what to show.
        number: the page's own name for it.
        environment: of the plan, for commands.
        now: for how far off its start is.
        numbers: names of numbers by their id (`numbers_by_id`).
    """
    card = template_card_of(change, number=number, now=now)
    payload = change.payload or {}
    is_doubt = change.reason is Reason.IN_DOUBT
    repeat = payload.get("repeat")
    rows = template_rows(payload, change.names, change.template, change.template_address)
    return replace(
        card,
        commands=tuple(map(inert, resolving_commands(change.address, environment))) if is_doubt else (),
        rows=(*card.rows, *map(_row, rows)) if may_go_out(change) else card.rows,
        message=message_of(change) if payload and may_go_out(change) else None,
        starts_at=change.starts_at,
        mark="doubt" if is_doubt else _DRAWN.get(change.action, ""),
        start=in_zone(change.starts_at, change.timezone),
        distance=distance(change.starts_at, now),
        repeat=repeat if repeat in {"daily", "weekly"} and isinstance(repeat, str) else "",
        audience=clipped(
            audience_text(payload.get("recipients"), change.names, change.audience, change.max_people), _NAME_COLUMNS
        )
        if payload
        else "",
        instance=clipped(numbers.get(str(payload.get(INSTANCE))) or sender(change, str), _NAME_COLUMNS),
    )


def template_card_of(change: Change | TemplateChange, *, number: int, now: datetime) -> Card:
    """Set one change of a template, and of a campaign what both have."""
    words = template_words(change) if isinstance(change, TemplateChange) else None
    return Card(
        number=number,
        symbol=sign(change).symbol,
        tone=_TONES.get(sign(change).tone, "quiet"),
        action=change.action.value,
        reason=change.reason.value if change.reason else "",
        address=clipped(change.address, _NAME_COLUMNS),
        sentence=clipped(headline(change), _COLUMNS),
        advice=advice(change),
        commands=(),
        labels=tuple(clipped(f"{name}={change.labels[name]}", _NAME_COLUMNS) for name in sorted(change.labels)),
        rows=tuple(map(_row, fact_rows(change, now))),
        message=None if words is None else message_of_template(words),
        differences=tuple(map(_clipped, marked_differences(change.diff))),
        starts_at=now,
    )


def _row(row: Row) -> tuple[str, str]:
    return clipped(row.label, _NAME_COLUMNS), clipped(row.text, _COLUMNS)


def _clipped(difference: MarkedDifference) -> MarkedDifference:
    lines = [(mark, clipped(text, _COLUMNS)) for mark, text in difference.lines[:_MOST_DIFFERENCE_LINES]]
    if (more := len(difference.lines) - len(lines)) > 0:
        lines.append((" ", f"{ELLIPSIS} {counted(more, 'more line')}{IN_FULL}"))
    return replace(difference, path=clipped(difference.path, _NAME_COLUMNS), lines=tuple(lines))
