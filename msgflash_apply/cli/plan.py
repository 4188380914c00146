"""`plan`: what an apply would do. Writes nothing, neither on the server nor in the state."""

from pathlib import Path

import click

from msgflash_apply.cli.context import Globals, pass_globals
from msgflash_apply.config.policy import LIMITS


@click.command(short_help="Show what an apply would do. Changes nothing.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json", "markdown", "html"]),
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
    from msgflash_apply.cli.plan_making import make_plan
    from msgflash_apply.cli.planning import Request, labels_from, print_plan, save_plan, write_plan
    from msgflash_apply.engine.refresh import Refresh

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
        write_plan(plan, file, format_, changes_only=changes_only)
    return plan.exit_code(detailed=detailed_exitcode)
