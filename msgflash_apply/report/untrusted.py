"""
Text of strangers, made safe to look at: a terminal must show what is there and do nothing it says.

Escape sequences could recolour, overwrite or hide lines of a plan; bidi controls could turn "do not send" around;
invisible characters could make two texts look alike. All of them are shown as backslash escapes instead.
"""

import re
import shlex
import unicodedata

from msgflash_apply.report.redact import redact

_ACTING = (
    "\x00-\x09\x0b-\x1f\x7f-\x9f"  # controls: escape sequences begin here
    "\xad\u034f\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\ufffe\uffff"
    # (the line above: invisible, or turning text around)
    "\ud800-\udfff"  # half characters, which no terminal can be sent
    "\U000e0000-\U000e0fff"  # tags and variants that carry hidden text
)
SUSPECT = re.compile(f"[\n{_ACTING}]")
"""What a text may not hold where others read it: escaped by `shown`."""

SUSPECT_IN_LINES = re.compile(f"[{_ACTING}]")
"""The same in a text whose line breaks are ours."""

_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_JOINERS = "\u200c\u200d"


def shown(text: str) -> str:
    """Make one line out of any text: secrets redacted, whatever is invisible or acts on a terminal escaped."""
    return visible(redact(text))


def visible(text: str) -> str:
    r"""
    Escape what can not be seen or acts on a terminal: `\x1b`, `\n`, `\t`, `\u202e`.

    Joiners stay between letters that need them (emoji, Persian, Indic) and are escaped after ASCII, where they hide,
    and so after an escape: what comes out is not changed by doing it again.
    """
    if text.isascii() and text.isprintable():
        return text
    return SUSPECT.sub(_escape, text)


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


def character_width(character: str) -> int:
    """Columns of one character, by Unicode's East Asian width."""
    if unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


def _escape(found: re.Match[str]) -> str:
    character, before = found.group(), found.string[max(found.start() - 1, 0) : found.start()]
    if character in _JOINERS and before and not before.isascii() and not SUSPECT.match(before):
        return character
    if character in _SHORT:
        return _SHORT[character]
    code = ord(character)
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
