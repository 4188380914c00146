"""
From a rendered campaign of the right shape to the value that plans are made of. Contract sections 2 and 5.

Read `desired` first: it builds the payload in the API's own order of fields.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import cast

from msgflash_apply.campaign import (
    DEFAULT_LIFECYCLE,
    Address,
    Desired,
    Lifecycle,
    Source,
    format_instant,
    shared_names,
)
from msgflash_apply.config.addresses import read_address
from msgflash_apply.config.recipients import wire_recipients
from msgflash_apply.config.settings import Settings

Fields = Mapping[str, object]

UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
AS_WRITTEN = ("type", "body", "mediaUrl", "title", "description", "footer", "buttons")
"""Fields of the file that go on the wire as they are, in the API's order; reference 5.1."""
WIRE_NAMES = {"instance": "instanceId", "template": "templateId"}


def desired(fields: Fields, address: Address, source: Source, starts_at: datetime, settings: Settings) -> Desired:
    """
    Build one campaign.

    Args:
        fields: rendered, of the right shape, and without a mistake.
        address: as made from its file.
        source: where it is written.
        starts_at: the instant of its `schedule`.
        settings: for defaults.
    """
    names: dict[str, str] = {}
    payload = _payload(fields, starts_at, names, settings.instance)
    return Desired(
        address=address,
        source=source,
        payload=payload,
        names=shared_names(names),
        starts_at=starts_at,
        timezone=cast("str | None", fields.get("timezone", settings.timezone)),
        paused=cast("bool | None", fields.get("paused")),
        lifecycle=_lifecycle(fields.get("lifecycle")),
        labels=cast("Mapping[str, str]", fields.get("labels", {})),
        moved_from=former_addresses(fields),
    )


def former_addresses(fields: Fields) -> tuple[Address, ...]:
    """The entries of `moved_from` that are addresses, in the file's order."""
    written = cast("list[str]", fields.get("moved_from", ()))
    return tuple(address for text in written if (address := read_address(text)) is not None)


def _payload(fields: Fields, starts_at: datetime, names: dict[str, str], instance: str | None) -> dict[str, object]:
    """The body of the create, as far as it is known, in the API's order; what must be looked up goes into `names`."""
    payload: dict[str, object] = {}
    _refer("instanceId", fields.get("instanceId") or fields.get("instance") or instance or "", payload, names)
    payload["name"] = fields["name"]
    payload["schedule"] = format_instant(starts_at)
    if (repeat := fields.get("repeat")) in {"daily", "weekly"}:  # once is said by silence: reference 5.3
        payload["repeat"] = repeat
    payload["recipients"] = wire_recipients(cast("Fields", fields["recipients"]))
    if template := fields.get("templateId") or fields.get("template"):
        _refer("templateId", template, payload, names)
    if variables := fields.get("variables"):
        payload["variables"] = variables
    for name in AS_WRITTEN:
        if name in fields:
            payload[name] = fields[name]
    return payload


def _refer(field: str, value: object, payload: dict[str, object], names: dict[str, str]) -> None:
    """An id goes into the payload; a name waits in `names` until it is looked up."""
    text = str(value)
    if _is_id(text):
        payload[field] = text
    else:
        names[field] = text


@lru_cache(maxsize=1024)
def _is_id(text: str) -> bool:
    return UUID.fullmatch(text) is not None


def _lifecycle(value: object) -> Lifecycle:
    if not isinstance(value, dict):
        return DEFAULT_LIFECYCLE
    ignored = tuple(WIRE_NAMES.get(name, name) for name in value.get("ignore_changes", ()))
    return Lifecycle(value.get("on_change", "block"), value.get("on_remove", "pause"), ignored)
