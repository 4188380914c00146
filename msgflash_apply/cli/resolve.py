"""`resolve`: tell how a create in doubt ended."""

import click

from msgflash_apply.cli.context import Globals, pass_globals


@click.command(short_help="Tell how a create in doubt ended.")
@click.argument("address")
@click.option("--created", "identifier", metavar="ID", help="It made this campaign; checked against MsgFlash.")
@click.option("--not-created", is_flag=True, help="It made nothing; the next apply may create it.")
@click.option("--lock-timeout", metavar="DURATION", default="0s", help="Wait for the lock, e.g. 5m.")
@pass_globals
def command(options: Globals, address: str, identifier: str | None, lock_timeout: str, *, not_created: bool) -> None:
    """Close the doubt about ADDRESS, after a look into the MsgFlash console."""
    import asyncio

    from msgflash_apply.campaign import Address
    from msgflash_apply.cli import output, wiring
    from msgflash_apply.cli.durations import seconds_from
    from msgflash_apply.engine.doubt import resolve_created, resolve_not_created
    from msgflash_apply.state.ledger import open_ledger

    if (identifier is None) is not not_created:
        raise click.UsageError("Say one of --created ID and --not-created.")
    settings = wiring.settings_of(options)

    async def check_and_record() -> None:
        with open_ledger(
            wiring.backend_of(settings),
            environment=settings.environment,
            holder=wiring.holder("resolve"),
            lock_timeout_seconds=seconds_from(lock_timeout),
            now=wiring.now,
        ) as ledger:
            if identifier is None:
                resolve_not_created(ledger, Address(address), wiring.now)
                return
            async with wiring.client_of(settings) as client:
                await resolve_created(ledger, client, Address(address), identifier, wiring.now)

    asyncio.run(check_and_record())
    output.result(f"{address}: recorded as {'not created' if identifier is None else identifier}.")
