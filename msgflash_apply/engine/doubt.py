"""
Resolving doubt: a person says how a create ended, and what can be checked is checked.

Contract section 6: `--created ID` is believed only if MsgFlash's campaign is this one; `--not-created` is somebody's
word.
"""

from collections.abc import Callable
from datetime import datetime

from msgflash_apply.api.client import Client
from msgflash_apply.api.wire import RemoteCampaign
from msgflash_apply.campaign import Address, Intent, fingerprint
from msgflash_apply.engine.compare import differences
from msgflash_apply.engine.plan import AttributeDiff
from msgflash_apply.errors import MsgflashApplyError
from msgflash_apply.state.journal import Created, NotCreated
from msgflash_apply.state.ledger import Ledger
from msgflash_apply.state.snapshot import Snapshot


async def resolve_created(
    ledger: Ledger, client: Client, address: Address, identifier: str, now: Callable[[], datetime]
) -> None:
    """
    Record that the create in doubt made the campaign `identifier`.

    Raises:
        MsgflashApplyError: nothing is in doubt there, the id belongs to another address, there is no such campaign, or
            it is another one.
        ApiError: MsgFlash could not be asked.
    """
    intent = in_doubt(ledger.snapshot, address)
    refuse_known_id(ledger.snapshot, address, identifier, in_history=True)
    remote = await client.campaign(identifier)
    if remote is None:
        raise MsgflashApplyError(f"MsgFlash has no campaign {identifier}.", "", "Check the id, and the key's account.")
    if differing := differences_from(intent, remote):
        lines = [f"  {diff.path}: {diff.before!r} was sent, it has {diff.after!r}" for diff in differing]
        raise MsgflashApplyError(f"Campaign {identifier} is not {address}.", "\n".join(lines))
    ledger.append(Created(address, identifier, remote.status, now()))


def differences_from(intent: Intent, remote: RemoteCampaign) -> tuple[AttributeDiff, ...]:
    """List in what a campaign of MsgFlash is not the one that was announced; empty when it is the same by meaning."""
    sent = intent.facts.payload
    told = remote.as_payload(sent)
    return () if fingerprint(told) == intent.facts.fingerprint else differences(sent, told)


def resolve_not_created(ledger: Ledger, address: Address, now: Callable[[], datetime]) -> None:
    """
    Record a person's word that the create in doubt made nothing; the next plan may create it.

    Raises:
        MsgflashApplyError: nothing is in doubt there.
    """
    in_doubt(ledger.snapshot, address)
    ledger.append(NotCreated(address, "resolved by a person", now()))


def in_doubt(snapshot: Snapshot, address: Address) -> Intent:
    """Return the open intent of an address; MsgflashApplyError where nothing is in doubt."""
    intent = snapshot.in_doubt.get(address)
    if intent is None:
        listed = ", ".join(sorted(snapshot.in_doubt)) or "nothing"
        raise MsgflashApplyError(
            f"{address} is not in doubt.", f"In doubt: {listed}.", "See: msgflash-apply state list"
        )
    return intent


def refuse_known_id(snapshot: Snapshot, address: Address, identifier: str, *, in_history: bool) -> None:
    """Refuse an id that the state has, now or also in its history, anywhere; MsgflashApplyError says where."""
    for known, other in snapshot.ids(in_history=in_history):
        if known == identifier:
            raise MsgflashApplyError(
                f"Campaign {identifier} is not {address}.",
                f"The state has it at {other}.",
                "Give the id of another one.",
            )
