"""
Resolving doubt: a person says how a create ended, and what can be checked is checked.

Contract section 6: `--created ID` is believed only if MsgFlash's campaign is this one; `--not-created` is somebody's
word.
"""

from collections.abc import Callable
from datetime import datetime

from msgflash_apply.api.client import Client
from msgflash_apply.campaign import Address, Intent, fingerprint
from msgflash_apply.engine.compare import differences
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
    intent = _in_doubt(ledger.snapshot, address)
    _refuse_known_id(ledger.snapshot, address, identifier)
    remote = await client.campaign(identifier)
    if remote is None:
        raise MsgflashApplyError(f"MsgFlash has no campaign {identifier}.", "", "Check the id, and the key's account.")
    told = remote.as_payload(intent.facts.payload)
    if fingerprint(told) != intent.facts.fingerprint:
        differing = differences(intent.facts.payload, told)
        lines = [f"  {diff.path}: {diff.before!r} was sent, it has {diff.after!r}" for diff in differing]
        raise MsgflashApplyError(f"Campaign {identifier} is not {address}.", "\n".join(lines))
    ledger.append(Created(address, identifier, remote.status, now()))


def resolve_not_created(ledger: Ledger, address: Address, now: Callable[[], datetime]) -> None:
    """
    Record a person's word that the create in doubt made nothing; the next plan may create it.

    Raises:
        MsgflashApplyError: nothing is in doubt there.
    """
    _in_doubt(ledger.snapshot, address)
    ledger.append(NotCreated(address, "resolved by a person", now()))


def _in_doubt(snapshot: Snapshot, address: Address) -> Intent:
    intent = snapshot.in_doubt.get(address)
    if intent is None:
        listed = ", ".join(sorted(snapshot.in_doubt)) or "nothing"
        raise MsgflashApplyError(
            f"{address} is not in doubt.", f"In doubt: {listed}.", "See: msgflash-apply state list"
        )
    return intent


def _refuse_known_id(snapshot: Snapshot, address: Address, identifier: str) -> None:
    for other, record in snapshot.campaigns.items():
        if identifier in {record.id, *record.former_ids}:
            raise MsgflashApplyError(
                f"Campaign {identifier} is not {address}.",
                f"The state has it at {other}.",
                "Give the id of another one.",
            )
