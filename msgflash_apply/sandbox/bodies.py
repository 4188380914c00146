"""
The strict check of a create body, `POST /api/v1/campaigns` (reference 5.1 to 5.5, 10.1, 10.4).

Only shapes are judged here; whether ids exist is for `operations/campaigns.py`.
"""

from typing import Final

from msgflash_apply.sandbox.checks import (
    LONGEST_BODY,
    Check,
    Fields,
    Rules,
    flat_map,
    instant,
    list_of,
    one_of,
    text,
    uuid,
    web_address,
)
from msgflash_apply.sandbox.refusal import JsonObject

DIRECT: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "text": (("body",), ()),
    "image": (("mediaUrl",), ("body",)),
    "video": (("mediaUrl",), ("body",)),
    "document": (("mediaUrl",), ("body",)),
    "audio": (("mediaUrl",), ("body",)),
    "voice_note": (("mediaUrl",), ("body",)),
    "buttons": (("title", "description", "buttons"), ("footer",)),
}
"""Type of direct content -> the fields it must have, the fields it may have (reference 5.1)."""

BUTTONS: Final[dict[str, tuple[str, ...]]] = {
    "reply": ("displayText", "id"),
    "copy": ("displayText", "copyCode"),
    "url": ("displayText", "url"),
    "call": ("displayText", "phoneNumber"),
    "pix": ("displayText", "currency", "name", "keyType", "key"),
}
"""Kind of button -> its other fields, all required (reference 5.5)."""

_CONTENT_FIELDS = ("type", "body", "mediaUrl", "title", "description", "footer", "buttons")
_MOST_BUTTONS = 2


def check_create(body: object, rules: Rules) -> JsonObject:
    """
    Return the body as accepted, or raise 400 with one detail per mistake.

    In lenient mode unknown and null fields are dropped, and a button's kind may stand under `title`.
    """
    fields = Fields(body, strict=rules.strict)
    fields.take("instanceId", uuid, required=True)
    fields.take("name", text(), required=True)
    fields.take("schedule", instant, required=True)
    repeats = ("none", "daily", "weekly", "noe") if rules.accept_noe else ("none", "daily", "weekly")
    fields.take("repeat", one_of(repeats))
    _check_recipients(fields)
    _check_content(fields)
    return fields.close()


def _check_recipients(fields: Fields) -> None:
    if not fields.has("recipients"):
        fields.take("recipients", text(), required=True)
        return
    selector = fields.inner("recipients")
    match selector.take("type", one_of(("all", "tags", "explicit", "group")), required=True):
        case "all":
            selector.take("value", _empty_list)
        case "tags":
            selector.take("value", list_of(text()), required=True)
        case "explicit":
            selector.take("value", list_of(uuid), required=True)
        case "group":
            selector.take("groupId", uuid, required=True)
        case _:
            selector.ignore(("value", "groupId"))
    selector.find_unknown("does not belong to this type of recipients")


def _check_content(fields: Fields) -> None:
    """Exactly one mode: a template, or direct content (reference 5.1)."""
    if fields.has("templateId"):
        fields.take("templateId", uuid)
        fields.take("variables", flat_map)
        for name in filter(fields.has, _CONTENT_FIELDS):
            fields.find(name, "does not go with templateId: give exactly one content mode")
            fields.ignore((name,))
    elif not fields.has("type"):
        fields.find("", "has no content: give templateId, or type with its content")
        fields.ignore((*_CONTENT_FIELDS, "templateId", "variables"))
    else:
        _check_direct(fields)


def _check_direct(fields: Fields) -> None:
    kind = fields.take("type", one_of(DIRECT))
    if kind is None:
        fields.ignore((*_CONTENT_FIELDS, "variables"))
        return
    required, optional = DIRECT[str(kind)]
    for name in (*required, *optional):
        if name == "buttons":
            _check_buttons(fields)
        else:
            fields.take(name, _check_of(name), required=name in required)
    for name in filter(fields.has, ("variables", *_CONTENT_FIELDS)):
        if name not in {"type", *required, *optional} and fields.strict:
            fields.find(name, f"does not go with type {kind}")
        fields.ignore((name,))


def _check_of(name: str) -> Check:
    match name:
        case "mediaUrl":
            return web_address
        case "body":
            return text(LONGEST_BODY)
        case _:
            return text()


def _check_buttons(fields: Fields) -> None:
    given = fields.take("buttons", list_of(_any, longest=_MOST_BUTTONS), required=True)
    if isinstance(given, list):
        accepted = [_check_button(fields, button, f"buttons[{index}]") for index, button in enumerate(given)]
        fields.accepted["buttons"] = accepted


def _check_button(fields: Fields, given: object, path: str) -> JsonObject:
    button = Fields(given, strict=fields.strict, path=path, findings=fields.findings)
    kind_key = "title" if not fields.strict and button.has("title") else "type"
    kind = button.take(kind_key, one_of(BUTTONS), required=True)
    if kind is None:
        return button.accepted
    for name in BUTTONS[str(kind)]:
        button.take(name, text(), required=True)
    button.find_unknown("does not belong to this kind of button")
    return button.accepted


def _any(value: object) -> str | None:
    """Leave the judgement to the check of the single button."""
    return None if isinstance(value, dict) else "must be an object"


def _empty_list(value: object) -> str | None:
    """Allow `value: []` next to `all`, as the console sends it (reference 10.4)."""
    return None if value == [] else "does not belong to recipients of type all"
