"""
A rendered campaign of the right shape: what goes on the wire, and what its schema cannot say about it.

`desired` builds the payload, in the API's own order of fields. `check_meaning` looks for what MsgFlash would send
otherwise than its writer expects, and for former addresses that are none; `schema.py` checks the shape before (which
fields a type needs, how long a text may be), and the start is read in `files/schedule.py`. Contract sections 2 and 5.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import cast

from msgflash_apply.campaign import (
    DEFAULT_LIFECYCLE,
    FIELD_ORDER,
    UUID,
    Address,
    Desired,
    Lifecycle,
    Source,
    format_instant,
    plain_id,
    read_address,
    shared_names,
    with_plain_ids,
)
from msgflash_apply.findings import Code, Finding, Severity, shown, spell, texts_in
from msgflash_apply.models.project import PlaceholderPolicy, Settings

Fields = Mapping[str, object]

AS_WRITTEN = FIELD_ORDER[FIELD_ORDER.index("type") :]
"""Direct content: fields of the file that go on the wire as they are; reference 5.1."""

WIRE_NAMES = {"instance": "instanceId", "template": "templateId"}

PLACEHOLDER = re.compile(r"\{\{-?\s*(?:contact|user|instance)\b[^{}]*\}\}")

BUTTON_CHARACTERS = 50
"""As many as the vendor's console allows (reference 5.5)."""


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
    payload: dict[str, object] = {}
    names: dict[str, str] = {}
    _refer("instanceId", fields.get("instanceId") or fields.get("instance") or settings.instance or "", payload, names)
    payload["name"] = fields["name"]
    payload["schedule"] = format_instant(starts_at)
    if (repeat := fields.get("repeat")) in {"daily", "weekly"}:  # once is said by silence: reference 5.3
        payload["repeat"] = repeat
    recipients = cast("Fields", with_plain_ids({"recipients": fields["recipients"]})["recipients"])
    if isinstance(value := recipients.get("value"), list) and len(set(value)) < len(value):
        recipients = {**recipients, "value": list(dict.fromkeys(value))}  # no person twice: reference 5.4
    payload["recipients"] = recipients
    if template := fields.get("templateId") or fields.get("template"):
        _refer("templateId", template, payload, names)
    if variables := fields.get("variables"):
        payload["variables"] = variables
    for name in AS_WRITTEN:
        if name in fields:
            payload[name] = fields[name]
    lifecycle = DEFAULT_LIFECYCLE
    if isinstance(written := fields.get("lifecycle"), dict):
        ignored = tuple(WIRE_NAMES.get(name, name) for name in written.get("ignore_changes", ()))
        default = DEFAULT_LIFECYCLE
        lifecycle = Lifecycle(
            written.get("on_change", default.on_change), written.get("on_remove", default.on_remove), ignored
        )
    moved_from = map(read_address, cast("list[str]", fields.get("moved_from", ())))
    return Desired(
        address=address,
        source=source,
        payload=payload,
        names=shared_names(names),
        starts_at=starts_at,
        timezone=cast("str | None", fields.get("timezone", settings.timezone)),
        paused=cast("bool | None", fields.get("paused")),
        lifecycle=lifecycle,
        labels=cast("Mapping[str, str]", fields.get("labels", {})),
        moved_from=tuple(former for former in moved_from if former is not None),
    )


def _refer(field: str, value: object, payload: dict[str, object], names: dict[str, str]) -> None:
    """An id goes into the payload; a name waits in `names` until it is looked up."""
    text = str(value)
    if UUID.fullmatch(text):
        payload[field] = plain_id(text)
    else:
        names[field] = text


