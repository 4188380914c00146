"""
The plan as text, in Terraform's manner: people and messages first, then what would be sent to whom and when.

Changes come in the plan's order, blocked ones last: next to the summary, where they are not overlooked. `drift` puts
what differs between record and MsgFlash before the plan that follows from it.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from msgflash_apply.operations.drift import Drift
from msgflash_apply.plan.plan import Action, Change, Plan, Reason, TemplateAction, TemplateChange
from msgflash_apply.report.diagnostics import finding_lines, no_source
from msgflash_apply.report.differences import (
    INDENT,
    Row,
    difference_lines,
    fact_rows,
    message_rows,
    row_lines,
)
from msgflash_apply.report.layout import NARROWEST, Paint, Tone, columns, counted, indented, titled
from msgflash_apply.report.safe_text import shown
from msgflash_apply.report.wording import (
    NO_CHANGES,
    advice,
    caveat,
    forecasts,
    headline,
    reach,
    resolving_commands,
    sign,
    template_verdict,
    verdict,
    where,
)

_TEXT_INDENT = 4

_ELSEWHERE = frozenset({"moved from", "labels", "source"})
"""Rows of a change that are below its headline or its differences here, or in other reports only."""


def plan_to_text(plan: Plan, *, now: datetime, paint: Paint, width: int = 100) -> str:
    """
    Show a plan to people. Pure, and safe to print whatever the campaigns hold.

    Args:
        plan: what to show.
        now: an aware moment, for how far off each start is.
        paint: colour or not.
        width: columns; anything below 40 counts as 40.
    """
    width = max(width, NARROWEST)
    changes = (*plan.effective, *plan.blocked)
    templates = (*plan.effective_templates, *plan.blocked_templates)
    parts: list[str] = []
    if changes or templates:
        title = paint(Tone.STRONG, f"Plan for {where(plan)}")
        first = [line for said in reach(plan, now) for line in indented(said, 0, width)]
        signs = dict.fromkeys([*map(sign, templates), *map(sign, changes)])
        legend = columns([(s.symbol, s.meaning) for s in signs], indent=2)
        parts += ["\n".join([title, *first]), "\n".join(["Symbols:", *legend])]
    kinds: list[tuple[str, Sequence[Change | TemplateChange]]] = [("Templates:", templates), ("Campaigns:", changes)]
    for title, of_kind in kinds:
        if templates and of_kind:
            parts.append(paint(Tone.STRONG, title))
        parts += ["\n".join(_change_lines(change, now, paint, width, plan.environment)) for change in of_kind]
    if changes and (unchanged := plan.summary[Action.NO_OP]):
        parts.append(f"  ({counted(unchanged, 'unchanged campaign')} not shown)")
    parts += ["\n".join(finding_lines(d, paint=paint, source_line=no_source, width=width)) for d in plan.diagnostics]
    closing: list[str] = []
    if said := caveat(plan):
        closing += titled("Note:", said[0].lower() + said[1:], paint=paint, tone=Tone.CHANGED, width=width)
    # Never wrapped: people and programs look for this line.
    said = verdict(plan)
    title, tone = (NO_CHANGES, Tone.ADDED) if said.startswith(NO_CHANGES) else (said.split(" ")[0], Tone.STRONG)
    if of_templates := template_verdict(plan):
        closing.append(paint(Tone.STRONG, "Templates:") + of_templates.removeprefix("Templates:"))
    closing.append(paint(tone, title) + said.removeprefix(title))
    for said, suffices in forecasts(plan.requests):
        title, _, rest = said.partition(" ")
        tone = Tone.STRONG if suffices else Tone.DANGER
        closing += titled(title, rest, paint=paint, tone=tone, width=width)
    parts.append("\n".join([*closing, f"Digest: {plan.digest}"]))
    return "\n\n".join(parts) + "\n"


def _change_lines(
    change: Change | TemplateChange, now: datetime, paint: Paint, width: int, environment: str
) -> Iterator[str]:
    """Set one change: headline, what to do about it, attributes, differences, the file."""
    mark = sign(change)
    indent = 2 + len(mark.symbol) + 1
    first, *others = indented(shown(headline(change)), indent, width)
    yield f"  {paint(mark.tone, mark.symbol)} {paint(Tone.STRONG, first.strip())}"
    yield from (" " * indent + paint(Tone.STRONG, line.strip()) for line in others)
    if change.previous_address and change.action not in {Action.MOVE, TemplateAction.MOVE}:
        yield from indented(f"(moved here from {shown(change.previous_address)})", _TEXT_INDENT, width)
    if said := advice(change):
        yield from indented(said, _TEXT_INDENT, width)
    if change.reason is Reason.IN_DOUBT:
        # Never wrapped: a command that is cut in two cannot be pasted.
        yield from (f"{' ' * INDENT}{command}" for command in resolving_commands(change.address, environment))
    rows = [*(row for row in fact_rows(change, now) if row.label not in _ELSEWHERE), *message_rows(change)]
    yield from (line for row in rows for line in row_lines(row, width))
    yield from difference_lines(change.diff, paint=paint, width=width)
    if change.source:
        yield from row_lines(Row("source", f"{change.source.file}:{change.source.line}"), width)


def drift_to_text(found: Sequence[Drift], *, paint: Paint) -> str:
    """List what people changed on MsgFlash behind the record's back, a line each; a sentence if there is nothing."""
    if not found:
        return "Record and MsgFlash agree on every campaign that is not over.\n"
    many = len({one.address for one in found})
    head = f"{counted(many, 'campaign')} {'differs' if many == 1 else 'differ'} from the record:"
    rows = columns([(shown(one.address), *_drift_words(one)) for one in found], indent=2)
    lines = [paint(Tone.CHANGED, head)]
    for row, one in zip(rows, found, strict=True):
        lines += [row, *difference_lines(one.diff, paint=paint, width=NARROWEST * 2)]
    return "\n".join(lines) + "\n"


def _drift_words(one: Drift) -> tuple[str, str]:
    """Say what was recorded, and what is found."""
    recorded, now = shown(one.recorded), "is gone on MsgFlash" if one.found is None else f"is {shown(one.found)} now"
    match one.what:
        case "content":
            return recorded, "was edited on MsgFlash" if one.found is not None else now
        case "number":
            return f"went out from {recorded}", f"{now}, the number behind its instance" if one.found else now
        case "answer":
            return "was created otherwise than it was sent", shown(one.found or "")
        case "people":
            return f"was for {recorded} people", f"reaches {shown(one.found or '')} now"
        case _:
            return f"was {recorded}", now
