"""
The plan as a comment on a pull request: first how many people get what, then what waits for a person, then the texts.

Where mistakes in the files keep a plan from being made, they are the comment (`mistakes_to_markdown`).

GitHub and GitLab look for mentions, issue numbers, commit hashes, addresses and emoji names in everything but code,
after markdown has been rendered; so escaping does not help, and campaign text is in code wherever it appears.

A comment is never longer than its limit, 60 000 bytes: each part takes the blocks that fit, in order, and counts the
others. Read `plan_to_markdown` first, then `change_block`; the length is kept by `_Comment` and `fitting`.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from html import escape
from typing import TypeAlias

from msgflash_apply.findings import Diagnostic, Severity
from msgflash_apply.plan.plan import Action, Change, Plan, Reason, TemplateAction, TemplateChange
from msgflash_apply.report.diagnostics import SourceLine, finding_lines, no_source, tally
from msgflash_apply.report.differences import (
    IN_FULL,
    INDENT,
    fact_rows,
    marked_differences,
    message_rows,
    people_text,
    row_lines,
    who_gets_it,
)
from msgflash_apply.report.layout import PLAIN, counted, limited, wrap
from msgflash_apply.report.markup_text import clipped
from msgflash_apply.report.safe_text import shown
from msgflash_apply.report.wording import (
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
    with_distance,
)

SMALLEST = 8_000
"""Bytes that a comment needs for what it never leaves out."""

COLUMNS = 100
"""Width of blocks: as wide as a comment is."""

_SUMMARY_COLUMNS = 200

_ADDRESS_COLUMNS = 80

_AUDIENCE_COLUMNS = 60

_ENVIRONMENT_COLUMNS = 60

_NUMBER_COLUMNS = 36

_MOST_MESSAGE_LINES = 60

_MOST_DIFFERENCE_LINES = 120

_NOTE_BYTES = 200
"""Room for the sentence that counts what was left out."""

_TABLE_HEAD = "| Action | Campaign | Start | People | Audience |\n|---|---|---|---|---|\n"

_TOO_LONG = "_Too long for a comment; see the job's output._"

_CONTINUED = "↪ "

_BACKTICKS = re.compile("`+")

_NO_MARKER = re.compile(r"[^A-Za-z0-9._-]|-(?=-)|-$")

Block: TypeAlias = Callable[[], Sequence[str]]
"""Renders one entry in several versions, fullest first; called only while there is room."""


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
        limit: bytes of UTF-8, and so characters too, that the result never exceeds; anything below 8 000 counts as
            that. GitHub takes 65 536 characters.

    Returns:
        Markdown whose first line is a comment, the same for every plan of an environment: by it a pipeline finds the
        comment that it wrote before.
    """
    title = f"## Plan for {where(plan, partial(code_span, columns=_ENVIRONMENT_COLUMNS))}"
    verdicts = [said for said in (template_verdict(plan), verdict(plan)) if said]
    people, *others = [*reach(plan, now, partial(code_span, columns=_NUMBER_COLUMNS)), *verdicts]
    head = "\n\n".join([marker(plan.environment), title, f"**{people}**", *others])
    if said := caveat(plan):
        head += f"\n\n_{said}_"
    end = [said if suffices else f"**{said}**" for said, suffices in forecasts(plan.requests)]
    if unchanged := plan.summary[Action.NO_OP]:
        end.insert(0, f"{counted(unchanged, 'unchanged campaign')} not listed.")
    foot = "\n\n".join([*end, f"Digest: `{plan.digest}`"])
    comment = _Comment(max(limit, SMALLEST) - size(head) - size(foot))
    blocked = sorted(plan.blocked, key=lambda change: change.reason is not Reason.IN_DOUBT)
    show = partial(change_block, environment=plan.environment, now=now)
    waiting, noun = [*plan.blocked_templates, *blocked], "change" if plan.blocked_templates else "campaign"
    comment.add("### Needs a person\n\n", [partial(show, each) for each in waiting], noun, share=0.4)
    comment.add("### Warnings\n\n", [partial(_finding, each) for each in plan.diagnostics], "warning", share=0.3)
    templates = [partial(show, each) for each in plan.effective_templates]
    comment.add("### Templates\n\n", templates, "template", share=0.4)
    rows = [partial(table_row, change, now) for change in (*blocked, *plan.effective)]
    comment.add(f"### Campaigns\n\n{_TABLE_HEAD}", rows, "campaign", share=0.6, between="\n")
    comment.add("### What would be done\n\n", [partial(show, each) for each in plan.effective], "campaign")
    return "\n\n".join([head, *comment.parts, foot]) + "\n"


