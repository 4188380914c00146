"""
Record the outcome of a create whose result is unknown, and check of it what can be checked; contract section 6.

`--created ID` is believed only if MsgFlash's campaign is this one by meaning, or if a person takes it as it is.
`--not-created` is a person's word alone, and taken only once nothing can arrive any more. `--probe` looks for the
campaign by what it sent: messages carry a `campaignId` (reference 7), and nothing else names it. So it works only after
the start, and proves only that a campaign exists: no message found proves nothing.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from shlex import quote

from msgflash_apply.api.client import LONGEST_REQUEST, Client
from msgflash_apply.campaign import Address, Intent, plain_id
from msgflash_apply.errors import MsgflashApplyError
from msgflash_apply.plan.echo import differences_from, is_similar, spelled
from msgflash_apply.plan.plan import AttributeDiff
from msgflash_apply.state.journal import Created, NotCreated
from msgflash_apply.state.ledger import Ledger
from msgflash_apply.state.snapshot import Snapshot


async def resolve_created(
    ledger: Ledger,
    client: Client,
    address: Address,
    identifier: str,
    now: Callable[[], datetime],
    *,
    accept: Callable[[Sequence[AttributeDiff]], None] | None = None,
) -> None:
    """
    Record that the create in doubt made the campaign `identifier`; the record keeps what was sent.

    Args:
        ledger: open.
        client: MsgFlash.
        address: in doubt.
        identifier: of the campaign.
        now: the clock.
        accept: shows the differences of a campaign that is taken in spite of them; None refuses it.

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
    if differing := differences_from(intent.facts.payload, remote):
        if accept is None:
            raise MsgflashApplyError(
                f"Campaign {identifier} is not {address}.",
                "\n".join(f"  {line}" for line in spelled(differing)),
                f"If it is all the same, record it as it is:\n  {accepting_command(address, identifier)}",
            )
        accept(differing)
    ledger.append(Created(address, identifier, remote.status, now()))


def accepting_command(address: Address, identifier: str) -> str:
    """Spell the command that records a campaign in spite of its differences."""
    return f"msgflash-apply resolve {quote(address)} --created {quote(identifier)} --accept-differences"


def resolve_not_created(
    ledger: Ledger, address: Address, now: Callable[[], datetime], *, shown: Intent | None = None
) -> None:
    """
    Record a person's word that the create in doubt made nothing; the next plan may create it.

    Args:
        ledger: open.
        address: in doubt.
        now: the clock.
        shown: the create that the person was asked about; None where none was shown.

    Raises:
        MsgflashApplyError: nothing is in doubt there, another create than the one that was shown, or one that may
            still arrive.
    """
    intent = in_doubt(ledger.snapshot, address)
    if intent != shown and shown is not None:
        raise MsgflashApplyError(f"Another create is in doubt at {address} by now.", "", "Look at it again.")
    refuse_what_may_arrive(intent, address, now())
    ledger.append(NotCreated(address, "resolved by a person", now()))


def refuse_what_may_arrive(intent: Intent, address: Address, now: datetime) -> None:
    """Refuse a word about a create that may still be sent, or is on its way; MsgflashApplyError says until when."""
    until = (intent.last_sent_at + LONGEST_REQUEST).replace(microsecond=0) + timedelta(seconds=1)
    if now < until:
        raise MsgflashApplyError(
            f"It cannot be known yet that {address} was not created.",
            f"It was announced at {intent.announced_at:%Y-%m-%d %H:%M:%S} UTC. A run that was stopped may wake up and"
            f" send it, or a slow answer may be on its way, until {until:%Y-%m-%d %H:%M:%S} UTC.",
            "After that time look into the MsgFlash console, and run the command again.",
        )


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
        if known == plain_id(identifier):
            raise MsgflashApplyError(
                f"Campaign {identifier} is not {address}.",
                f"The state has it at {other}.",
                "Give the id of another one.",
            )


MOST_PAGES = 50


@dataclass(frozen=True, slots=True)
class Probed:
    """
    What a probe found.

    Attributes:
        id: of the campaign that is this one; None where none was found.
        messages: how many messages were looked through.
        others: how many campaigns that the state does not know were looked at and are other ones.
        similar: of these, by id, what differs in those of this instance, name and start.
    """

    id: str | None
    messages: int
    others: int
    similar: Mapping[str, Sequence[AttributeDiff]] = field(default_factory=dict)


async def probe(snapshot: Snapshot, client: Client, address: Address, now: datetime) -> Probed:
    """
    Look through the instance's messages since the start for the campaign in doubt. Changes nothing.

    Args:
        snapshot: the state; campaigns that it knows are not looked at.
        client: MsgFlash.
        address: in doubt.
        now: the time.

    Raises:
        MsgflashApplyError: nothing is in doubt there, or its start is ahead, so that no message can be there yet.
        ApiError: MsgFlash could not be asked.
    """
    intent = in_doubt(snapshot, address)
    starts_at = intent.facts.starts_at
    if now < starts_at:
        raise MsgflashApplyError(
            f"{address} cannot be probed yet.",
            f"It is found by the messages it sends, and its start is {starts_at:%Y-%m-%d %H:%M} UTC.",
            "Until then, look into the MsgFlash console and use --created ID or --not-created.",
        )
    seen, messages = {identifier for identifier, _ in snapshot.ids()}, 0
    similar: dict[str, Sequence[AttributeDiff]] = {}
    known = len(seen)
    async for count, identifiers in _campaigns_of_messages(client, str(intent.facts.payload["instanceId"]), starts_at):
        messages += count
        for identifier in sorted(identifiers - seen):
            seen.add(identifier)
            remote = await client.campaign(identifier)
            if remote is None:
                continue
            differing = differences_from(intent.facts.payload, remote)
            if not differing:
                return Probed(identifier, messages, len(seen) - known - 1)
            if is_similar(differing):
                similar[identifier] = differing
    return Probed(None, messages, len(seen) - known, similar)


async def _campaigns_of_messages(
    client: Client, instance_id: str, since: datetime
) -> AsyncIterator[tuple[int, set[str]]]:
    """Give, page by page, how many messages there are and which campaigns they belong to."""
    cursor: str | None = None
    for _ in range(MOST_PAGES):
        page = await client.messages(instance_id, cursor)
        recent = [one for one in page.messages if one.created_at is None or one.created_at >= since]
        yield len(recent), {plain_id(one.campaign_id) for one in recent if one.campaign_id is not None}
        # The order of the pages is not documented; a whole page from before the start is taken as the end.
        if not recent or not page.has_more or page.next_cursor is None:
            return
        cursor = page.next_cursor
