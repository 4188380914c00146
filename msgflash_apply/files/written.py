"""
What is written is what is sent: numbers that would lose their spelling, and texts that a comment cuts off.

YAML reads `9.90` as 9.9 and `0042` as 42, and ends an unquoted text at ` #`. Both are right by its rules and wrong on a
phone, and only the file's own text shows them: so this looks at the tree, before anything is rendered. Contract
section 2. Read `check_written` first.
"""

import re
from collections.abc import Iterable, Iterator

from msgflash_apply.files.yaml_tree import Document, Scalar
from msgflash_apply.findings import Code, Finding, Severity, ValuePath, shown, spell

PRINTED = ("custom", "variables", "for_each")
"""Fields of a campaign whose numbers are printed into texts, or filled into a template."""

READ = ("body", "title", "description", "footer", "buttons", "variables")
"""Fields of a campaign that hold what people read."""

VALUES = ("name", "custom", "for_each")
"""Fields whose texts may come to be read; behind them, `#` and a blank is a remark."""

_GROUPED = re.compile(r"[-+]?[0-9]+(?:_[0-9]+)+(?:\.[0-9_]*)?")
"""A number to readers of YAML 1.1; to this program, and to YAML 1.2, a text."""


def check_written(document: Document) -> Iterator[Finding]:
    """Look at one campaign as it is written."""
    given = document.value if isinstance(document.value, dict) else {}
    yield from check_numbers(document, [(name,) for name in PRINTED if name in given])
    for name in (*READ, *VALUES):
        if name not in given:
            continue
        for path, scalar in document.scalars((name,)):
            if scalar.is_plain and isinstance(scalar.value, str) and (comment := scalar.comment) is not None:
                if name in VALUES and comment[1:2] in ("", " "):
                    continue  # a remark, as people write them behind a variable
                message = f"`{spell(path)}` ends before {shown(comment)}: the rest of the line is a comment"
                hint = "put the text in quotes; if it is a comment, write it on a line of its own"
                yield Finding(Code.CUT_BY_COMMENT, path, message, hint, severity=Severity.WARNING)


def check_numbers(document: Document, paths: Iterable[ValuePath]) -> Iterator[Finding]:
    """
    Find numbers that would be printed otherwise than they are written.

    Args:
        document: of any kind of file.
        paths: below which to look; those that are not there are nothing.
    """
    for path in paths:
        for place, scalar in document.scalars(path):
            if scalar.is_plain and (message := _lost_spelling(scalar)) is not None:
                yield Finding(Code.LOST_SPELLING, place, message, f'quote it: "{scalar.written}"')


def _lost_spelling(scalar: Scalar) -> str | None:
    written, value = scalar.written, scalar.value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return None if written == str(value) else f"`{written}` is read as the number {value}"
    if isinstance(value, str) and _GROUPED.fullmatch(value):
        return f"`{written}` is a number to some readers of YAML, and a text to others"
    return None
