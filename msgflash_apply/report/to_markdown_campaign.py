"""One campaign in the comment: a line that opens to its facts, its message and its differences."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from msgflash_apply.engine.plan import Action, Change, Reason
from msgflash_apply.report.attributes import INDENT, Row, audience_text, content_rows, row_lines
from msgflash_apply.report.facts import fact_rows, may_go_out, payload_of
from msgflash_apply.report.marked_differences import marked_differences
from msgflash_apply.report.moments import with_distance
from msgflash_apply.report.to_markdown_text import COLUMNS, cell, continued, fenced, html_code, quoted
from msgflash_apply.report.untrusted import shown
from msgflash_apply.report.wording import advice, headline, resolving_commands, sign

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
