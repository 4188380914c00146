"""
What a plan comes to, in sentences without colour or markup: what it does, what it costs, what it cannot promise.

The plan as text, in Terraform's manner: what would be sent to whom and when, what waits for a person, what it costs.

Changes stand in the plan's order, blocked ones last: next to the summary, where they are not overlooked.

Drift as text and as JSON: what differs between record and MsgFlash, then the plan that follows from it.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from msgflash_apply.operations.drift import Drift
from msgflash_apply.plan.plan import Action, Change, Plan, Reason, RequestForecast
from msgflash_apply.report.diagnostics import finding_lines, no_source
from msgflash_apply.report.differences import (
    INDENT,
    Row,
    content_rows,
    difference_lines,
    fact_rows,
    may_go_out,
    payload_of,
    row_lines,
)
from msgflash_apply.report.layout import NARROWEST, Paint, Tone, columns, counted, indented, titled
from msgflash_apply.report.safe_text import shown
from msgflash_apply.report.wording import advice, headline, resolving_commands, sign

_COUNTED_ALWAYS = (Action.CREATE, Action.PAUSE, Action.RESUME, Action.REPLACE, Action.RETIRE)

_COUNTED_IF_ANY = (Action.MOVE, Action.FORGET)

_INCOMPLETE = "This plan could not check everything: it was made offline, or for some of the campaigns only."

_WITHOUT_STATE = (
    "This is a preview without a state. It cannot tell what was sent before, and can be neither saved nor applied."
)


def verdict(plan: Plan) -> str:
    """Count what an apply would do, or say that there is nothing to do; contract section 7."""
    if plan.is_empty and not plan.blocked:
        return f"No changes. {_nothing_to_do(plan)}"
    counts = plan.summary
    said = [f"{counts[action]} to {action}" for action in _COUNTED_ALWAYS]
    said += [f"{counts[action]} to {action}" for action in _COUNTED_IF_ANY if counts[action]]
    said += [f"{counts[Action.NO_OP]} unchanged", f"{counts[Action.BLOCKED]} blocked"]
    return f"Plan: {', '.join(said)}."


def forecast(requests: RequestForecast) -> str:
    """Forecast the requests of an apply, and say where the forecast ends."""
    said = f"Requests: {requests.used or 'none'} used for this plan, {requests.apply or 'none'} needed to apply"
    left = requests.left_this_month
    if not requests.suffice:
        return f"{said}, only {left} left this month: an apply would stop part way."
    if left is not None:
        return f"{said}, {left} left this month."
    return f"{said}; how many are left this month was not read." if requests.apply else f"{said}."


def messages(requests: RequestForecast) -> str:
    """Forecast what counts against the month's messages; empty where nothing was counted."""
    if requests.messages is None:
        return ""
    left = requests.messages_left
    rest = "" if left is None else f", {left} left this month"
    return f"Messages: {requests.messages} or more to send, as far as they were counted{rest}."


def messages_suffice(requests: RequestForecast) -> bool:
    """Whether the month's messages are not known to be too few."""
    return requests.messages is None or requests.messages_left is None or requests.messages <= requests.messages_left


def caveat(plan: Plan) -> str:
    """Say what this plan cannot promise; empty when it is complete."""
    if plan.lineage is None:
        return _WITHOUT_STATE
    return "" if plan.complete else _INCOMPLETE


def _nothing_to_do(plan: Plan) -> str:
    if not plan.changes:
        return "There are no campaigns, neither in the files nor in the state."
    return f"The files and the state agree on {counted(len(plan.changes), 'campaign')}; there is nothing to do."


_TEXT_INDENT = 4

_NO_CHANGES = "No changes."

_ELSEWHERE = frozenset({"moved from", "labels", "source"})
"""Rows of a change that stand below its headline or its differences here, or in other reports only."""


@dataclass(frozen=True, slots=True)
class _Look:
    """What every part of one plan's text needs to know."""

    now: datetime
    paint: Paint
    width: int
    environment: str


def plan_to_text(
    plan: Plan,
    *,
    now: datetime,
    paint: Paint,
    width: int = 100,
    show_unchanged: bool = False,
) -> str:
    """
    Show a plan to people. Pure, and safe to print whatever the campaigns hold.

    Args:
        plan: what to show.
        now: an aware moment, for how far off each start is.
        paint: colour or not.
        width: columns; anything below 40 counts as 40.
        show_unchanged: list unchanged campaigns too, one line each, instead of counting them.
    """
    look = _Look(now, paint, max(width, NARROWEST), plan.environment)
    parts = [_heading(plan, look)]
    parts += ["\n".join(_change_lines(change, look)) for change in (*plan.effective, *plan.blocked)]
    parts += _unchanged(plan, look, show_unchanged=show_unchanged)
    parts += [
        "\n".join(finding_lines(d, paint=paint, source_line=no_source, width=look.width)) for d in plan.diagnostics
    ]
    parts.append("\n".join([*_caveats(plan, look), *_closing(plan, look)]))
    return "\n\n".join(part for part in parts if part) + "\n"


