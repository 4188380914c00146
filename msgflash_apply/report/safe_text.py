"""
Text made safe to show: this process's secrets taken out (`own_secrets.py`), what acts on a terminal or hides escaped.

In text of strangers, escape sequences could recolour, overwrite or hide lines of a plan; bidi controls could turn
"do not send" around; invisible characters could make two texts look alike, or hide one from a reviewer. All are shown
as backslash escapes instead, and the text is the same otherwise. Read `shown` first.
"""

import re
import shlex
import unicodedata
from functools import cache

from msgflash_apply.invisible import INVISIBLE
from msgflash_apply.report.own_secrets import redact

_EMOJI = (
    "\xa9\xae\u203c\u2049\u2122\u2139\u2194-\u21aa\u231a-\u23fa\u24c2\u25aa-\u25fe\u2600-\u27bf\u2934\u2935\u2b05-\u2b55"
    "\u3030\u303d\u3297\u3299\U0001f004-\U0001faff"
)
"""The bases of emoji-variation-sequences.txt, with what is between them, and all emoji beyond: symbols, all visible."""

_JOINED = (
    "\u0600-\u061b\u061d-\u08ff\u0900-\u0dff\u1000-\u109f\u1780-\u17b3\u17b6-\u17ff\u1810-\u18af\ufb50-\ufdcf\ufdf0-\ufdff"
    "\ufe70-\ufefc"
)
"""Scripts whose letters change shape beside a joiner: Arabic and its kin, those of India, Burmese, Khmer, Mongolian."""

_SUSPECT = (
    rf"[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff{INVISIBLE}]"
    # A selector that makes a symbol an emoji, or a digit a key; a joiner between emoji; joiners between such letters.
    rf"(?<![{_EMOJI}]\ufe0f)(?<![0-9#*]\ufe0f(?=\u20e3))"
    rf"(?<![{_EMOJI}]\u200d(?=[{_EMOJI}]))(?<![{_EMOJI}]\ufe0f\u200d(?=[{_EMOJI}]))"
    rf"(?<![{_JOINED}][\u200c\u200d](?=[{_JOINED}]))"
)

SUSPECT = re.compile(f"\n|{_SUSPECT}")
"""What a text may not hold where others read it: escaped by `shown`."""

SUSPECT_IN_LINES = re.compile(_SUSPECT)
"""The same in a text whose line breaks are ours."""

_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def shown(text: str) -> str:
    """Make one line out of any text: our secrets redacted, whatever is invisible or acts on a terminal escaped."""
    return visible(redact(text))


def visible(text: str) -> str:
    r"""
    Escape what cannot be seen or acts on a terminal: `\x1b`, `\n`, `\t`, `\u202e`.

    What belongs to the writing stays: the selector behind an emoji, and joiners between emoji, or between letters of
    scripts that need them. What comes out is not changed by doing it again.
    """
    if text.isascii() and text.isprintable():
        return text
    # Line breaks first and all at once: a text may hold nothing else, and thousands of them.
    return SUSPECT.sub(_escape, text.replace("\n", _SHORT["\n"]))


def hides_something(text: str) -> bool:
    """Whether `visible` would change the text."""
    return visible(text) != text


def shell_word(text: str) -> str:
    """Quote for a shell, so that a printed command can be pasted; with `$'..'` (bash, zsh) around unseen characters."""
    if not hides_something(text):
        return shlex.quote(text)
    return "$'" + visible(text.replace("\\", "\\\\").replace("'", "\\'")) + "'"


def width_of(text: str) -> int:
    """Columns that a text takes on a terminal: two for wide characters, none for combining ones."""
    if text.isascii():
        return len(text)
    return sum(map(character_width, text))


@cache
def character_width(character: str) -> int:
    """Columns of one character, by Unicode's East Asian width."""
    if unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


def _escape(found: re.Match[str]) -> str:
    character = found.group()
    if character in _SHORT:
        return _SHORT[character]
    code = ord(character)
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
