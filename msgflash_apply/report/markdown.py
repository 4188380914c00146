"""
Text of strangers as markdown that can only be read: code spans, fenced blocks, quotes.

GitHub and GitLab look for mentions, issue numbers, commit hashes, addresses and emoji names in everything but code,
after markdown has been rendered; so escaping does not help, and campaign text stands in code wherever it stands.

What fits in a comment: blocks in order while there is room, the others counted.

Attribute diffs as lines with a mark, for reports that have colours of their own for `+` and `-`.

One campaign in the comment: a line that opens to its facts, its message and its differences.

The plan as a comment on a pull request: first what waits for a person, then what goes out when to whom, then the texts.

Campaign text stands in code and nowhere else (`to_markdown_text`), and a comment is never longer than its limit.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from html import escape
from typing import TypeAlias

from msgflash_apply.findings import Diagnostic
from msgflash_apply.plan.plan import Action, AttributeDiff, Change, Plan, Reason
from msgflash_apply.report.diagnostics import finding_lines, no_source
from msgflash_apply.report.differences import (
    INDENT,
    Row,
    audience_text,
    content_rows,
    difference_lines,
    fact_rows,
    may_go_out,
    payload_of,
    row_lines,
)
from msgflash_apply.report.layout import ELLIPSIS, PLAIN, counted, limited, wrap
from msgflash_apply.report.markup_text import clipped
from msgflash_apply.report.safe_text import shown
from msgflash_apply.report.text import caveat, forecast, messages, messages_suffice, verdict
from msgflash_apply.report.wording import advice, headline, resolving_commands, sign, with_distance

COLUMNS = 100
"""Width of what stands in blocks: as wide as a comment is."""

_CONTINUED = "↪ "

_BACKTICKS = re.compile("`+")


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


def html_code(text: str, columns: int) -> str:
    """Show any text on a line of HTML."""
    return f"<code>{escape(clipped(text, columns))}</code>"


def fenced(language: str, lines: Sequence[str]) -> str:
    """Put lines in a code block, each safe to show; its fence is longer than any run of backticks inside."""
    content = [shown(line) for line in lines]
    fence = "`" * max(3, 1 + max(map(_longest_run, content), default=0))
    return "\n".join([f"{fence}{language}", *content, fence])


def quoted(block: str) -> str:
    """Put a block in a quote."""
    return "\n".join(f"> {line}" for line in block.split("\n"))


def continued(lines: Iterable[str], most: int, where_else: str) -> list[str]:
    """Wrap safe lines to the width of a block, the wrapped parts marked, and count those that are too many."""
    return limited([part for line in lines for part in _wrapped(line)], most, where_else)


def _wrapped(line: str) -> list[str]:
    first, *others = wrap(line, COLUMNS)
    return [first, *(f"{_CONTINUED}{other}" for other in others)]


def _longest_run(text: str) -> int:
    return max((len(run) for run in _BACKTICKS.findall(text)), default=0)


Block: TypeAlias = Callable[[], Sequence[str]]
"""Renders one entry in several versions, fullest first; called only while there is room."""

_NOTE_BYTES = 200
"""Room for the sentence that counts what was left out."""


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
        version = _fullest(block(), left)
        if version is None:
            break
        kept.append(version)
        left -= size(version)
    said = between.join(kept)
    more = len(blocks) - len(kept)
    return f"{said}\n\n{_left_out(more, noun)}".lstrip() if more else said


def _fullest(versions: Sequence[str], room_bytes: int) -> str | None:
    return next((version for version in versions if size(version) <= room_bytes), None)


def _left_out(number: int, noun: str) -> str:
    verb = "is" if number == 1 else "are"
    return f"_{counted(number, f'more {noun}')} {verb} not shown; see the job's output._"


_MOST_DIFFERENCES = 40

_UNBROKEN = 1 << 60
"""Columns of a line that is never wrapped."""

_LINE_INDENT = INDENT + 4


@dataclass(frozen=True, slots=True)
class MarkedDifference:
    """One attribute: its path, and lines as (mark, text); the mark is `+`, `-` or a space. All safe to show."""

    path: str
    lines: tuple[tuple[str, str], ...]


def marked_differences(differences: Sequence[AttributeDiff]) -> Iterator[MarkedDifference]:
    """Set the attribute diffs of one change, in their order; what is left out is counted."""
    for difference in differences[:_MOST_DIFFERENCES]:
        lines = _by_line(difference) if _spans_lines(difference) else _whole(difference)
        yield MarkedDifference(shown(difference.path), tuple(lines))
    if (more := len(differences) - _MOST_DIFFERENCES) > 0:
        yield MarkedDifference(f"{ELLIPSIS} {counted(more, 'more attribute')}; --format json shows them all", ())


def _whole(difference: AttributeDiff) -> Iterator[tuple[str, str]]:
    for mark, value in (("-", difference.before), ("+", difference.after)):
        if value is not None:
            yield mark, shown(json.dumps(value, ensure_ascii=False))


def _by_line(difference: AttributeDiff) -> Iterator[tuple[str, str]]:
    """Compare line by line, exactly as the text report does."""
    _head, *lines = difference_lines([difference], paint=PLAIN, width=_UNBROKEN)
    for line in lines:
        marked = line[_LINE_INDENT:]
        yield (marked[0], marked[2:]) if marked[:1] in {"+", "-"} else (" ", marked.lstrip())


def _spans_lines(difference: AttributeDiff) -> bool:
    return any(isinstance(value, str) and "\n" in value for value in (difference.before, difference.after))


_MOST_MESSAGE_LINES = 60

_MOST_DIFFERENCE_LINES = 120

_SUMMARY_COLUMNS = 200

_ADDRESS_COLUMNS = 80

_AUDIENCE_COLUMNS = 60

_IN_FULL = "; --format json shows them all"

_TOO_LONG = "_Too long for a comment; see the job's output._"


def table_row(change: Change, now: datetime) -> str:
    """Show one change as a row: action, campaign, start, audience."""
    mark = sign(change)
    action = f"{change.action} ({change.reason})" if change.reason else change.action
    payload = payload_of(change)
    audience = "" if payload is None else audience_text(payload.get("recipients"), change.audience)
    cells = (
        f"`{mark.symbol}` {action}",
        cell(change.address, _ADDRESS_COLUMNS),
        with_distance(change.starts_at, change.timezone, now),
        cell(audience, _AUDIENCE_COLUMNS) if audience else "",
    )
    return f"| {' | '.join(cells)} |"


def campaign_block(change: Change, *, environment: str, now: datetime) -> Sequence[str]:
    """Show one change in full, and as the least that can be said of it; fullest version first."""
    opening = "<details open>" if change.action is Action.BLOCKED else "<details>"
    summary = html_code(f"{sign(change).symbol} {headline(change)}", _SUMMARY_COLUMNS)
    head = f"{opening}<summary>{summary}</summary>"
    what_to_do = "\n\n".join(_what_to_do(change, environment))
    return [
        "\n\n".join(part for part in (head, what_to_do, *_details(change, now), "</details>") if part),
        "\n\n".join(part for part in (head, what_to_do, _TOO_LONG, "</details>") if part),
        f"{head}\n\n{_TOO_LONG}\n\n</details>",
    ]


def _what_to_do(change: Change, environment: str) -> Iterator[str]:
    if text := advice(change):
        yield text
    if change.reason is Reason.IN_DOUBT:
        yield fenced("shell", resolving_commands(change.address, environment))


def _details(change: Change, now: datetime) -> Iterator[str]:
    payload = payload_of(change)
    message: list[Row] = []
    if payload is not None and may_go_out(change):
        message = list(content_rows(payload, change.names))
    texts = [row for row in message if row.is_block and (row.label == "body" or "\n" in row.text)]
    rows = [*fact_rows(change, now), *(row for row in message if row not in texts)]
    yield fenced("text", [line[INDENT:] for row in rows for line in row_lines(row, COLUMNS + INDENT)])
    for row in texts:
        yield _text(row)
    if change.diff:
        yield fenced("diff", _difference_lines(change))


def _text(row: Row) -> str:
    """Quote one text of the message, line by line, under the name of its field."""
    lines = [shown(line) for line in row.text.removesuffix("\n").split("\n")]
    block = fenced("text", continued(lines, _MOST_MESSAGE_LINES, _IN_FULL))
    return f"{cell(row.label, _ADDRESS_COLUMNS)}\n\n{quoted(block)}"


def _difference_lines(change: Change) -> list[str]:
    lines: list[str] = []
    for difference in marked_differences(change.diff):
        lines.append(f"@@ {difference.path} @@")
        lines += [f"{mark} {text}" for mark, text in difference.lines]
    return continued(lines, _MOST_DIFFERENCE_LINES, _IN_FULL)


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
    start = environment[: _ENVIRONMENT_COLUMNS + 2]  # no more can show, nor decide about the last that does
    name = _NO_MARKER.sub(lambda found: "".join(f"%{byte:02X}" for byte in _bytes(found.group())), start)
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
