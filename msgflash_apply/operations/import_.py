"""
`import`: take a campaign that exists on MsgFlash into the record, so that no apply creates it again.

Nothing is guessed: the campaign must be that of its file by meaning, unless a person takes it in spite of the
differences, and neither the id nor the address may be known to the state in any other way.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from shlex import quote
from zoneinfo import ZoneInfo

from msgflash_apply.api.models import NOT_ECHOED, Instance, RemoteCampaign, Template
from msgflash_apply.campaign import INSTANCE, TEMPLATE, Address, Facts, JsonObject, Record, parse_instant, plain_id
from msgflash_apply.errors import MsgflashApplyError
from msgflash_apply.models.campaign_file import NEEDED, WIRE_ORDER
from msgflash_apply.operations.resolve import refuse_known_id
from msgflash_apply.plan.echo import differences_from, spelled
from msgflash_apply.plan.lookup import LookedUp, table_of_server
from msgflash_apply.plan.plan import AttributeDiff
from msgflash_apply.state.snapshot import Snapshot

FILE_SAYS = "the file says {}"
"""About the first of two values, for `spelled`."""

_COPIED = frozenset(WIRE_ORDER) - {INSTANCE, TEMPLATE, "schedule", *NOT_ECHOED}


def refuse_known(snapshot: Snapshot, address: Address, identifier: str) -> None:
    """
    Refuse what the state has already.

    Raises:
        MsgflashApplyError: the state has a campaign at the address, or the id at any address.
    """
    if address in snapshot.in_doubt:
        fix = f"Say how it ended:\n  msgflash-apply resolve '{address}' --created {identifier}"
        raise MsgflashApplyError(f"{address} is in doubt.", "A create was sent for it, and no answer came.", fix)
    if address in snapshot.campaigns:
        detail = f"The state has {snapshot.campaigns[address].id} there."
        raise MsgflashApplyError(f"{address} is taken.", detail, "Give another address.")
    # The history is no obstacle: what was taken off the record by hand comes back this way.
    refuse_known_id(snapshot, address, identifier, in_history=False)


def refuse_doubtful(snapshot: Snapshot, remote: RemoteCampaign) -> None:
    """
    Refuse a campaign that a create in doubt may have made: adopted elsewhere, its own address would be sent again.

    Raises:
        MsgflashApplyError: with the address and the command that resolves it.
    """
    for address, intent in sorted(snapshot.in_doubt.items()):
        if not differences_from(intent.facts.payload, remote):
            fix = f"If it did:\n  msgflash-apply resolve '{address}' --created {quote(remote.id)}"
            raise MsgflashApplyError(f"Campaign {remote.id} may be the one in doubt at {address}.", "", fix)


def record_of(
    item: LookedUp,
    remote: RemoteCampaign,
    now: datetime,
    *,
    accept: Callable[[Sequence[AttributeDiff]], None] | None = None,
) -> Record:
    """
    Make the record by which the campaign of a file is the one on MsgFlash; it keeps what the file says.

    Args:
        item: of the file, with every name looked up.
        remote: as MsgFlash has it.
        now: when it was read.
        accept: shows the differences of a campaign that is taken in spite of them; None refuses it.

    Raises:
        MsgflashApplyError: they are not the same by meaning; says in what.
    """
    desired = item.desired
    if differing := differences_from(item.payload, remote):
        if accept is None:
            command = f"msgflash-apply import {quote(desired.address)} {quote(remote.id)}"
            raise MsgflashApplyError(
                f"Campaign {remote.id} is not {desired.address}.",
                "\n".join(f"  {line}" for line in spelled(differing, FILE_SAYS)),
                "Write the file as the campaign is; or, without a file, let it be written:\n"
                f"  {command} --generate\n"
                "If the file is right all the same, record the campaign with what the file says:\n"
                f"  {command} --accept-differences",
            )
        accept(differing)
    facts = Facts(
        payload=item.payload,
        fingerprint=item.fingerprint,
        names=desired.names,
        file=desired.source.file,
        timezone=desired.timezone,
        on_remove=desired.lifecycle.on_remove,
        labels=desired.labels,
        line=desired.source.line,
    )
    return Record(remote.id, remote.status, now, now, facts)


def fields_of(
    remote: RemoteCampaign, instances: Sequence[Instance], templates: Sequence[Template], timezone: str | None
) -> JsonObject:
    """
    Write a campaign of MsgFlash as the fields of a campaign file.

    Args:
        remote: the campaign.
        instances: of the account; the one that sends is called by its name where that is its alone.
        templates: likewise.
        timezone: in which to write the start; None for UTC.

    Raises:
        MsgflashApplyError: MsgFlash does not return all of it.
    """
    payload = remote.as_payload()
    missing = [name for name in NEEDED if name not in payload]
    if remote.template_id is None and remote.type in {None, "buttons"}:
        missing.append("title, description, footer and buttons" if remote.type else "type")
    try:
        start = parse_instant(str(payload["schedule"])) if "schedule" in payload else None
    except ValueError:
        start = None
        missing.append("start")
    if missing or start is None:
        raise MsgflashApplyError(
            f"No file can be made of campaign {remote.id}.",
            f"MsgFlash does not return its {', '.join(missing)}.",
            "Write the file by hand and import without --generate.",
        )
    table = table_of_server(instances, templates)
    fields: dict[str, object] = {}
    for field, word, named in ((INSTANCE, "instance", instances), (TEMPLATE, "template", templates)):
        if field in payload:
            name = next((one.name for one in named if plain_id(one.id) == payload[field]), "")
            is_alone = bool(name) and table.ids(field, name) == [payload[field]]
            fields[word if is_alone else field] = name if is_alone else payload[field]
    local = start.astimezone(UTC if timezone is None else ZoneInfo(timezone))
    fields["schedule"] = local.isoformat(timespec="milliseconds" if local.microsecond else "seconds")
    return fields | {name: value for name, value in payload.items() if name in _COPIED}
