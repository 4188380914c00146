"""
Text of strangers as markdown that can only be read: code spans, fenced blocks, quotes.

GitHub and GitLab look for mentions, issue numbers, commit hashes, addresses and emoji names in everything but code,
after markdown has been rendered; so escaping does not help, and campaign text stands in code wherever it stands.
"""

import re
from collections.abc import Iterable, Sequence
from html import escape

from msgflash_apply.report.inert import clipped
from msgflash_apply.report.layout import limited, wrap
from msgflash_apply.report.untrusted import shown

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
