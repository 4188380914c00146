"""
Which formats there are: one entry each, from the name that `--format` takes to what renders it.

A new format is a module with its renderer and an entry here; the commands take their choices from these tables.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from msgflash_apply import __version__
from msgflash_apply.apply.result import ApplyReport
from msgflash_apply.files.load import Loaded
from msgflash_apply.findings import Diagnostic
from msgflash_apply.plan.plan import Plan
from msgflash_apply.report.apply_text import apply_to_text
from msgflash_apply.report.diagnostics import SourceLine, no_source, validation_to_text
from msgflash_apply.report.github import validation_to_github
from msgflash_apply.report.html.page import plan_to_html
from msgflash_apply.report.json_ import apply_to_json, plan_to_json, validation_to_json
from msgflash_apply.report.junit import validation_to_junit
from msgflash_apply.report.layout import PLAIN, Paint
from msgflash_apply.report.markdown import mistakes_to_markdown, plan_to_markdown
from msgflash_apply.report.sarif import validation_to_sarif
from msgflash_apply.report.text import plan_to_text


@dataclass(frozen=True, slots=True)
class Look:
    """
    What a renderer may need besides the value; each takes what it has a use for.

    Attributes:
        now: an aware moment, for how far off each start is.
        paint: colour or not.
        width: columns of a terminal.
        changes_only: leave out unchanged campaigns.
        source_line: for quoted lines of files.
        tool_version: of this program.
    """

    now: datetime
    paint: Paint = PLAIN
    width: int = 100
    changes_only: bool = False
    source_line: SourceLine = no_source
    tool_version: str = __version__


PlanRenderer: TypeAlias = Callable[[Plan, Look], str]
MistakesRenderer: TypeAlias = Callable[[str, Sequence[Diagnostic], Look], str]
ValidationRenderer: TypeAlias = Callable[[Loaded, Look], str]
ApplyRenderer: TypeAlias = Callable[[ApplyReport, Look], str]

PLAN_FORMATS: Mapping[str, PlanRenderer] = {
    "text": lambda plan, look: plan_to_text(plan, now=look.now, paint=look.paint, width=look.width),
    "json": lambda plan, look: plan_to_json(plan, tool_version=look.tool_version, changes_only=look.changes_only),
    "markdown": lambda plan, look: plan_to_markdown(plan, now=look.now),
    "html": lambda plan, look: plan_to_html(plan, now=look.now),
}
"""Of `plan`, the default first: for a terminal, a program, a pull request's comment, a page of its own."""

MISTAKES_FORMATS: Mapping[str, MistakesRenderer] = {
    "markdown": lambda environment, findings, look: mistakes_to_markdown(
        environment, findings, source_line=look.source_line
    ),
}
"""Of `plan`, where mistakes in the files keep a plan from being made; in the other formats there is no report then."""

VALIDATION_FORMATS: Mapping[str, ValidationRenderer] = {
    "text": lambda loaded, look: validation_to_text(
        len(loaded.campaigns),
        loaded.diagnostics,
        paint=look.paint,
        source_line=look.source_line,
        width=look.width,
        environments=loaded.environments,
        templates=len(loaded.templates),
    ),
    "json": lambda loaded, _: validation_to_json(len(loaded.campaigns), loaded.diagnostics, len(loaded.templates)),
    "github": lambda loaded, _: validation_to_github(len(loaded.campaigns), loaded.diagnostics, len(loaded.templates)),
    "sarif": lambda loaded, look: validation_to_sarif(loaded.diagnostics, tool_version=look.tool_version),
    "junit": lambda loaded, _: validation_to_junit(
        [one.source.file for one in loaded.campaigns] + [one.source.file for one in loaded.templates],
        loaded.diagnostics,
    ),
}
"""Of `validate`, the default first: for people, programs, annotations, code scanning, test results."""

APPLY_FORMATS: Mapping[str, ApplyRenderer] = {
    "text": lambda report, look: apply_to_text(report, paint=look.paint, width=look.width),
    "json": lambda report, _: apply_to_json(report),
}
"""Of `apply`, the default first."""
