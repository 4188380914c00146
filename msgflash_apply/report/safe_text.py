"""
Text made safe to show: secrets taken out (`redact`), and what acts on a terminal or hides in it escaped (`visible`).

A key never appears in plans, logs, errors or reports (contract section 12): MsgFlash keys, credentials in URLs and
headers, keys of the state beside their name. Redaction is idempotent, so text may pass through it at every door.

In text of strangers, escape sequences could recolour, overwrite or hide lines of a plan; bidi controls could turn
"do not send" around; invisible characters could make two texts look alike. All are shown as backslash escapes instead.
Read `shown` first.
"""

import logging
import re
import shlex
import unicodedata
from base64 import b64decode
from functools import cache

HIDDEN = "[redacted]"
"""In place of a credential."""

HIDDEN_KEY = "msgf_…"
"""In place of a MsgFlash key."""

_TELLTALES = ("msgf", "x-api-key", "authorization", "://", "state_key", "basic ")
"""Without one of these no pattern below can match; looking for them is much cheaper."""

_UNDERSCORE = r"(?:_|%(?:25)*5f)"

_KEY_CHARACTER = r"(?:[a-z0-9_-]|%[0-9a-f]{2})"

_KEY = re.compile(
    # A documented prefix makes any rest a key (reference 2.2 and 2.3); without one, length does.
    rf"msgf{_UNDERSCORE}(?:(?:live|team){_UNDERSCORE}{_KEY_CHARACTER}+|{_KEY_CHARACTER}{{8,}})",
    re.IGNORECASE,
)

_HEADER_NAME = r"(?P<name>x-api-key|(?:proxy-)?authorization)"

_HEADER = re.compile(
    # `name: value` and `name="value"`. A backslash ends a value, and a quote begins one only right before a word: in
    # JSON they may be what ends the text.
    _HEADER_NAME
    + r"""(?P<between>[ \t]*[:=][ \t]*(?:["'](?=\w))?(?:(?:bearer|basic|token)[ \t]+)?)
        [^\s"',;}\\]+""",
    re.IGNORECASE | re.VERBOSE,
)

_QUOTED_HEADER = re.compile(
    # `'name': 'value'`, pairs (b'name', b'value') as HTTP libraries log them, JSON, and JSON within JSON. Name and
    # value must be quoted alike: else a quote may be JSON's own, and the text would no longer be JSON without it.
    _HEADER_NAME
    + r"""(?P<between>(?P<quote>\\*["'])[ \t]*(?::|=|,[ ]b)[ \t]*(?P=quote))
        (?:(?!(?P=quote))(?:\\.|[^\\\n"']))+""",
    re.IGNORECASE | re.VERBOSE,
)

_STATE_KEYS = re.compile(
    # `MSGFLASH_STATE_KEY=key`, `state_key: "key key"`. A key alone looks like any digest, and those may be shown.
    r"""(?P<name>state_key\w*(?:\\*["'])?[ \t]*[:=][ \t]*(?:\\*["'])?)[a-z0-9+/]{43}=(?:\s+[a-z0-9+/]{43}=)*""",
    re.IGNORECASE,
)


# In the URL of a database a user alone is a name, and belongs to the place; elsewhere it may be a token.
_JUST_A_USER = r"""[\w.-]+@[^\s/?#"'<>@]*(?:[\s/?#"'<>]|$)"""

_BASIC = re.compile(r"(?P<name>\bbasic[ \t]+)(?P<coded>[a-z0-9+/]{4,}={0,2})", re.IGNORECASE)
"""A user and a password as HTTP spells them, without the header's name: so a proxy may quote them."""

_USERINFO = re.compile(rf"""://(?!(?<=postgresql://){_JUST_A_USER})(?!(?<=postgres://){_JUST_A_USER})[^\s/?#"'<>]*@""")


def redact(text: str) -> str:
    """
    Replace every credential in a text: keys by `msgf_…`, the rest by `[redacted]`.

    Takes plain text, before it is wrapped or coloured: a key that is broken over two lines is not recognised.
    Redacting twice changes nothing more, and JSON stays JSON.
    """
    lowered = text.lower()
    if not any(telltale in lowered for telltale in _TELLTALES):
        return text
    text = _KEY.sub(HIDDEN_KEY, text)
    for header in (_HEADER, _QUOTED_HEADER):
        text = header.sub(rf"\g<name>\g<between>{HIDDEN}", text)
    text = _BASIC.sub(_without_password, text)
    text = _STATE_KEYS.sub(rf"\g<name>{HIDDEN}", text)
    return _USERINFO.sub(f"://{HIDDEN}@", text)


def _without_password(found: re.Match[str]) -> str:
    """Hide what decodes to `user:password`; what else follows the word is some text."""
    try:
        decoded = b64decode(found["coded"], validate=True).decode()
    except ValueError:
        return found[0]
    return f"{found['name']}{HIDDEN}" if ":" in decoded and decoded.isprintable() else found[0]


class RedactingFilter(logging.Filter):
    """
    Redacts a log record in place: message, arguments, exception and stack.

    Put it on handlers, not on loggers: a logger's filters do not see what its children log.
    """

    _formatter = logging.Formatter()

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, without its secrets; the exception stays as text only."""
        try:
            message = record.getMessage()
        except (TypeError, ValueError, KeyError):
            # Arguments that do not fit: logging itself would print them as they are, secrets included.
            message = f"{record.msg} {record.args}"
        record.msg = redact(message)
        record.args = None
        if record.exc_info:
            record.exc_text = self._formatter.formatException(record.exc_info)
            record.exc_info = None
        if record.exc_text:
            record.exc_text = redact(record.exc_text)
        if record.stack_info:
            record.stack_info = redact(record.stack_info)
        return True


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
    Escape what cannot be seen or acts on a terminal: `\x1b`, `\n`, `\t`, `\u202e`.

    Joiners stay between letters that need them (emoji, Persian, Indic) and are escaped after ASCII, where they hide,
    and so after an escape: what comes out is not changed by doing it again.
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
    character, before = found.group(), found.string[max(found.start() - 1, 0) : found.start()]
    if character in _JOINERS and before and not before.isascii() and not SUSPECT.match(before):
        return character
    if character in _SHORT:
        return _SHORT[character]
    code = ord(character)
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
