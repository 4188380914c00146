"""
The plan as a comment on a pull request: first what waits for a person, then what goes out when to whom, then the texts.

Campaign text stands in code and nowhere else (`to_markdown_text`), and a comment is never longer than its limit.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from msgflash_apply.engine.plan import Action, Change, Plan, Reason
from msgflash_apply.errors import Diagnostic
from msgflash_apply.report.diagnostics import finding_lines, no_source
from msgflash_apply.report.inert import clipped
from msgflash_apply.report.layout import counted
from msgflash_apply.report.paint import PLAIN
from msgflash_apply.report.to_markdown_campaign import campaign_block, table_row
from msgflash_apply.report.to_markdown_room import Block, fitting, size
from msgflash_apply.report.to_markdown_text import COLUMNS, code_span, fenced
from msgflash_apply.report.verdict import caveat, forecast, messages, messages_suffice, verdict

SMALLEST = 4_000
"""Bytes that a comment needs for what it never leaves out."""

_ENVIRONMENT_COLUMNS = 60
_TABLE_HEAD = "| Action | Campaign | Start | Audience |\n|---|---|---|---|\n"
_NO_MARKER = re.compile(r"[^A-Za-z0-9._-]|-(?=-)|-$")


@dataclass
class _Comment:
    """A comment in the making: parts in order, and the bytes that are left."""

    room_bytes: int
    parts: list[str] = field(default_factory=list)

    def add(self, title: str, blocks: Sequence[Block], noun: str, *, share: float = 1, between: str = "\n\n") -> None:
        """Add as many blocks as fit in a share of what is left, so that no part pushes out those behind it."""
        if not blocks:
            return
        room = int(self.room_bytes * share) - size(title)
        self.parts.append(title + fitting(blocks, room, noun, between))
        self.room_bytes -= size(self.parts[-1])


def plan_to_markdown(plan: Plan, *, now: datetime, limit: int = 60_000) -> str:
    """
    Show a plan to the reviewers of a pull request.

    Args:
        plan: what to show.
        now: an aware moment, for how far off each start is.
        limit: bytes of UTF-8, and so characters too, that the result never exceeds; anything below 4 000 counts as
            that. GitHub takes 65 536 characters.

    Returns:
        Markdown whose first line is a comment, the same for every plan of an environment: by it a pipeline finds the
        comment that it wrote before.
    """
    head, foot = "\n\n".join(_head(plan)), "\n\n".join(_foot(plan))
    comment = _Comment(max(limit, SMALLEST) - size(head) - size(foot))
    show = partial(campaign_block, environment=plan.environment, now=now)
    blocked = sorted(plan.blocked, key=lambda change: change.reason is not Reason.IN_DOUBT)
    comment.add("### Needs a person\n\n", _blocks(show, blocked), "campaign", share=0.4)
    comment.add("### Warnings\n\n", [partial(_finding, each) for each in plan.diagnostics], "warning", share=0.3)
    rows = [partial(_row, change, now) for change in (*blocked, *plan.effective)]
    comment.add(f"### Campaigns\n\n{_TABLE_HEAD}", rows, "campaign", share=0.6, between="\n")
    comment.add("### What would be done\n\n", _blocks(show, plan.effective), "campaign")
    return "\n\n".join([head, *comment.parts, foot]) + "\n"


def marker(environment: str) -> str:
    """Spell the first line of an environment's comments."""
    name = _NO_MARKER.sub(lambda found: "".join(f"%{byte:02X}" for byte in _bytes(found.group())), environment)
    return f"<!-- msgflash-apply plan: {name[:_ENVIRONMENT_COLUMNS]} -->"


def _head(plan: Plan) -> Iterator[str]:
    yield marker(plan.environment)
    yield f"## Plan for environment {code_span(plan.environment, _ENVIRONMENT_COLUMNS)}"
    yield f"**{verdict(plan)}**"
    if said := caveat(plan):
        yield f"_{said}_"


def _foot(plan: Plan) -> Iterator[str]:
    if unchanged := plan.summary[Action.NO_OP]:
        yield f"{counted(unchanged, 'unchanged campaign')} not listed."
    said = forecast(plan.requests)
    yield said if plan.requests.suffice else f"**{said}**"
    if said := messages(plan.requests):
        yield said if messages_suffice(plan.requests) else f"**{said}**"
    yield f"Digest: `{plan.digest}`"


def _blocks(show: Callable[[Change], Sequence[str]], changes: Iterable[Change]) -> list[Block]:
    return [partial(show, change) for change in changes]


def _row(change: Change, now: datetime) -> tuple[str]:
    return (table_row(change, now),)


def _finding(finding: Diagnostic) -> tuple[str, str]:
    lines = finding_lines(finding, paint=PLAIN, source_line=no_source, width=COLUMNS)
    least = clipped(f"{finding.severity} {finding.code}: {finding.message}", COLUMNS)
    return fenced("text", lines), fenced("text", [least])


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
