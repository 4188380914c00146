"""`drift`: what is not as the record or the files have it. Changes nothing."""

import asyncio
import sys
from collections.abc import Sequence

import click

from msgflash_apply import __version__
from msgflash_apply.cli import output, wiring
from msgflash_apply.cli.options import Globals, pass_globals
from msgflash_apply.cli.plan import Request, planner_for, print_plan
from msgflash_apply.errors import ExitCode
from msgflash_apply.operations.drift import Drift, drift_of
from msgflash_apply.plan.plan import Plan
from msgflash_apply.plan.refresh import Refresh
from msgflash_apply.report.json_ import plan_to_json
from msgflash_apply.report.text import drift_to_json, drift_to_text


@click.command(short_help="Show what differs from the record. Changes nothing.")
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", help="How to print.")
@pass_globals
def command(options: Globals, format_: str) -> int:
    """
    Read every campaign that is not over and compare: record with MsgFlash, then files with both. Changes nothing.

    One request per campaign. Exits 0 when nothing differs, 2 when something does, 3 when something is blocked.
    """
    plan, found = asyncio.run(_look(options))
    _print(plan, found, options, as_json=format_ == "json")
    code = plan.exit_code(detailed=True)
    return ExitCode.CHANGES if found and code is ExitCode.DONE else code


async def _look(options: Globals) -> tuple[Plan, Sequence[Drift]]:
    settings = wiring.settings_of(options)
    loaded = wiring.load_files(settings)
    snapshot = wiring.snapshot_of(settings)
    async with wiring.client_of(settings) as client:
        planner = planner_for(settings, loaded, Request(Refresh.LIVE), client)
        plan = await planner.plan(snapshot)
    return plan, drift_of(snapshot, planner.readings)


def _print(plan: Plan, found: Sequence[Drift], options: Globals, *, as_json: bool) -> None:

    if as_json:
        output.result(drift_to_json(found, plan_to_json(plan, tool_version=__version__)))
        return
    output.result(drift_to_text(found, paint=output.paint_for(sys.stdout, options.colour)) + "\n")
    print_plan(plan, options)
