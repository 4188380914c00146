"""
What a message says, beyond its shape: what MsgFlash would send otherwise than its writer expects.

Direct content is not known to be rendered by the server, nor are the values of a template's variables: a placeholder in
them probably reaches people as `{{contact.firstName}}` (reference 5.1, 10.4).
"""

import re
from collections.abc import Iterator, Mapping

from msgflash_apply.config.codes import Code
from msgflash_apply.config.findings import Finding, spell
from msgflash_apply.config.policy import PlaceholderPolicy
from msgflash_apply.config.trees import ValuePath, texts_in
from msgflash_apply.errors import Severity

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
