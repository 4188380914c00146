"""
The plan as text, in Terraform's manner: what would be sent to whom and when, what waits for a person, what it costs.

Changes stand in the plan's order, blocked ones last: next to the summary, where they are not overlooked.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from msgflash_apply.engine.plan import Action, Change, Plan, Reason, RequestForecast
from msgflash_apply.report.attributes import INDENT, Row, content_rows, delivery_rows, identity_rows, row_lines
from msgflash_apply.report.diagnostics import finding_lines, no_source
from msgflash_apply.report.differences import difference_lines
from msgflash_apply.report.layout import NARROWEST, columns, counted, indented, titled
from msgflash_apply.report.moments import with_distance
from msgflash_apply.report.paint import Paint, Tone
from msgflash_apply.report.untrusted import shown
from msgflash_apply.report.wording import advice, headline, resolving_commands, sign, stage_words

_COUNTED_ALWAYS = (Action.CREATE, Action.PAUSE, Action.RESUME, Action.REPLACE, Action.RETIRE)
_COUNTED_IF_ANY = (Action.MOVE, Action.FORGET)
_TEXT_INDENT = 4
_INCOMPLETE = "this plan could not check everything: it was made offline, or for some of the campaigns only."
_WITHOUT_STATE = (
    "this is a preview without a state. It can not tell what was sent before, and can be neither saved nor applied."
)


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
        # Never wrapped: a command that is cut in two can not be pasted.
        yield from (f"{' ' * INDENT}{command}" for command in resolving_commands(change.address, look.environment))


def _rows(change: Change, look: _Look) -> Iterator[Row]:
    """Choose the attributes: all of what would be sent; of what is there already, what tells it apart."""
    payload = change.before if change.after is None else change.after
    start = with_distance(change.starts_at, change.timezone, look.now)
    if change.id:
        yield Row("id", f"{change.id} (is paused first)" if change.action is Action.REPLACE else change.id)
    if change.status:
        stage = stage_words(change, look.now)
        yield Row("status", f"{change.status} ({stage})" if stage else change.status)
    if payload is None:
        yield Row("start", start)
        return
    yield from identity_rows(payload, change.names)
    if _may_go_out(change):
        yield from delivery_rows(payload, change.audience, start)
        yield from content_rows(payload, change.names)
    else:
        yield Row("start", start)


def _may_go_out(change: Change) -> bool:
    """Whether a reader needs the whole message: it would be sent, would be if it were not blocked, or may have been."""
    if change.action is Action.BLOCKED:
        return change.id is None or change.reason is Reason.IN_DOUBT
    return change.action in {Action.CREATE, Action.REPLACE}


def _unchanged(plan: Plan, look: _Look, *, show_unchanged: bool) -> Iterator[str]:
    number = plan.summary[Action.NO_OP]
    if show_unchanged:
        same = (change for change in plan.changes if change.action is Action.NO_OP)
        yield "\n".join(line for change in same for line in _headline_lines(change, look))
    elif number and number < len(plan.changes):
        yield f"  ({counted(number, 'unchanged campaign')} not shown)"


def _caveats(plan: Plan, look: _Look) -> list[str]:
    """Say what this plan can not promise."""
    if plan.lineage is not None and plan.complete:
        return []
    text = _INCOMPLETE if plan.lineage is not None else _WITHOUT_STATE
    return titled("Note:", text, paint=look.paint, tone=Tone.CHANGED, width=look.width)


def _closing(plan: Plan, look: _Look) -> Iterator[str]:
    yield from _verdict(plan, look)
    yield from _requests(plan.requests, look)
    yield f"Digest: {plan.digest}"


def _verdict(plan: Plan, look: _Look) -> Iterator[str]:
    if plan.is_empty and not plan.blocked:
        yield look.paint(Tone.ADDED, "No changes.") + " " + _nothing_to_do(plan)
        return
    counts = plan.summary
    said = [f"{counts[action]} to {action}" for action in _COUNTED_ALWAYS]
    said += [f"{counts[action]} to {action}" for action in _COUNTED_IF_ANY if counts[action]]
    said += [f"{counts[Action.NO_OP]} unchanged", f"{counts[Action.BLOCKED]} blocked"]
    yield look.paint(Tone.STRONG, "Plan:") + f" {', '.join(said)}."


def _nothing_to_do(plan: Plan) -> str:
    if not plan.changes:
        return "There are no campaigns, neither in the files nor in the state."
    return f"The files and the state agree on {counted(len(plan.changes), 'campaign')}; there is nothing to do."


def _requests(forecast: RequestForecast, look: _Look) -> list[str]:
    """Forecast the requests, and say where the forecast ends."""
    said = f"{forecast.used or 'none'} used for this plan, {forecast.apply or 'none'} needed to apply"
    tone, left = Tone.STRONG, forecast.left_this_month
    if left is not None and left < forecast.apply:
        tone, said = Tone.DANGER, f"{said}, only {left} left this month: an apply would stop part way."
    elif left is not None:
        said = f"{said}, {left} left this month."
    else:
        said = f"{said}; how many are left this month was not read." if forecast.apply else f"{said}."
    lines = titled("Requests:", said, paint=look.paint, tone=tone, width=look.width)
    if forecast.messages is not None:
        rest = "" if forecast.messages_left is None else f", {forecast.messages_left} left this month"
        said = f"{forecast.messages} or more to send, as far as they were counted{rest}."
        lines += titled("Messages:", said, paint=look.paint, tone=Tone.STRONG, width=look.width)
    return lines
