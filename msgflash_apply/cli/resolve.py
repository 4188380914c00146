"""
`resolve`: record the outcome of a create whose result is unknown, from the user or from its messages on MsgFlash.

What each outcome needs to be accepted is decided in operations/resolve.py.
"""

import asyncio

import click

from msgflash_apply.campaign import Address, plain_id
from msgflash_apply.cli import output, wiring
from msgflash_apply.cli.options import LOCK_TIMEOUT, Globals, pass_globals
from msgflash_apply.errors import ExitCode
from msgflash_apply.operations.resolve import Probed, probe, resolve_created, resolve_not_created


@click.command
@click.argument("address")
@click.option("--created", "identifier", metavar="ID", help="Record this campaign, after checking it on MsgFlash.")
@click.option("--not-created", is_flag=True, help="Record that nothing was created; the next apply may create it.")
@click.option("--probe", "probing", is_flag=True, help="Find the campaign by its messages, after its start time.")
@LOCK_TIMEOUT
@pass_globals
def command(
    options: Globals,
    address: str,
    identifier: str | None,
    lock_timeout_seconds: float,
    *,
    not_created: bool,
    probing: bool,
) -> int:
    """
    Record whether the create in doubt at ADDRESS reached MsgFlash.

    Look into the MsgFlash console first, or use --probe.
    """
    if [identifier is not None, not_created, probing].count(True) != 1:
        raise click.UsageError("Give one of --created ID, --not-created and --probe.")
    settings, key = wiring.settings_of(options), Address(address)

    async def record() -> Probed | None:
        """Record the outcome: None for "not created"; a probe that found nothing has no `id`, and records nothing."""
        with wiring.ledger_of(settings, "resolve", lock_timeout_seconds) as ledger:
            if not_created:
                resolve_not_created(ledger, key, wiring.now)
                return None
            async with wiring.client_of(settings) as client:
                found = Probed(identifier and plain_id(identifier), messages=0, others=0)
                if probing:
                    found = await probe(ledger.snapshot, client, key, wiring.now())
                if found.id is not None:
                    await resolve_created(ledger, client, key, found.id, wiring.now)
                return found

    found = asyncio.run(record())
    if found is None:
        output.result(f"{address}: recorded as not created.")
    elif found.id is not None:
        output.result(f"{address}: recorded as {found.id}.")
    else:
        output.result(
            f"{address}: no message of it among {found.messages} of its instance since its start; "
            f"{found.others} other campaigns were looked at.\n"
            "That proves nothing, so it stays in doubt. Look into the MsgFlash console."
        )
        return ExitCode.PERSON_NEEDED
    return ExitCode.DONE
