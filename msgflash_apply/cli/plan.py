"""
`plan`: show what an apply would do. Writes nothing, neither on the server nor in the state.

`command` is the story. `apply` and `drift` make and print their plans with the functions above it.
"""

import gc
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from functools import partial, wraps
from pathlib import Path
from typing import TypeAlias

import click

from msgflash_apply.api.client import Client
from msgflash_apply.cli import output, wiring
from msgflash_apply.cli.options import Globals, pass_globals
from msgflash_apply.errors import MsgflashApplyError
from msgflash_apply.files.load import Loaded, place
from msgflash_apply.findings import InvalidFiles
from msgflash_apply.models.project import DEFAULT_ENVIRONMENT, LIMITS, Settings
from msgflash_apply.plan.audience import MOST_REQUESTS, Counting
from msgflash_apply.plan.plan import Plan
from msgflash_apply.plan.planfile import SavedPlan, encode_plan
from msgflash_apply.plan.planner import Planner, PlanOptions
from msgflash_apply.plan.refresh import Refresh
from msgflash_apply.report.formats import MISTAKES_FORMATS, PLAN_FORMATS, Look
from msgflash_apply.report.own_secrets import redact
from msgflash_apply.state.snapshot import NO_STATE

Report: TypeAlias = tuple[str, Path]
"""A format of the plan, and the file to write it to."""

_STANDARD_OUTPUT = Path("-")

TARGET = click.option("--target", "targets", metavar="ADDR", multiple=True, help="Plan only this address (repeatable).")


def labels_from(ctx: click.Context, option: click.Parameter, selections: Sequence[str]) -> Mapping[str, str]:
    """Read `--select NAME=VALUE`, repeatable; the callback of that option."""
    labels = {}
    for selection in selections:
        name, equals, value = selection.partition("=")
        if not name or not equals:
            raise click.BadParameter(f"'{selection}' is not NAME=VALUE.", ctx, option)
        labels[name] = value
    return labels


SELECT = click.option(
    "--select",
    "labels",
    metavar="NAME=VALUE",
    multiple=True,
    callback=labels_from,
    help="Plan only campaigns with this label (repeatable).",
)

AUDIENCE = click.option(
    "--audience",
    "counting",
    type=click.Choice([each.value for each in Counting]),
    is_flag=False,
    flag_value=Counting.ALWAYS.value,
    default=Counting.AUTO.value,
    help=f"Count people with at most {MOST_REQUESTS} requests (auto), whatever it takes, or never [default: auto].",
)

OVERRIDE = click.option(
    "--override",
    "overrides",
    type=click.Choice(LIMITS),
    multiple=True,
    help="Lift this limit for one run (repeatable).",
)


def planner_for(
    settings: Settings,
    loaded: Loaded,
    client: Client | None,
    *,
    refresh: Refresh = Refresh.CHANGED,
    targets: tuple[str, ...] = (),
    labels: Mapping[str, str] | None = None,
    overrides: tuple[str, ...] = (),
    has_state: bool = True,
    counting: Counting = Counting.AUTO,
) -> Planner:
    """Make the planner of one run; see `PlanOptions`. Without a client it sends no request."""
    plan_options = PlanOptions(
        environment=settings.environment,
        server=wiring.server(),
        policy=settings.policy.without(overrides),
        refresh=refresh,
        targets=targets,
        labels=labels or {},
        has_state=has_state,
        counting=counting,
        place=partial(place, root=settings.root),
    )
    return Planner(loaded.campaigns, loaded.diagnostics, plan_options, client, wiring.now, loaded.templates)


def refuse_unmatched(plan: Plan, targets: tuple[str, ...], labels: Mapping[str, str]) -> None:
    """Refuse targets and labels that match nothing: they are misspelt, and an empty plan would hide it."""
    given = [*targets, *(f"{name}={value}" for name, value in labels.items())]
    if given and not plan.changes and not plan.templates:
        raise MsgflashApplyError("No campaign or template matches.", f"Given: {', '.join(given)}.")


def reports_from(ctx: click.Context, option: click.Parameter, given: Sequence[str]) -> Sequence[Report]:
    """Read `--report FORMAT=FILE`, repeatable; the callback of that option."""
    reports = []
    for text in given:
        format_, equals, file = text.partition("=")
        if format_ not in PLAN_FORMATS or not equals or not file:
            raise click.BadParameter(f"'{text}' is not FORMAT=FILE, with {', '.join(PLAN_FORMATS)}.", ctx, option)
        reports.append((format_, Path(file)))
    return reports


def write_report(text: str, file: Path, options: Globals) -> None:
    """Write a report to a file, or print it where the file is `-`."""
    if file == _STANDARD_OUTPUT:
        output.result(text)
    else:
        output.write_file(file, redact(text).encode("utf-8", "replace"), root=options.root)


