"""
Texts that people read: what they hold that was probably not meant, or cannot be seen. Read `check_text` first.

A text goes to the phone as it is written (contract section 2), so what looks like a placeholder or like YAML's quotes
and is neither is pointed at before it is sent. Works on rendered texts, one at a time.
"""

import re
import unicodedata
from collections.abc import Iterator

from msgflash_apply.findings import Code, Finding, Severity, ValuePath, spell

_ODD = re.compile("[^\t\n -z\xa1-\u06ff]|\xad")
"""A character that makes a closer look worthwhile; most texts hold none, and seeing that is quick."""

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")

_CONTROL_NAMES = {"\r": "a carriage return", "\x1b": "an escape character", "\0": "a null character"}

_BLANK_LETTERS = "\u115f\u1160\u2800\u3164\uffa0"
"""Letters and symbols that are drawn as nothing: fillers of Hangul, the empty pattern of Braille."""

_SINGLE_BRACES = re.compile(r"(?<!\{)\$?\{\s*(?P<name>(?:custom|each|local|contact|user|instance)\.[\w.-]+)\s*\}")

_DOUBLE, _SINGLE = "\u201c\u201d\u201e\u201f\uff02", "\u2018\u2019\u201a\u201b"

_CURLY_QUOTES = re.compile(f"[{_DOUBLE}]([^{_DOUBLE}]*)[{_DOUBLE}]|[{_SINGLE}]([^{_SINGLE}]*)[{_SINGLE}]")


def check_text(path: ValuePath, text: str) -> Iterator[Finding]:
    """
    Look at one text.

    Args:
        path: where it is.
        text: rendered; blank ones are the schema's concern.
    """
    if _ODD.search(text) is None:
        return
    field = f"`{spell(path)}`"
    if (control := _CONTROL.search(text)) is not None:
        name = _CONTROL_NAMES.get(control[0], f"the control character U+{ord(control[0]):04X}")
        message = f"{field} holds {name}, which no phone shows"
        hint = "delete it; only tabs and line feeds are allowed, and in double quotes a line feed is `\\n`"
        yield Finding(Code.UNSEEN_TEXT, path, message, hint)
    elif text.strip() and not any(map(is_visible, text)):
        message = (
            f"{field} holds nothing that can be seen, only invisible characters such as U+{ord(text.strip()[0]):04X}"
        )
        yield Finding(Code.UNSEEN_TEXT, path, message, "write a text, or delete the line")
    if "{" in text:
        for found in _SINGLE_BRACES.finditer(text):
            message = f"`{found[0]}` in {field} is sent as it is: a placeholder has two braces on each side"
            hint = f"write `{{{{ {found['name']} }}}}`"
            yield Finding(Code.NOT_A_PLACEHOLDER, path, message, hint, severity=Severity.WARNING)
            break  # one is enough to make people look
    if (quoted := _CURLY_QUOTES.fullmatch(text.strip())) is not None:
        inner = quoted[1] or quoted[2] or ""
        message = f"the curly quotes around {field} are part of the text: YAML knows straight ones alone"
        hint = (
            f'write "{inner}" with straight quotes' if len(inner) <= 40 and '"' not in inner else "write straight ones"
        )
        yield Finding(Code.CURLY_QUOTES, path, message, hint, severity=Severity.WARNING)


def is_visible(character: str) -> bool:
    """Whether a phone shows anything for a character: no space, no control, no joiner, mark or filler."""
    if character in _BLANK_LETTERS or character.isspace():
        return False
    return unicodedata.category(character) not in {"Cc", "Cf", "Cn", "Co", "Cs", "Mn", "Me", "Zs", "Zl", "Zp"}


def utf16_units(text: str) -> int:
    """The length of a text as JavaScript counts it, and so the limits of MsgFlash's console: an emoji is two."""
    return len(text) + sum(character > "\uffff" for character in text)
