"""`import`: take a campaign that exists into the record."""

import click

from msgflash_apply.cli.context import Globals, pass_globals


@click.command(name="import", short_help="Take a campaign that exists into the record.")
@click.argument("address")
@click.argument("identifier", metavar="ID")
@click.option("--generate", is_flag=True, help="Write its file, too; never over one that is there.")
@click.option("--lock-timeout", metavar="DURATION", default="0s", help="Wait for the lock, e.g. 5m.")
@pass_globals
def command(options: Globals, address: str, identifier: str, lock_timeout: str, *, generate: bool) -> None:
    """
    Record that the campaign ID of MsgFlash is the one at ADDRESS, so that no apply creates it again.

    Its file must say what the campaign is; with --generate it is written. Changes nothing on MsgFlash.
    """
    import asyncio

    from msgflash_apply.campaign import Address
    from msgflash_apply.cli import output
    from msgflash_apply.cli.durations import seconds_from
    from msgflash_apply.cli.importing import Adoption, adopt

    wanted = Adoption(Address(address), identifier, generate)
    file = asyncio.run(adopt(options, wanted, seconds_from(lock_timeout)))
    output.result(f"{address}: recorded as {identifier}, " + (f"and wrote {file}." if generate else f"as {file} says."))
