"""
What `plan` and `apply` share: what is asked for, how the plan is made, and how it is printed.

Making the plan that `plan` shows, without the lock: for showing, not for applying.

`plan`: what an apply would do. Writes nothing, neither on the server nor in the state.
"""

import asyncio
import gc
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click

from msgflash_apply.api.client import Client
from msgflash_apply.cli import output, wiring
from msgflash_apply.cli.options import Globals, pass_globals
from msgflash_apply.errors import MsgflashApplyError
from msgflash_apply.files.load import Loaded
from msgflash_apply.models.project import LIMITS, Settings
from msgflash_apply.plan.plan import Plan
from msgflash_apply.plan.planfile import SavedPlan, encode_plan
from msgflash_apply.plan.planner import Planner, PlanOptions
from msgflash_apply.plan.refresh import Refresh
from msgflash_apply.report.formats import PLAN_FORMATS, Look
from msgflash_apply.state.snapshot import Snapshot


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
    look = Look(wiring.now(), paint, output.width(), changes_only=changes_only)
    output.result(PLAN_FORMATS[format_](plan, look))


def save_plan(plan: Plan, options: Globals, request: Request, file: Path) -> None:
    """Save a plan for `apply PLANFILE`, with the lead time that it was made under."""
    policy = wiring.settings_of(options).policy.without(request.overrides)
    output.write_private(file, encode_plan(SavedPlan(plan, policy.min_lead_time)))
    output.note(f"Saved. To carry out exactly this: msgflash-apply apply {file}")


def make_plan(options: Globals, request: Request) -> Plan:
    """
    Read settings, state and files, and compare them.

    Raises:
        InvalidFiles: every mistake in the files; before anything that is wrong with the state.
        StateError: there is no state, or it cannot be used.
        ApiError: MsgFlash could not be asked.
    """
    gc.disable()  # values without cycles, which live to the end: looking for some takes an eighth of the time
    settings = wiring.settings_of(options)
    try:  # the state first: decoding it takes memory for a moment, which the campaigns of the files then fill
        snapshot = _previous(settings, request)
    except MsgflashApplyError:
        wiring.load_files(settings)
        raise
    return asyncio.run(_plan(settings, wiring.load_files(settings), snapshot, request))


def _previous(settings: Settings, request: Request) -> Snapshot:
    if request.has_state:
        return wiring.snapshot_of(settings)
    return Snapshot("", 0, settings.environment, campaigns={}, in_doubt={}, history={})


async def _plan(settings: Settings, loaded: Loaded, snapshot: Snapshot, request: Request) -> Plan:
    if request.offline:
        return await planner_for(settings, loaded, request, None).plan(snapshot)
    async with wiring.client_of(settings) as client:
        return await planner_for(settings, loaded, request, client).plan(snapshot)


@click.command(short_help="Show what an apply would do. Changes nothing.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(list(PLAN_FORMATS)),
    default="text",
    help="How to print the plan: for a terminal, a program, a pull request's comment, or as a page of its own.",
)
@click.option("--output", "file", type=click.Path(path_type=Path), help="Write the plan there instead of printing it.")
@click.option(
    "--refresh",
    type=click.Choice(["changed", "live", "none"]),
    default="changed",
    show_default=True,
    help="Read campaigns that would be acted on, all that are not over, or none.",
)
@click.option("--offline", is_flag=True, help="Send no request; say what could not be checked.")
@click.option("--no-state", is_flag=True, help="With --offline: preview every campaign, without any state.")
@click.option("--audience", "count_tags", is_flag=True, help="Count the people of tags: reads all contacts, once.")
@click.option("--target", "targets", metavar="ADDR", multiple=True, help="Keep to an address; repeatable.")
@click.option("--select", "selections", metavar="NAME=VALUE", multiple=True, help="Keep to a label; repeatable.")
@click.option("--override", "overrides", type=click.Choice(LIMITS), multiple=True, help="Lift a limit for this run.")
@click.option("--changes-only", is_flag=True, help="Leave unchanged campaigns out of the json.")
@click.option("--out", "plan_file", type=click.Path(path_type=Path), help="Save the plan, for `apply PLANFILE`.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 when there are changes.")
@pass_globals
def command(
    options: Globals,
    format_: str,
    file: Path | None,
    refresh: str,
    targets: tuple[str, ...],
    selections: tuple[str, ...],
    overrides: tuple[str, ...],
    plan_file: Path | None,
    *,
    offline: bool,
    no_state: bool,
    count_tags: bool,
    changes_only: bool,
    detailed_exitcode: bool,
) -> int:
    """
    Compare the files with the state and show the difference. Changes nothing.

    Exits 0, or 3 when something is blocked, or with --detailed-exitcode 2 when there are changes.
    """
    if no_state and not offline:
        raise click.UsageError("--no-state goes with --offline: without a state nothing can be compared.")
    if plan_file is not None and offline:
        raise click.UsageError("--out does not go with --offline: such a plan could not check everything.")
    if count_tags and offline:
        raise click.UsageError("--audience does not go with --offline: contacts are counted by reading them.")
    request = Request(
        Refresh(refresh),
        targets,
        labels_from(selections),
        overrides,
        offline=offline,
        has_state=not no_state,
        count_tags=count_tags,
    )
    plan = make_plan(options, request)
    request.refuse_unknown(plan)
    if plan_file is not None:
        save_plan(plan, options, request, plan_file)
    if file is None:
        print_plan(plan, options, format_, changes_only=changes_only)
    else:
        output.write_file(file, PLAN_FORMATS[format_](plan, Look(wiring.now(), changes_only=changes_only)))
    return plan.exit_code(detailed=detailed_exitcode)
