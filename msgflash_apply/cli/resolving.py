"""Closing a doubt under the lock, by a person's word or by what MsgFlash shows."""

from dataclasses import dataclass

from msgflash_apply.campaign import Address
from msgflash_apply.cli import wiring
from msgflash_apply.cli.context import Globals
from msgflash_apply.engine.doubt import resolve_created, resolve_not_created
from msgflash_apply.engine.probe import Probed, probe
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
