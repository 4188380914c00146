"""
Closing a doubt under the lock, by a person's word or by what MsgFlash shows.

`resolve`: tell how a create in doubt ended.
"""

import asyncio
from dataclasses import dataclass

import click

from msgflash_apply.campaign import Address
from msgflash_apply.cli import output, wiring
from msgflash_apply.cli.options import Globals, pass_globals, seconds_from
from msgflash_apply.errors import ExitCode
from msgflash_apply.operations.resolve import Probed, probe, resolve_created, resolve_not_created
from msgflash_apply.state.ledger import open_ledger


@dataclass(frozen=True, slots=True)
class Answer:
    """
    What a person says about a doubt.

    Attributes:
        address: in doubt.
        identifier: of the campaign it made; None where it made none or where it is to be found.
        probing: find it by its messages.
    """

    address: Address
    identifier: str | None
    probing: bool


async def resolve(options: Globals, answer: Answer, lock_timeout_seconds: float) -> Probed | None:
    """
    Record how a create ended.

    Returns:
        What was found or given, its `id` None when a probe found nothing and the doubt stays; None for "not created".
    """
    settings = wiring.settings_of(options)
    claim = wiring.claim(settings, "resolve", lock_timeout_seconds)
    with open_ledger(wiring.backend_of(settings), claim) as ledger:
        if answer.identifier is None and not answer.probing:
            resolve_not_created(ledger, answer.address, wiring.now)
            return None
        async with wiring.client_of(settings) as client:
            found = Probed(answer.identifier, messages=0, others=0)
            if answer.probing:
                found = await probe(ledger.snapshot, client, answer.address, wiring.now())
            if found.id is not None:
                await resolve_created(ledger, client, answer.address, found.id, wiring.now)
            return found


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
