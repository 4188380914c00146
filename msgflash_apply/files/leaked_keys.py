"""
Keys of MsgFlash in files, which are errors (MF105): everyone who can read the repo could use one.

A key in a campaign's text would also be sent to people, and recorded with what was sent. `leaked_keys` finds them as
they are written, comments included; `hidden_keys` those that only YAML's escapes make, and `rendered_keys` those that
only a template makes. None of them repeats the key.
"""

import codecs
import re
from collections.abc import Iterator
from itertools import islice

from msgflash_apply.findings import KEY, Code, Diagnostic, Finding, Severity, ValuePath, texts_in

_KEY = re.compile(KEY.encode())

_KEY_IN_TEXT = re.compile(KEY)

_ESCAPE = re.compile(rb"\\(?:[xuU\r\n]|\xc2\x85|\xe2\x80[\xa8\xa9])")
"""What may be a letter, or nothing, in double quotes: a code, or a line that goes on."""

_MOST = 10

_MESSAGE = "this is an API key of MsgFlash"

_HINT = "delete it here, and have MsgFlash make a new one: this one was shown to everyone who can read the repo"

_HINT_RENDERED = "take it out of the variables: a key is given as MSGFLASH_API_KEY, and in no other way"


def leaked_keys(data: bytes, file: str) -> Iterator[Diagnostic]:
    """
    Find the first few keys in a file.

    Args:
        data: its bytes, in UTF-8.
        file: its name, relative to the repo.
    """
    if b"msgf_" not in data:
        return
    for found in islice(_KEY.finditer(data), _MOST):
        before = (
            data[: found.start()]
            .removeprefix(codecs.BOM_UTF8)
            .decode("utf-8", "replace")
            .replace("\r\n", "\n")
            .replace("\r", "\n")
        )
        line = before.count("\n") + 1
        column = len(before) - before.rfind("\n")
        yield Diagnostic(Severity.ERROR, Code.SECRET_IN_FILE, _MESSAGE, _HINT, file, line, column)


def hidden_keys(value: object, data: bytes) -> Iterator[Finding]:
    """
    Find keys that are spelled with escapes, in texts and in names.

    Args:
        value: of a document.
        data: its file.
    """
    if _ESCAPE.search(data) is None:  # every key is in the file as it is
        return
    for path, text, is_name in _texts_and_names(value):
        if any(key.encode() not in data for key in _KEY_IN_TEXT.findall(text)):
            yield Finding(Code.SECRET_IN_FILE, path, _MESSAGE, _HINT, on_key=is_name)


def rendered_keys(rendered: object, written: object, path: ValuePath = ()) -> Iterator[Finding]:
    """
    Find keys that rendering has put together.

    Args:
        rendered: what became of `written`; the very same where it holds no template, and names are never rendered.
        written: as in the file.
        path: of both in their document.
    """
    if rendered is written:
        return
    if isinstance(rendered, dict) and isinstance(written, dict):
        for name, value in rendered.items():
            yield from rendered_keys(value, written[name], (*path, name))
        return
    for at, text, is_name in _texts_and_names(rendered, path):
        if "msgf_" in text and (keys := set(_KEY_IN_TEXT.findall(text))):
            message = "rendered, this is an API key of MsgFlash"
            if not keys <= {key for _, source in texts_in(written) for key in _KEY_IN_TEXT.findall(source)}:
                yield Finding(Code.SECRET_IN_FILE, at, message, _HINT_RENDERED, on_key=is_name)


def holds_key(value: object) -> bool:
    """Whether there is a key anywhere in a value."""
    return any(_KEY_IN_TEXT.search(text) for _, text, _ in _texts_and_names(value))


def _texts_and_names(value: object, path: ValuePath = ()) -> Iterator[tuple[ValuePath, str, bool]]:
    """Every text in a tree with its place, and every name in its maps, which is at the place of its value."""
    if isinstance(value, str):
        yield path, value, False
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield (*path, name), name, True
            yield from _texts_and_names(inner, (*path, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _texts_and_names(inner, (*path, index))
