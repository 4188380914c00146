"""Bytes of a YAML file -> text for a YAML parser; what editors and parsers would read differently is refused."""

import codecs
import re

from msgflash_apply.config.bad_yaml import BadYaml
from msgflash_apply.config.files import MAX_FILE_BYTES

_FOREIGN_MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),  # before UTF-16: its mark begins with the same two bytes
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)
# U+0085, U+2028 and U+2029 end a line for libyaml and for no editor: texts and positions would not be what is seen.
_REFUSED = re.compile("[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_PLAIN = b"\t\n\r" + bytes(range(0x20, 0x7F))
"""Bytes that stand for allowed characters wherever they are: most files hold no others, which is told quickly."""
# Thousands of tag directives take libyaml quadratic time, and tags are refused anyway.
_TAG_DIRECTIVE = re.compile(r"^%TAG\b", re.MULTILINE)


def decode(data: bytes) -> str:
    """
    Turn a file's bytes into text; a UTF-8 byte-order mark is dropped.

    Raises:
        BadYaml: too large, not UTF-8, or holding characters that do not belong in a text file.
    """
    if len(data) > MAX_FILE_BYTES:
        raise BadYaml(f"the file is larger than {MAX_FILE_BYTES // 1024} KiB", "split it into several files", 1, 1)
    try:
        text = data.removeprefix(codecs.BOM_UTF8).decode()
    except UnicodeDecodeError as err:
        raise _not_utf8(data, err) from None
    if data.translate(None, _PLAIN) and (found := _REFUSED.search(text)) is not None:
        raise _refused_character(text, found.start())
    if "%TAG" in text and (found := _TAG_DIRECTIVE.search(text)) is not None:
        raise BadYaml("tags are not allowed", "remove the `%TAG` line", *_line_and_column(text, found.start()))
    return text


def _not_utf8(data: bytes, err: UnicodeDecodeError) -> BadYaml:
    for mark, name in _FOREIGN_MARKS:
        if data.startswith(mark):
            return BadYaml(f"the file is {name}", "save it as UTF-8", 1, 1)
    before = err.object[: err.start].decode()
    message = f"the file is not UTF-8: byte 0x{err.object[err.start]:02x}"
    return BadYaml(message, "save it as UTF-8", *_line_and_column(before, len(before)))


def _refused_character(text: str, at: int) -> BadYaml:
    character = text[at]
    escape = f"\\x{ord(character):02x}" if ord(character) < 256 else f"\\u{ord(character):04x}"
    message = f"the character U+{ord(character):04X} is not allowed in a file"
    return BadYaml(message, f'remove it, or write "{escape}" in double quotes', *_line_and_column(text, at))


def _line_and_column(text: str, at: int) -> tuple[int, int]:
    before = text[:at].replace("\r\n", "\n").replace("\r", "\n")
    return before.count("\n") + 1, at_in_line(before) + 1


def at_in_line(before: str) -> int:
    """How many characters stand in the last line of a text whose lines end in a line feed."""
    return len(before) - before.rfind("\n") - 1
