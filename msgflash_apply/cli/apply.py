"""`apply`: plan, show, ask, lock, plan again, act."""

from pathlib import Path

import click

from msgflash_apply.cli.context import Globals, pass_globals
from msgflash_apply.config.policy import LIMITS


@click.command(short_help="Create what is missing, pause what is gone.")
@click.argument("plan_file", metavar="[PLANFILE]", required=False, type=click.Path(path_type=Path))
@click.option("--auto-approve", is_flag=True, help="Do not ask; for pipelines.")
@click.option("--expect", "digest", metavar="DIGEST", help="Apply only if the plan has this digest.")
@click.option("--target", "targets", metavar="ADDR", multiple=True, help="Keep to an address; repeatable.")
@click.option("--select", "selections", metavar="NAME=VALUE", multiple=True, help="Keep to a label; repeatable.")
@click.option("--override", "overrides", type=click.Choice(LIMITS), multiple=True, help="Lift a limit for this run.")
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", help="How to print the end.")
@click.option("--lock-timeout", metavar="DURATION", default="0s", help="Wait for the lock, e.g. 5m.")
@pass_globals
def command(
    options: Globals,
    plan_file: Path | None,
    digest: str | None,
    targets: tuple[str, ...],
    selections: tuple[str, ...],
    overrides: tuple[str, ...],
    format_: str,
    lock_timeout: str,
    *,
    auto_approve: bool,
) -> int:
    """
    Carry out a plan, made anew from the files or read from PLANFILE (see `plan --out`).

    Each campaign is created at most once, and every step is written down before it is taken.

    Exits 0 when all is done, 3 when something is blocked, failed or in doubt, 130 or 143 after a signal.
    """
    import asyncio

    from msgflash_apply.cli.applying import Order, run_apply
    from msgflash_apply.cli.durations import seconds_from
    from msgflash_apply.cli.planning import Request, labels_from

    if plan_file is not None and (targets or selections or overrides):
        raise click.UsageError("A saved plan is applied as it is: --target, --select and --override go with `plan`.")
    order = Order(
        request=Request(targets=targets, labels=labels_from(selections), overrides=overrides),
        auto_approve=auto_approve,
        digest=digest,
        as_json=format_ == "json",
        lock_timeout_seconds=seconds_from(lock_timeout),
        plan_file=plan_file,
    )
    return asyncio.run(run_apply(options, order))