def check_meaning(fields: Fields, address: Address, settings: Settings) -> Iterator[Finding]:
    """
    Check everything but the start. Every check looks only at fields of the right shape: one mistake, one finding.

    Args:
        fields: a rendered campaign; only fields of the right shape.
        address: as made from its file.
        settings: for the policy.
    """
    yield from _check_placeholders(fields, settings.policy.placeholders_in_direct)
    if "mediaUrl" in fields or "buttons" in fields:
        yield from _check_media_and_buttons(fields.get("mediaUrl"), fields.get("buttons"))
    if (recipients := fields.get("recipients")) is not None:
        yield from _check_recipients(cast("Fields", recipients))
    if (repeat := fields.get("repeat")) in {"daily", "weekly"}:
        message = f"`repeat: {repeat}`: MsgFlash does not document when a repeating campaign ends"
        hint = "watch it with `msgflash-apply status`, and end it with `paused: true`"
        yield Finding(Code.REPEAT_OPEN_ENDED, ("repeat",), message, hint, severity=Severity.WARNING)
    elif repeat == "noe":  # a slip in the vendor's own pages: reference 5.3
        message, hint = "`repeat: noe` is taken for `none`: the campaign goes out once", "write `none`, or leave it out"
        yield Finding(Code.NOT_ALLOWED, ("repeat",), message, hint, severity=Severity.WARNING)
    for index, text in enumerate(cast("list[str]", fields.get("moved_from", ()))):
        former = read_address(text)
        if (meant := _address_in(text, settings.campaigns)) is not None:
            message, hint = f"{shown(text)} is a path, and an address is needed", f"write `{meant}`"
            yield Finding(Code.BAD_FORMER_ADDRESS, ("moved_from", index), message, hint)
        elif former is None:
            message = f"{shown(text)} is not an address"
            hint = 'write it as plans show it, for example `promo/old-name` or `promo/old-name["fr"]`'
            yield Finding(Code.BAD_FORMER_ADDRESS, ("moved_from", index), message, hint)
        elif former == address:
            message, hint = f"{shown(text)} is this campaign's own address", "give the address that it had before"
            yield Finding(Code.BAD_FORMER_ADDRESS, ("moved_from", index), message, hint)


def _address_in(text: str, folder: str) -> Address | None:
    """Read the address in the path of a file, below the campaigns folder or with it; None for what is no path."""
    base, bracket, entry = text.partition("[")
    path = base.replace("\\", "/").removeprefix("./").removeprefix("/").removeprefix(f"{folder}/")
    stem = re.sub(r"\.ya?ml\Z", "", path, flags=re.IGNORECASE)
    return read_address(f"{stem}{bracket}{entry}") if stem != base else None


def _check_placeholders(fields: Fields, policy: PlaceholderPolicy) -> Iterator[Finding]:
    """
    Find the first placeholder of MsgFlash in each text that its server is not known to render.

    That is direct content, and the values of a template's variables: people probably get `{{contact.firstName}}`
    (reference 5.1, 10.4). The policy is about direct content; in variables a placeholder always draws a warning.
    """
    for name in ("variables",) if policy == "allow" else (*AS_WRITTEN, "variables"):
        value = fields.get(name)
        if value is None or (type(value) is str and "{{" not in value):
            continue
        for path, text in texts_in(value, (name,)):
            found = PLACEHOLDER.search(text) if "{{" in text else None
            if found is None:
                continue
            message = f"`{found[0]}` in `{spell(path)}` is probably sent as written: "
            if name == "variables":
                message += "values of variables are not rendered"
                hint = "write the placeholder into the template itself"
                yield Finding(Code.PLACEHOLDER_IN_VARIABLES, path, message, hint, severity=Severity.WARNING)
            else:
                message += "direct content is not rendered"
                hint = "use a `template`, or write a text that fits everyone"
                severity = Severity.ERROR if policy == "error" else Severity.WARNING
                yield Finding(Code.PLACEHOLDER_IN_DIRECT, path, message, hint, severity=severity)


def _check_media_and_buttons(url: object, buttons: object) -> Iterator[Finding]:
    if isinstance(url, str) and url[:7].lower() == "http://":
        message = "`mediaUrl` is not https: anyone on the way can read or change the file"
        hint = f"write `https://{url[7:]}` if the server can"
        yield Finding(Code.MEDIA_NOT_HTTPS, ("mediaUrl",), message, hint, severity=Severity.WARNING)
    for index, button in enumerate(buttons if isinstance(buttons, list) else ()):
        text = button.get("displayText") if isinstance(button, dict) else None
        if isinstance(text, str) and len(text) > BUTTON_CHARACTERS:
            path = ("buttons", index, "displayText")
            message = f"`{spell(path)}` is {len(text)} characters long and may be cut after {BUTTON_CHARACTERS}"
            yield Finding(Code.LONG_BUTTON, path, message, "shorten it", severity=Severity.WARNING)


def _check_recipients(recipients: Fields) -> Iterator[Finding]:
    """Warn of repeated tags or contacts: once for the whole list, at the first repeat."""
    written = recipients.get("value")
    if not isinstance(written, list):
        return
    value = cast("list[str]", cast("Fields", with_plain_ids({"recipients": recipients})["recipients"])["value"])
    if len(value) == len(set(value)):
        return
    places = {item: index for index, item in reversed(list(enumerate(value)))}
    first = next(index for index, item in enumerate(value) if places[item] < index)
    repeats = len(value) - len(set(value))
    message = f"{shown(written[first])} is listed before" + (f", and {repeats - 1} more repeats follow" * (repeats > 1))
    path = ("recipients", "value", first)
    yield Finding(Code.REPEATED_RECIPIENT, path, message, "delete the repeats", severity=Severity.WARNING)