def mistakes_to_markdown(
    environment: str, findings: Sequence[Diagnostic], *, source_line: SourceLine = no_source, limit: int = 60_000
) -> str:
    """
    Show to the reviewers of a pull request why there is no plan; the first line is that of the plan's comment.

    Args:
        environment: whose plan it would have been.
        findings: errors and warnings, in the order to be read; each is of one file.
        source_line: for the quoted lines.
        limit: bytes, as for a plan.
    """
    title = f"## No plan for environment {code_span(environment, _ENVIRONMENT_COLUMNS)}"
    to_do = f"**{tally(findings)} in the files.** Once the errors are fixed, the plan is here."
    head = "\n\n".join([marker(environment), title, to_do])
    comment = _Comment(max(limit, SMALLEST) - size(head))
    for severity, share in ((Severity.ERROR, 0.8), (Severity.WARNING, 1)):
        chosen = [partial(_finding, each, source_line) for each in findings if each.severity is severity]
        comment.add(f"### {severity.capitalize()}s\n\n", chosen, severity, share=share)
    return "\n\n".join([head, *comment.parts]) + "\n"


def marker(environment: str) -> str:
    """Spell the first line of an environment's comments."""

    def encoded(found: re.Match[str]) -> str:
        return "".join(f"%{byte:02X}" for byte in found[0].encode("utf-8", "surrogatepass"))

    start = environment[: _ENVIRONMENT_COLUMNS + 2]  # no more can show, nor decide about the last that does
    return f"<!-- msgflash-apply plan: {_NO_MARKER.sub(encoded, start)[:_ENVIRONMENT_COLUMNS]} -->"


def table_row(change: Change, now: datetime) -> tuple[str]:
    """Show one change as a row: action, campaign, start, people, audience. A block with one version only."""
    action = f"{change.action} ({change.reason})" if change.reason else change.action
    payload = change.payload
    audience = "" if payload is None else who_gets_it(payload.get("recipients"), change.names, change.audience)
    cells = (
        f"`{sign(change).symbol}` {action}",
        cell(change.address, _ADDRESS_COLUMNS),
        with_distance(change.starts_at, change.timezone, now),
        people_text(change.audience, change.max_people),
        cell(audience, _AUDIENCE_COLUMNS) if audience else "",
    )
    return (f"| {' | '.join(cells)} |",)


def change_block(change: Change | TemplateChange, *, environment: str, now: datetime) -> Sequence[str]:
    """Show one change: a line that opens to its facts, message and differences; fullest version first, least last."""
    opening = "<details open>" if change.action in {Action.BLOCKED, TemplateAction.BLOCKED} else "<details>"
    summary = escape(clipped(f"{sign(change).symbol} {headline(change)}", _SUMMARY_COLUMNS))
    head = f"{opening}<summary><code>{summary}</code></summary>"
    to_do = [said] if (said := advice(change)) else []
    if change.reason is Reason.IN_DOUBT:
        to_do.append(fenced("shell", resolving_commands(change.address, environment)))
    return [
        "\n\n".join([head, *to_do, *_details(change, now), "</details>"]),
        "\n\n".join([head, *to_do, _TOO_LONG, "</details>"]),
        f"{head}\n\n{_TOO_LONG}\n\n</details>",
    ]


