"""
The door to YAML: bytes -> text -> PyYAML's events.

Only events are used, by libyaml where the extension is there, else by PyYAML's own parser; never PyYAML's composer or
constructors: those read YAML 1.1, let the last of two equal keys win, and crash the process on sixty thousand `[`.
Characters that editors and parsers would read differently are refused, and so are merges that were not finished.
"""

import codecs
import re
from collections.abc import Callable
from typing import Protocol, TypeAlias, cast

import yaml
from yaml.error import MarkedYAMLError

from msgflash_apply.findings import Code, Finding, Place, Refused
from msgflash_apply.limits import MAX_FILE_BYTES

try:
    from yaml._yaml import CParser
except ImportError:
    HAS_LIBYAML = False
else:
    HAS_LIBYAML = True

YamlSyntaxError: TypeAlias = MarkedYAMLError
"""What a source of events raises where the grammar of YAML is broken."""


def bad_yaml(message: str, hint: str | None, at: Place) -> Refused:
    """A file that is not YAML, or uses more of YAML than is allowed here."""
    return Refused(Finding(Code.BAD_YAML, (), message, hint, at=at))


def place_of(mark: "Mark") -> Place:
    """A library's mark, which counts from 0."""
    return Place(mark.line + 1, mark.column + 1)


_FOREIGN_MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),  # before UTF-16: its mark begins with the same two bytes
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)


# U+0085, U+2028 and U+2029 end a line for libyaml and for no editor: texts and positions would not be what is seen.
_REFUSED = re.compile("[^\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")

_PLAIN = b"\t\n" + bytes(range(0x20, 0x7F))
"""Bytes that are allowed characters wherever they are: most files hold no others, and seeing that is quick."""


# Thousands of tag directives take libyaml quadratic time, and tags are refused anyway.
_TAG_DIRECTIVE = re.compile(r"^%TAG\b", re.MULTILINE)


_CONFLICT_MARKER = re.compile(r"^(?P<indent>[ \t]*)(?:<{7}|\|{7}|={7}|>{7})(?= |$)", re.MULTILINE)


def _conflict_marker(text: str) -> int | None:
    """
    Find the first line that git wrote for a merge that has conflicts.

    A line of `=======` alone is as people underline a heading. In a text that is indented, where git writes nothing but
    a pasted conflict or `fmt` may have brought it, only all three kinds in order are one.
    """
    if "<<<<<<<" not in text and ">>>>>>>" not in text:
        return None
    markers = list(_CONFLICT_MARKER.finditer(text))
    kinds = iter([text[found.end() - 1] for found in markers])
    is_at_margin = any(not found["indent"] and text[found.start()] in "<>" for found in markers)
    return markers[0].end() - 7 if is_at_margin or all(kind in kinds for kind in "<=>") else None


def decode(data: bytes) -> str:
    """
    Turn a file's bytes into text with lines that end in a line feed; a UTF-8 byte-order mark is dropped.

    Raises:
        Refused: too large, not UTF-8, with conflict markers, or with characters that do not belong in a text file.
    """
    if len(data) > MAX_FILE_BYTES:
        message = f"the file is larger than {MAX_FILE_BYTES // 1024} KiB"
        raise bad_yaml(message, "split it into several files", Place(1, 1))
    data = data.removeprefix(codecs.BOM_UTF8)
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    try:
        text = data.decode()
    except UnicodeDecodeError as err:
        for mark, name in _FOREIGN_MARKS:
            if data.startswith(mark):
                raise bad_yaml(f"the file is {name}", "save it as UTF-8", Place(1, 1)) from None
        before = data[: err.start].decode()
        message = f"the file is not UTF-8: byte 0x{data[err.start]:02x}"
        raise bad_yaml(message, "save it as UTF-8", place_in(before, len(before))) from None
    if (marker := _conflict_marker(text)) is not None:
        message = f"`{text[marker : marker + 7]}` is a conflict marker of git: a merge was not finished"
        hint = "keep one of the two versions, and delete the lines of `<<<<<<<`, `=======` and `>>>>>>>`"
        raise bad_yaml(message, hint, place_in(text, marker))
    if data.translate(None, _PLAIN) and (found := _REFUSED.search(text)) is not None:
        code = ord(found[0])
        message = f"the character U+{code:04X} is not allowed in a file"
        # A control character may not be in a text either, however it is written.
        hint = "delete it" if code < 0xA0 else f'delete it, or write "\\u{code:04x}" in double quotes'
        raise bad_yaml(message, hint, place_in(text, found.start()))
    if "%TAG" in text and (found := _TAG_DIRECTIVE.search(text)) is not None:
        raise bad_yaml("tags are not allowed", "remove the `%TAG` line", place_in(text, found.start()))
    return text


def place_in(text: str, at: int) -> Place:
    """The place of a character in a text whose lines end in a line feed."""
    return Place(text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at))


# The kinds of events; `type(event) is SCALAR` is the fastest question that can be asked of one.
ALIAS: type[object] = yaml.AliasEvent

DOCUMENT_START: type[object] = yaml.DocumentStartEvent

LIST_END: type[object] = yaml.SequenceEndEvent

LIST_START: type[object] = yaml.SequenceStartEvent

MAP_END: type[object] = yaml.MappingEndEvent

MAP_START: type[object] = yaml.MappingStartEvent

SCALAR: type[object] = yaml.ScalarEvent

STREAM_END: type[object] = yaml.StreamEndEvent


class Mark(Protocol):
    """A place: all from 0, index and column in characters."""

    index: int
    line: int
    column: int


class Event(Protocol):
    """
    Any event, seen loosely: which attributes are there depends on its kind.

    Attributes:
        start_mark: every kind.
        end_mark: every kind.
        anchor: of scalars, starts and aliases; the alias's name is here too.
        tag: of scalars and starts.
        value: of scalars.
        implicit: of scalars; first whether it is plain, so that the core schema applies.
        flow_style: of starts; `{..}` and `[..]`.
        version: of a document's start.
    """

    start_mark: Mark
    end_mark: Mark
    anchor: str | None
    tag: str | None
    value: str
    implicit: tuple[bool, bool]
    flow_style: bool
    version: tuple[int, int] | None


NextEvent: TypeAlias = Callable[[], Event]
"""Each call gives the next event, the end of the stream last of all. Raises YamlSyntaxError."""

EventSource: TypeAlias = Callable[[str], NextEvent]
"""Begins to read a text."""


def libyaml_events(text: str) -> NextEvent:
    """Read by the C extension, about ten times faster."""
    return cast("NextEvent", CParser(text).get_event)


_SURROGATE = re.compile("[\ud800-\udfff]")


def python_events(text: str) -> NextEvent:
    """Read by PyYAML's own parser, with the refusals of libyaml that it lacks."""
    loader = yaml.SafeLoader(text)
    get_event = cast("NextEvent", loader.get_event)

    def next_event() -> Event:
        try:
            event = get_event()
        except (ValueError, OverflowError) as err:
            raise YamlSyntaxError(problem="invalid escape code", problem_mark=loader.get_mark()) from err
        if type(event) is SCALAR and _SURROGATE.search(event.value):
            raise YamlSyntaxError(problem="invalid escape code", problem_mark=loader.get_mark())
        return event

    return next_event


usual_events: EventSource = libyaml_events if HAS_LIBYAML else python_events
