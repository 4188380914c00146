"""
From a rendered campaign of the right shape to the value that plans are made of. Contract sections 2 and 5.

Read `desired` first: it builds the payload in the API's own order of fields.

What a message says, beyond its shape: what MsgFlash would send otherwise than its writer expects.

Direct content is not known to be rendered by the server, nor are the values of a template's variables: a placeholder in
them probably reaches people as `{{contact.firstName}}` (reference 5.1, 10.4).

Who gets it, beyond the shape: nobody twice. Contract section 2, reference 5.4.

What the schema cannot say about a single campaign: its start, its address, who gets it, what would be sent.

Every check looks only at fields of the right shape, so that one mistake is told once. Read `check_meaning` first.
"""

import re
from collections.abc import Iterator, Mapping
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
    read_address,
    shared_names,
)
from msgflash_apply.findings import Code, Finding, Severity, ValuePath, shown, spell, texts_in
from msgflash_apply.models.project import PlaceholderPolicy, Settings

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


DIRECT_FIELDS = ("body", "mediaUrl", "title", "description", "footer", "buttons")

PLACEHOLDER = re.compile(r"\{\{-?\s*(?:contact|user|instance)\b[^{}]*\}\}")

BUTTON_CHARACTERS = 50
"""As many as the vendor's console allows (reference 5.5)."""


def check_content(fields: Mapping[str, object], placeholders: PlaceholderPolicy) -> Iterator[Finding]:
    """
    Look for placeholders that would be sent as written, for http media, and for long buttons.

    Args:
        fields: a rendered campaign; only fields of the right shape.
        placeholders: what one in direct content draws; one in a template's variables always draws a warning.
    """
    if placeholders != "allow":
        severity = Severity.ERROR if placeholders == "error" else Severity.WARNING
        yield from _placeholders_in_direct(fields, severity)
    if "variables" in fields:
        yield from _placeholders_in_variables(fields["variables"])
    if "mediaUrl" in fields:
        yield from _check_media(fields["mediaUrl"])
    if "buttons" in fields:
        yield from _check_buttons(fields["buttons"])


def _placeholders_in_direct(fields: Mapping[str, object], severity: Severity) -> Iterator[Finding]:
    for name in DIRECT_FIELDS:
        value = fields.get(name)
        if value is None or (type(value) is str and "{{" not in value):
            continue
        for path, placeholder in _placeholders(value, (name,)):
            message = f"`{placeholder}` in `{spell(path)}` is probably sent as written: direct content is not rendered"
            hint = "use a `template`, or write a text that fits everyone"
            yield Finding(Code.PLACEHOLDER_IN_DIRECT, path, message, hint, severity=severity)


def _placeholders_in_variables(variables: object) -> Iterator[Finding]:
    for path, placeholder in _placeholders(variables, ("variables",)):
        message = (
            f"`{placeholder}` in `{spell(path)}` is probably sent as written: values of variables are not rendered"
        )
        hint = "write the placeholder into the template itself"
        yield Finding(Code.PLACEHOLDER_IN_VARIABLES, path, message, hint, severity=Severity.WARNING)


def _placeholders(value: object, path: ValuePath) -> Iterator[tuple[ValuePath, str]]:
    """The first placeholder of each text below `value`, with its place."""
    for inner, text in texts_in(value, path):
        if "{{" in text and (found := PLACEHOLDER.search(text)) is not None:
            yield inner, found[0]


def _check_media(url: object) -> Iterator[Finding]:
    if isinstance(url, str) and url[:7].lower() == "http://":
        message = "`mediaUrl` is not https: anyone on the way can read or change the file"
        hint = f"write `https://{url[7:]}` if the server can"
        yield Finding(Code.MEDIA_NOT_HTTPS, ("mediaUrl",), message, hint, severity=Severity.WARNING)


def _check_buttons(buttons: object) -> Iterator[Finding]:
    if not isinstance(buttons, list):
        return
    for index, button in enumerate(buttons):
        text = button.get("displayText") if isinstance(button, dict) else None
        if isinstance(text, str) and len(text) > BUTTON_CHARACTERS:
            path = ("buttons", index, "displayText")
            message = f"`{spell(path)}` is {len(text)} characters long and may be cut after {BUTTON_CHARACTERS}"
            yield Finding(Code.LONG_BUTTON, path, message, "shorten it", severity=Severity.WARNING)


def check_recipients(recipients: Mapping[str, object]) -> Iterator[Finding]:
    """Warn of repeated tags or contacts: once for the whole list, at the first repeat."""
    value = recipients.get("value")
    if not isinstance(value, list) or len(value) == len(set(value)):
        return
    places = {item: index for index, item in reversed(list(enumerate(value)))}
    first = next(index for index, item in enumerate(value) if places[item] < index)
    repeats = len(value) - len(set(value))
    message = f"{shown(value[first])} is listed before" + (f", and {repeats - 1} more repeats follow" * (repeats > 1))
    path = ("recipients", "value", first)
    yield Finding(Code.REPEATED_RECIPIENT, path, message, "delete the repeats", severity=Severity.WARNING)


def wire_recipients(recipients: Mapping[str, object]) -> Mapping[str, object]:
    """The audience as it goes on the wire: nobody twice, order kept."""
    value = recipients.get("value")
    if not isinstance(value, list) or len(value) == len(set(value)):
        return recipients
    return {**recipients, "value": list(dict.fromkeys(value))}


def check_meaning(fields: Fields, address: Address, settings: Settings) -> Iterator[Finding]:
    """
    Check everything but the start, which `start_of` reads.

    Args:
        fields: a rendered campaign; only fields of the right shape.
        address: as made from its file.
        settings: for the policy.
    """
    yield from check_content(fields, settings.policy.placeholders_in_direct)
    if (recipients := fields.get("recipients")) is not None:
        yield from check_recipients(cast("Fields", recipients))
    if fields.get("repeat") in {"daily", "weekly"}:
        message = f"`repeat: {fields['repeat']}`: MsgFlash does not document when a repeating campaign ends"
        hint = "watch it with `msgflash-apply status`, and end it with `paused: true`"
        yield Finding(Code.REPEAT_OPEN_ENDED, ("repeat",), message, hint, severity=Severity.WARNING)
    if "moved_from" in fields:
        yield from _check_former_addresses(cast("list[str]", fields["moved_from"]), address)


def _check_former_addresses(written: list[str], address: Address) -> Iterator[Finding]:
    for index, text in enumerate(written):
        former = read_address(text)
        if former is None:
            message = f"{shown(text)} is not an address"
            hint = 'write it as plans show it, for example `promo/old-name` or `promo/old-name["fr"]`'
            yield Finding(Code.BAD_FORMER_ADDRESS, ("moved_from", index), message, hint)
        elif former == address:
            message = f"{shown(text)} is this campaign's own address"
            yield Finding(
                Code.BAD_FORMER_ADDRESS, ("moved_from", index), message, "give the address that it had before"
            )
