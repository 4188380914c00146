"""
The usual template, filled in at once: plain text, dotted names that give a text, placeholders of MsgFlash.

Accept fast, explain slowly: whatever is not quite that, or may hold a mistake, is left to `template_parts` and
`template_scalar`, which would give the same text, and which know what to say.
"""

import re
from collections.abc import Mapping

from msgflash_apply.config.template_values import MAX_TEXT

# The look-behind leaves `{{{` to jinja2, which reads it as a map inside an expression.
_TAG = re.compile(
    r"(?<!\{)(?:\{\{\s*+((?:custom|each)(?:\.[A-Za-z_][A-Za-z0-9_]*+)++)\s*+\}\}"
    r"|(\{\{\s*+(?:contact|user|instance)(?:\.[A-Za-z0-9_]++)++\s*+\}\}))",
)


def fill_in(text: str, variables: Mapping[str, object]) -> str | None:
    """
    Render a text that holds a `{`.

    Returns:
        What is rendered, and that very text when it holds placeholders of MsgFlash alone; None for anything that has to
        be looked at more closely, be it good or bad.
    """
    if "{%" in text or "{#" in text or "\r" in text:
        return None
    pieces = _TAG.split(text)  # text, our name or None, placeholder or None, text, ..
    tags = len(pieces) // 3
    if tags != text.count("{{"):
        return None
    changed = False
    for at in range(1, len(pieces), 3):
        name = pieces[at]
        if name is None:
            pieces[at] = ""
            continue
        value = _text_of(name, variables)
        if value is None:
            return None
        pieces[at], pieces[at + 1], changed = value, "", True
    if not changed:
        return text
    whole = "".join(pieces)
    return whole if len(whole) <= MAX_TEXT else None


def _text_of(name: str, variables: Mapping[str, object]) -> str | None:
    """The value of a dotted name, if it is a text that prints as it is."""
    value: object = variables
    for step in name.split("."):
        if not isinstance(value, dict) or step not in value:
            return None
        value = value[step]
    return value if type(value) is str and "{" not in value else None