def _heading(plan: Plan, look: _Look) -> str:
    """Name the environment, and explain the symbols that follow."""
    signs = dict.fromkeys(sign(change) for change in (*plan.effective, *plan.blocked))
    if not signs:
        return ""
    title = look.paint(Tone.STRONG, f"Plan for environment {shown(plan.environment)}")
    return "\n".join([f"{title}, with these symbols:", *columns([(s.symbol, s.meaning) for s in signs], indent=2)])


def _change_lines(change: Change, look: _Look) -> Iterator[str]:
    """Set one change: headline, what to do about it, attributes, differences, the file."""
    yield from _headline_lines(change, look)
    yield from _advice_lines(change, look)
    for row in _rows(change, look):
        yield from row_lines(row, look.width)
    yield from difference_lines(change.diff, paint=look.paint, width=look.width)
    if change.source:
        yield from row_lines(Row("source", f"{change.source.file}:{change.source.line}"), look.width)


def _headline_lines(change: Change, look: _Look) -> Iterator[str]:
    mark = sign(change)
    indent = 2 + len(mark.symbol) + 1
    first, *others = indented(shown(headline(change)), indent, look.width)
    yield f"  {look.paint(mark.tone, mark.symbol)} {look.paint(Tone.STRONG, first.strip())}"
    yield from (" " * indent + look.paint(Tone.STRONG, line.strip()) for line in others)
    if change.previous_address and change.action is not Action.MOVE:
        yield from indented(f"(moved here from {shown(change.previous_address)})", _TEXT_INDENT, look.width)


def _advice_lines(change: Change, look: _Look) -> Iterator[str]:
    if text := advice(change):
        yield from indented(text, _TEXT_INDENT, look.width)
    if change.reason is Reason.IN_DOUBT:
        # Never wrapped: a command that is cut in two cannot be pasted.
        yield from (f"{' ' * INDENT}{command}" for command in resolving_commands(change.address, look.environment))


def _rows(change: Change, look: _Look) -> Iterator[Row]:
    """Choose the attributes: all of what would be sent; of what is there already, what tells it apart."""
    yield from (row for row in fact_rows(change, look.now) if row.label not in _ELSEWHERE)
    payload = payload_of(change)
    if payload is not None and may_go_out(change):
        yield from content_rows(payload, change.names)


def _unchanged(plan: Plan, look: _Look, *, show_unchanged: bool) -> Iterator[str]:
    number = plan.summary[Action.NO_OP]
    if show_unchanged:
        same = (change for change in plan.changes if change.action is Action.NO_OP)
        yield "\n".join(line for change in same for line in _headline_lines(change, look))
    elif number and number < len(plan.changes):
        yield f"  ({counted(number, 'unchanged campaign')} not shown)"


def _caveats(plan: Plan, look: _Look) -> list[str]:
    """Say what this plan cannot promise."""
    text = caveat(plan)
    lowered = text[:1].lower() + text[1:]
    return titled("Note:", lowered, paint=look.paint, tone=Tone.CHANGED, width=look.width) if text else []


def _closing(plan: Plan, look: _Look) -> Iterator[str]:
    # Never wrapped: people and programs look for this line.
    yield _with_title(verdict(plan), Tone.STRONG, look)
    requests = plan.requests
    for text, suffices in (
        (forecast(requests), requests.suffice),
        (messages(requests), messages_suffice(requests)),
    ):
        title, _, said = text.partition(" ")
        tone = Tone.STRONG if suffices else Tone.DANGER
        yield from titled(title, said, paint=look.paint, tone=tone, width=look.width) if text else ()
    yield f"Digest: {plan.digest}"


def _with_title(text: str, tone: Tone, look: _Look) -> str:
    if text.startswith(_NO_CHANGES):
        return look.paint(Tone.ADDED, _NO_CHANGES) + text.removeprefix(_NO_CHANGES)
    title, _, said = text.partition(" ")
    return f"{look.paint(tone, title)} {said}"


_AGREE = "Record and MsgFlash agree on every campaign that is not over."


def drift_to_text(found: Sequence[Drift], *, paint: Paint) -> str:
    """Say what people did behind the record's back, a line each; a sentence where there is nothing."""
    if not found:
        return f"{_AGREE}\n"
    count = counted(len(found), "campaign")
    head = f"{count} {'is' if len(found) == 1 else 'are'} not as the record has {'it' if len(found) == 1 else 'them'}:"
    rows = columns(((shown(one.address), f"was {shown(one.recorded)}", _now(one)) for one in found), indent=2)
    return "\n".join([paint(Tone.CHANGED, head), *rows]) + "\n"


def drift_to_json(found: Sequence[Drift], plan_json: str) -> str:
    """Give `{"drift": [{"address", "id", "recorded", "found"}], "plan": {..}}`; of a gone one `found` is null."""
    told = [{"address": one.address, "id": one.id, "recorded": one.recorded, "found": one.found} for one in found]
    return json.dumps({"drift": told, "plan": json.loads(plan_json)}, indent=2, ensure_ascii=True) + "\n"


def _now(one: Drift) -> str:
    return "is gone on MsgFlash" if one.found is None else f"is {shown(one.found)} now"
