"""What `plan` and `apply` share: what is asked for, how the plan is made, and how it is printed."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click

from msgflash_apply import __version__
from msgflash_apply.api.client import Client
from msgflash_apply.cli import output, wiring
from msgflash_apply.cli.context import Globals
from msgflash_apply.config.load import Loaded
from msgflash_apply.config.settings import Settings
from msgflash_apply.engine.make_plan import Planner, PlanOptions
from msgflash_apply.engine.plan import Plan
from msgflash_apply.engine.refresh import Refresh
from msgflash_apply.errors import MsgflashApplyError
from msgflash_apply.report.paint import PLAIN, Paint
from msgflash_apply.report.to_text import plan_to_text


@dataclass(frozen=True, slots=True)
class Request:
    """
    What a person asks of a plan.

    Attributes:
        refresh: which campaigns to read.
        targets: addresses to keep to.
        labels: labels to keep to.
        overrides: limits of the policy to lift for this run.
        offline: send no request.
        has_state: False for a preview without any state.
        count_tags: read all contacts to count the people of a tag.
    """

    refresh: Refresh = Refresh.CHANGED
    targets: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    overrides: tuple[str, ...] = ()
    offline: bool = False
    has_state: bool = True
    count_tags: bool = False

    def refuse_unknown(self, plan: Plan) -> None:
        """Refuse a target or label that stands for nothing: it is a slip, and an empty plan would hide it."""
        given = [*self.targets, *(f"{name}={value}" for name, value in self.labels.items())]
        if given and not plan.changes:
            raise MsgflashApplyError("No campaign matches.", f"Given: {', '.join(given)}.")


def labels_from(selections: Sequence[str]) -> Mapping[str, str]:
    """Read `--select name=value`, repeatable."""
    labels = {}
    for selection in selections:
        name, equals, value = selection.partition("=")
        if not name or not equals:
            raise click.BadParameter(f"'{selection}' is not NAME=VALUE.", param_hint="--select")
        labels[name] = value
    return labels


def planner_for(
    settings: Settings,
    loaded: Loaded,
    request: Request,
    client: Client | None,
) -> Planner:
    """Make the planner of one run; without a client it sends no request."""
    plan_options = PlanOptions(
        environment=settings.environment,
        policy=settings.policy.without(request.overrides),
        refresh=request.refresh,
        targets=request.targets,
        labels=request.labels,
        has_state=request.has_state,
        count_tags=request.count_tags,
    )
    return Planner(loaded.campaigns, loaded.diagnostics, plan_options, client, wiring.now)


def print_plan(plan: Plan, options: Globals, format_: str = "text", *, changes_only: bool = False) -> None:
    """Print a plan as the result of the command."""
    paint = output.paint_for(sys.stdout, options.colour)
    output.result(report_of(plan, format_, paint=paint, width=output.width(), changes_only=changes_only))


def write_plan(plan: Plan, file: Path, format_: str, *, changes_only: bool) -> None:
    """Write a plan's report to a file, without colour."""
    output.write_file(file, report_of(plan, format_, paint=PLAIN, width=100, changes_only=changes_only))


def report_of(plan: Plan, format_: str, *, paint: Paint, width: int, changes_only: bool) -> str:
    """Render a plan as `text`, `json`, `markdown` or `html`; colour and width are for text alone."""
    if format_ == "json":
        from msgflash_apply.report.to_json import plan_to_json

        return plan_to_json(plan, tool_version=__version__, changes_only=changes_only)
    if format_ == "markdown":
        from msgflash_apply.report.to_markdown import plan_to_markdown

        return plan_to_markdown(plan, now=wiring.now())
    if format_ == "html":
        from msgflash_apply.report.to_html import plan_to_html

        return plan_to_html(plan, now=wiring.now())
    return plan_to_text(plan, now=wiring.now(), paint=paint, width=width)


def save_plan(plan: Plan, options: Globals, request: Request, file: Path) -> None:
    """Save a plan for `apply PLANFILE`, with the lead time that it was made under."""
    from msgflash_apply.engine.planfile import SavedPlan, encode_plan

    policy = wiring.settings_of(options).policy.without(request.overrides)
    output.write_private(file, encode_plan(SavedPlan(plan, policy.min_lead_time)))
    output.note(f"Saved. To carry out exactly this: msgflash-apply apply {file}")
