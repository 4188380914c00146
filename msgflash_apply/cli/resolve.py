"""`resolve`: tell how a create in doubt ended."""

import click

from msgflash_apply.cli.context import Globals, pass_globals
from msgflash_apply.errors import ExitCode


@click.command(short_help="Tell how a create in doubt ended.")
@click.argument("address")
@click.option("--created", "identifier", metavar="ID", help="It made this campaign; checked against MsgFlash.")
@click.option("--not-created", is_flag=True, help="It made nothing; the next apply may create it.")
@click.option("--probe", "probing", is_flag=True, help="Find it by the messages it sent; after its start.")
@click.option("--lock-timeout", metavar="DURATION", default="0s", help="Wait for the lock, e.g. 5m.")
@pass_globals
def command(
    options: Globals, address: str, identifier: str | None, lock_timeout: str, *, not_created: bool, probing: bool
) -> int:
    """Close the doubt about ADDRESS, after a look into the MsgFlash console or into the messages it sent."""
    import asyncio

    from msgflash_apply.campaign import Address
    from msgflash_apply.cli import output
    from msgflash_apply.cli.durations import seconds_from
    from msgflash_apply.cli.resolving import Answer, resolve

    if [identifier is not None, not_created, probing].count(True) != 1:
        raise click.UsageError("Say one of --created ID, --not-created and --probe.")
    answer = Answer(Address(address), identifier, probing=probing)
    found = asyncio.run(resolve(options, answer, seconds_from(lock_timeout)))
    if found is None:
        output.result(f"{address}: recorded as not created.")
    elif found.id is None:
        output.result(
            f"{address}: no message of it among {found.messages} of its instance since its start; "
            f"{found.others} other campaigns were looked at.\n"
            "That proves nothing, so it stays in doubt. Look into the MsgFlash console."
        )
        return ExitCode.PERSON_NEEDED
    else:
        output.result(f"{address}: recorded as {found.id}.")
    return ExitCode.DONE