def print_plan(plan: Plan, options: Globals, format_: str = "text", *, changes_only: bool = False) -> None:
    """Print a plan as the result of the command."""
    paint = output.paint_for(sys.stdout, options.colour)
    look = Look(wiring.now(), paint, output.width(), changes_only=changes_only)
    output.result(PLAN_FORMATS[format_](plan, look))


def with_mistakes(plan_command: Callable[..., int]) -> Callable[..., int]:
    """Hand all wanted reports to a command; where mistakes in the files end it, write them in place of the plan."""

    @wraps(plan_command)
    def command_with_mistakes(
        options: Globals, *, format_: str, file: Path | None, reports: Sequence[Report], **others: object
    ) -> int:
        every = [(format_, file or _STANDARD_OUTPUT), *reports]
        try:
            return plan_command(options, reports=every, **others)
        except InvalidFiles as err:
            environment = options.environment or os.environ.get("MSGFLASH_ENV") or DEFAULT_ENVIRONMENT
            look = Look(wiring.now(), source_line=output.source_line)
            for name, place in every:
                if name in MISTAKES_FORMATS:
                    write_report(MISTAKES_FORMATS[name](environment, err.diagnostics, look), place, options)
            raise

    return command_with_mistakes


@click.command
@click.option(
    "--format",
    "format_",
    type=click.Choice(list(PLAN_FORMATS)),
    default="text",
    help="Output format: for a terminal, a program, a comment on a pull request, or a page of its own.",
)
@click.option("--output", "file", type=click.Path(path_type=Path), help="Write the report to this file; - prints it.")
@click.option(
    "--report",
    "reports",
    metavar="FORMAT=FILE",
    multiple=True,
    callback=reports_from,
    help="Write the same plan to a file in another format too (repeatable).",
)
@click.option(
    "--refresh",
    type=click.Choice(["changed", "live", "none"]),
    default="changed",
    help="Read from MsgFlash the campaigns that would be acted on, all that are not over, or none.",
)
@click.option("--offline", is_flag=True, help="Send no requests; the plan lists what could not be checked.")
@click.option("--no-state", is_flag=True, help="Preview every campaign without a state (with --offline).")
@AUDIENCE
@TARGET
@SELECT
@OVERRIDE
@click.option("--changes-only", is_flag=True, help="Omit unchanged campaigns from the JSON output.")
@click.option("--out", "plan_file", type=click.Path(path_type=Path), help="Save the plan for `apply PLANFILE`.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 if there are changes.")
@pass_globals
@with_mistakes
def command(
    options: Globals,
    reports: Sequence[Report],
    refresh: str,
    targets: tuple[str, ...],
    labels: Mapping[str, str],
    overrides: tuple[str, ...],
    plan_file: Path | None,
    *,
    offline: bool,
    no_state: bool,
    counting: str,
    changes_only: bool,
    detailed_exitcode: bool,
) -> int:
    """
    Compare the files with the state and show what an apply would do. Changes nothing.

    Exits with 0, or with 3 if something is blocked. With --detailed-exitcode, exits with 2 if there are changes.
    """
    if no_state and not offline:
        raise click.UsageError("--no-state goes with --offline: without a state nothing can be compared.")
    if plan_file is not None and offline:
        raise click.UsageError("--out does not go with --offline: such a plan could not check everything.")
    if counting == Counting.ALWAYS and offline:
        raise click.UsageError("--audience always does not go with --offline: contacts are counted by reading them.")

    gc.disable()  # values without cycles, which live to the end: looking for some takes an eighth of the time
    settings = wiring.settings_of(options)
    try:  # the state first: decoding it takes memory for a moment, which the campaigns of the files then fill
        snapshot = NO_STATE if no_state else wiring.snapshot_of(settings, is_offline=offline)
    except MsgflashApplyError:
        wiring.load_files(settings)  # mistakes in the files are reported before anything that is wrong with the state
        raise
    loaded = wiring.load_files(settings)

    async def make_plan() -> Plan:
        async with nullcontext() if offline else wiring.client_of(settings) as client:
            planner = planner_for(
                settings,
                loaded,
                client,
                refresh=Refresh(refresh),
                targets=targets,
                labels=labels,
                overrides=overrides,
                has_state=not no_state,
                counting=Counting(counting),
            )
            return await planner.plan_without_lock(snapshot, lambda: wiring.snapshot_of(settings))

    plan = wiring.run(make_plan())
    refuse_unmatched(plan, targets, labels)
    if plan_file is not None:
        saved = SavedPlan(plan, loaded.campaigns, targets, labels, overrides, loaded.templates)
        output.write_file(plan_file, encode_plan(saved), root=options.root)
        output.note(f"Saved. To carry out exactly this: msgflash-apply apply {plan_file}")
    for name, file in reports:
        if file == _STANDARD_OUTPUT:
            print_plan(plan, options, name, changes_only=changes_only)
        else:
            write_report(PLAN_FORMATS[name](plan, Look(wiring.now(), changes_only=changes_only)), file, options)
    return plan.exit_code(detailed=detailed_exitcode)