def _details(change: Change | TemplateChange, now: datetime) -> Iterator[str]:
    message = list(message_rows(change))
    texts = [row for row in message if row.is_block and (row.label == "body" or "\n" in row.text)]
    rows = [*fact_rows(change, now), *(row for row in message if row not in texts)]
    yield fenced("text", [line[INDENT:] for row in rows for line in row_lines(row, COLUMNS + INDENT)])
    for row in texts:
        lines = [shown(line) for line in row.text.removesuffix("\n").split("\n")]
        block = fenced("text", continued(lines, _MOST_MESSAGE_LINES))
        yield f"{cell(row.label, _ADDRESS_COLUMNS)}\n\n> " + block.replace("\n", "\n> ")
    if change.diff:
        lines = []
        for difference in marked_differences(change.diff):
            lines.append(f"@@ {difference.path} @@")
            lines += [f"{mark} {text}" for mark, text in difference.lines]
        yield fenced("diff", continued(lines, _MOST_DIFFERENCE_LINES))


def _finding(finding: Diagnostic, source_line: SourceLine = no_source) -> tuple[str, str]:
    lines = finding_lines(finding, paint=PLAIN, source_line=source_line, width=COLUMNS)
    return fenced("text", lines), fenced("text", [clipped(lines[0], COLUMNS)])


def size(text: str) -> int:
    """Bytes of a text and of the empty line behind it; never less than its characters."""
    return len(text.encode()) + 2


def fitting(blocks: Sequence[Block], room_bytes: int, noun: str, between: str = "\n\n") -> str:
    """
    Join the blocks that fit, each in its fullest version that does; a sentence counts those that are left out.

    Args:
        blocks: most important first; from the first one that does not fit at all, none is shown.
        room_bytes: for all of the result.
        noun: what one block is about, for the sentence.
        between: what joins them.
    """
    left, kept = room_bytes - _NOTE_BYTES, list[str]()
    for block in blocks:
        version = next((version for version in block() if size(version) <= left), None)
        if version is None:
            break
        kept.append(version)
        left -= size(version)
    said = between.join(kept)
    more = len(blocks) - len(kept)
    if not more:
        return said
    note = f"_{counted(more, f'more {noun}')} {'is' if more == 1 else 'are'} not shown; see the job's output._"
    return f"{said}\n\n{note}".lstrip()


def code_span(text: str, columns: int = COLUMNS) -> str:
    """Show any text in a line of markdown, cut to some columns."""
    safe = clipped(text, columns) or "(empty)"
    ticks = "`" * (_longest_run(safe) + 1)
    # A space on either side is not shown; without it, backticks at an end would join the delimiter.
    room = " " if safe[0] in " `" or safe[-1] in " `" else ""
    return f"{ticks}{room}{safe}{room}{ticks}"


def cell(text: str, columns: int) -> str:
    """Show any text in a table; `|` becomes `¦`, since renderers differ in how a table escapes it."""
    return code_span(text.replace("|", "¦"), columns)


def fenced(language: str, lines: Sequence[str]) -> str:
    """Put lines in a code block, each safe to show; its fence is longer than any run of backticks inside."""
    content = [shown(line) for line in lines]
    fence = "`" * max(3, 1 + max(map(_longest_run, content), default=0))
    return "\n".join([f"{fence}{language}", *content, fence])


def continued(lines: Iterable[str], most: int) -> list[str]:
    """Wrap safe lines to the width of a block, the wrapped parts marked, and count those that are too many."""
    parts: list[str] = []
    for line in lines:
        first, *others = wrap(line, COLUMNS)
        parts += [first, *(f"{_CONTINUED}{other}" for other in others)]
    return limited(parts, most, IN_FULL)


def _longest_run(text: str) -> int:
    return max((len(run) for run in _BACKTICKS.findall(text)), default=0)
