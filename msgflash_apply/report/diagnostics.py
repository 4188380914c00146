"""
Findings as compilers print them: place, code and message on one line, then the source line with a caret, then a hint.

The first line is never wrapped: editors and CI systems find the place by it.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeAlias

from msgflash_apply.findings import Code, Diagnostic, Severity, listed
from msgflash_apply.report.layout import ELLIPSIS, Paint, Tone, counted, cut, cut_start, indented
from msgflash_apply.report.safe_text import shown, visible, width_of

SourceLine: TypeAlias = Callable[[str, int], str | None]
"""Gives the text of a line (file, number from 1), or None where it cannot be had."""

_TONES = {Severity.ERROR: Tone.DANGER, Severity.WARNING: Tone.CHANGED}
_INDENT = 2
_TAB = "    "
_LONG_HINT = 100
"""Characters; above them a hint lists what the account has, and takes lines."""

_EXPLAINED_WARNINGS = 3
"""Of one code; of those that follow the place and the message say enough."""

_LONGEST_QUOTED = 20_000
"""A line above this is nothing to look at, and may not be cut before the secrets in it are found."""


def no_source(_file: str, _line: int) -> str | None:
    """Be the `SourceLine` of places without files at hand."""
    return None


def diagnostics_to_text(
    diagnostics: Sequence[Diagnostic], *, paint: Paint, source_line: SourceLine, width: int = 100
) -> str:
    """
    Show findings in the order given, then how many they are; empty for none.

    Args:
        diagnostics: in the order to be read (`errors.in_order`).
        paint: colour or not.
        source_line: for the quoted lines; called once per finding that has a place.
        width: columns of the terminal.
    """
    if not diagnostics:
        return ""
    texts: list[str] = []
    before, seen, is_short = None, Counter[str](), False
    secret = {(each.file, each.line) for each in diagnostics if each.code == Code.SECRET_IN_FILE}
    for each in diagnostics:
        # A long hint is printed once where findings that follow each other share it.
        repeats = each.hint == before and len(each.hint or "") > _LONG_HINT
        before = each.hint
        finding = replace(each, hint="as above") if repeats else each
        quoted = no_source if (each.file, each.line) in secret else source_line
        lines = finding_lines(finding, paint=paint, source_line=quoted, width=width)
        seen[each.code] += not each.is_error
        was_short, is_short = is_short, not each.is_error and seen[each.code] > _EXPLAINED_WARNINGS
        if is_short and was_short:
            texts[-1] += f"\n{lines[0]}"
        else:
            texts.append(lines[0] if is_short else "\n".join(lines))
    return "\n\n".join([*texts, tally(diagnostics)]) + "\n"


def validation_to_text(
    campaigns: int,
    diagnostics: Sequence[Diagnostic],
    *,
    paint: Paint,
    source_line: SourceLine,
    width: int = 100,
    environments: Sequence[str] = (),
    templates: int = 0,
) -> str:
    """Say whether the files are valid: the findings, then a sentence on how many campaigns and templates were read."""
    findings = diagnostics_to_text(diagnostics, paint=paint, source_line=source_line, width=width)
    if any(each.is_error for each in diagnostics):
        return f"{findings}{paint(Tone.DANGER, 'Validation failed.')} Fix the errors above and run `validate` again.\n"
    if not campaigns and not templates:
        return f"{findings}{paint(Tone.ADDED, 'Success!')} There are no campaigns yet.\n"
    verdict = f"{counted_files(campaigns, templates)} {'is' if campaigns + templates == 1 else 'are'} valid"
    if len(environments) > 1:
        verdict += f", in {counted(len(environments), 'environment')}: {listed(environments)}"
    return f"{findings}{paint(Tone.ADDED, 'Success!')} {verdict}.\n"


def counted_files(campaigns: int, templates: int) -> str:
    """Count what was read: `2 campaigns and 1 template`."""
    counts = [counted(number, noun) for number, noun in ((campaigns, "campaign"), (templates, "template")) if number]
    return " and ".join(counts) or counted(0, "campaign")


def finding_lines(finding: Diagnostic, *, paint: Paint, source_line: SourceLine, width: int) -> list[str]:
    """Set one finding."""
    label = paint(_TONES[finding.severity], f"{finding.severity} {finding.code}:")
    if finding.file is None:
        place = [shown(finding.address)] if finding.address else []
    else:
        place = [shown(finding.file), *(str(n) for n in (finding.line, finding.column) if n is not None)]
    lines = [f"{''.join(f'{part}:' for part in place)}{' ' if place else ''}{label} {shown(finding.message)}"]
    if finding.file and finding.line:
        text = source_line(finding.file, finding.line)
        if text is not None and len(text) <= _LONGEST_QUOTED:
            lines += _quotation(text, finding.line, finding.column, paint, width)
    if finding.file and finding.address and finding.address.endswith("]"):
        # One line of a file with `for_each` is many campaigns or templates: say which one.
        lines += indented(f"address: {shown(finding.address)}", _INDENT, width, hanging=_INDENT)
    if finding.hint:
        lines += indented(f"hint: {shown(finding.hint)}", _INDENT, width, hanging=len("hint: "))
    return lines


def tally(diagnostics: Sequence[Diagnostic]) -> str:
    """Count findings: `3 errors, 1 warning`."""
    errors = sum(each.is_error for each in diagnostics)
    counts = ((errors, "error"), (len(diagnostics) - errors, "warning"))
    return ", ".join(counted(number, noun) for number, noun in counts if number)


def _quotation(text: str, line: int, column: int | None, paint: Paint, width: int) -> list[str]:
    """
    Quote a source line and point at a column; of a long line, the part around the column.

    A secret may span the column: then the line is redacted as a whole and the caret is at its end or before.
    """
    line_text = text.rstrip("\r\n").replace("\t", _TAB)
    index = len(text[: (column or 1) - 1].replace("\t", _TAB))
    safe = shown(line_text)
    if safe == visible(line_text):
        before, after = visible(line_text[:index]), visible(line_text[index:])
    else:
        before, after = safe[:index], safe[index:]
    gutter = f"{' ' * _INDENT}{line} | "
    room = max(width - len(gutter), len(ELLIPSIS) * 20)
    before = cut_start(before, room // 2) if width_of(before + after) > room else before
    quoted = gutter + cut(before + after, room)
    if column is None:
        return [quoted]
    caret = " " * (len(gutter) - 2) + "| " + " " * width_of(before) + paint(Tone.STRONG, "^")
    return [quoted, caret]
