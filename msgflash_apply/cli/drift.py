"""`drift`: compare the state with MsgFlash, then the files with both. Changes nothing."""

import sys
from collections.abc import Sequence

import click

from msgflash_apply import __version__
from msgflash_apply.cli import output, wiring
from msgflash_apply.cli.options import TEXT_OR_JSON, Globals, pass_globals
from msgflash_apply.cli.plan import planner_for, print_plan
from msgflash_apply.errors import ExitCode
from msgflash_apply.operations.drift import Drift, drift_of
from msgflash_apply.plan.plan import Plan
from msgflash_apply.plan.refresh import Refresh
from msgflash_apply.report.json_ import drift_to_json
from msgflash_apply.report.text import drift_to_text


@click.command
@TEXT_OR_JSON
@pass_globals
def command(options: Globals, format_: str) -> int:
    """
    Read every campaign that is not over and compare the state with MsgFlash, then the files with both.

    Changes nothing. Sends one request per campaign, and a few to count people.

    Exits with 0 if nothing differs, with 2 if something does, and with 3 if something is blocked.
    """
    settings = wiring.settings_of(options)
    loaded = wiring.load_files(settings)
    snapshot = wiring.snapshot_of(settings)

    async def look() -> tuple[Plan, Sequence[Drift]]:
        async with wiring.client_of(settings) as client:
            planner = planner_for(settings, loaded, client, refresh=Refresh.LIVE)
            plan = await planner.plan_without_lock(snapshot, lambda: wiring.snapshot_of(settings))
            audiences = await planner.recount(planner.prior.snapshot)
        return plan, drift_of(planner.prior, planner.instances, audiences)

    plan, found = wiring.run(look())
    if format_ == "json":
        output.result(drift_to_json(found, plan, tool_version=__version__))
    else:
        output.result(drift_to_text(found, paint=output.paint_for(sys.stdout, options.colour)) + "\n")
        print_plan(plan, options)
    code = plan.exit_code(detailed=True)
    return ExitCode.CHANGES if found and code is ExitCode.DONE else code
