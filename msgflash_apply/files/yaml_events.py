"""
The door to YAML: bytes -> text -> PyYAML's events, and what is wrong with a file that is not YAML, in plain words.

Only events are used, by libyaml where the extension is there, else by PyYAML's own parser; never PyYAML's composer or
constructors: those read YAML 1.1, let the last of two equal keys win, and crash the process on sixty thousand `[`.
Characters that editors and parsers would read differently are refused. libyaml speaks of tokens and simple keys;
`explain` turns that into what a person sees in the file, and what to write instead.
"""

import codecs
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, TypeAlias, cast

import yaml
from yaml.error import MarkedYAMLError

from msgflash_apply.files.repo import MAX_FILE_BYTES
from msgflash_apply.findings import Code, Finding, Place, Refused

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


class _Rule(NamedTuple):
    pattern: str
    message: str
    hint: str | None
    at_start: bool = False  # the place is where the construct began, not where the parser gave up


_INDENT_HINT = "check the indentation of this line, and the quotes and brackets of the lines above"

_STAR_HINT = "put the text in quotes: a text cannot begin with `*` or `&` without them"

_NO_VALUE = "flow node|node content"

_RULES = (
    _Rule(r"end of stream.*quoted scalar|document indicator.*quoted scalar", "this quote is never closed",
          "add the closing quote", at_start=True),
    _Rule(r"mapping values are not allowed", "a `:` is where none is expected",
          "put a text that holds `: ` in quotes; if this is a field, check its indentation"),
    _Rule(r"could not find expected ':'", "this line is neither a field nor part of a text",
          "write `name: value`, or indent the line under the text that it belongs to", at_start=True),
    _Rule(r"unknown escape|escape code|hexa?decimal", "this escape does not exist",
          "write `\\\\` for a backslash, or use single quotes"),
    _Rule(r"(alphabetic or numeric|expected alphanumeric).*(alias|anchor)", "`*` and `&` have a meaning in YAML",
          _STAR_HINT, at_start=True),
    _Rule(_NO_VALUE, "a value is missing before this", "remove the comma, or write the value"),
    _Rule(r"flow sequence", "this `[` is never closed, or a comma is missing", "close it with `]`", at_start=True),
    _Rule(r"flow mapping", "this `{` is never closed, or a comma is missing", "close it with `}`", at_start=True),
    _Rule(r"block scalar", "there is text on the line of a `|` or `>`", "begin the text on the next line, indented"),
    _Rule(r"undefined tag|scanning a tag|scanning a directive|directive|incompatible|document start",
          "this begins something that is not allowed here", "remove directives (`%..`) and tags (`!..`)"),
    _Rule(r"sequence entries are not allowed", "a list item is where none is expected",
          "put the `-` on a line of its own, indented under its field"),
    _Rule(r"expected key|'-' indicator|block end", "this line does not fit the lines above it", _INDENT_HINT),
)  # fmt: skip

_UNQUOTED_TEMPLATE = re.compile(r"(?:^|[:\-\[,]\s+|^\s*)(?P<text>\{[{%#].*)$")

_STARRED = re.compile(r"(?:[:\-]\s+)(?P<text>[*&]\S.*)$")


def explain(err: YamlSyntaxError, text: str) -> Refused:
    """Put a library's complaint about `text` into words that name what is seen there."""
    lines = text.split("\n")  # an empty one after the last line break
    problem, context = err.problem or "", err.context or ""
    at = _inside(lines, err.problem_mark or err.context_mark)
    line, column = lines[at.line - 1], at.column - 1
    indent = line[: len(line) - len(line.lstrip())]
    if "\t" in indent and column <= len(indent):
        tab = Place(at.line, indent.index("\t") + 1)
        return bad_yaml("a tab is used for indentation", "indent with spaces", tab)
    if (found := _UNQUOTED_TEMPLATE.search(line)) and found.start("text") <= column:
        return unquoted_template(found["text"], Place(at.line, found.start("text") + 1))
    if (found := _STARRED.search(line)) and found.start("text") <= column:
        message = f"`{found['text'][0]}` at the start of a text has a meaning in YAML"
        return bad_yaml(message, quote_hint(found["text"]), Place(at.line, found.start("text") + 1))
    if "cannot start any token" in problem:
        rest = line[column:]
        return bad_yaml(f"a text cannot begin with `{rest[:1]}`", quote_hint(rest), at)
    words = f"{problem} {context}"
    if re.search(_NO_VALUE, words) and not "".join([line[column:], *lines[at.line :]]).strip():
        # The file ends right behind a bracket or a comma: no value is missing.
        last = max(number for number, line in enumerate(lines[: at.line], start=1) if line.strip())
        return bad_yaml(
            "a `[` or a `{` is never closed", "close it with `]` or `}`", Place(last, len(lines[last - 1].rstrip()))
        )
    for rule in _RULES:
        if re.search(rule.pattern, words):
            began = rule.at_start and err.context_mark
            return bad_yaml(rule.message, rule.hint, _inside(lines, began) if began else at)
    return bad_yaml(f"this is not valid YAML: {problem}", None, at)


def unquoted_template(rest: str, at: Place) -> Refused:
    """A value that begins with `{{` or `{%` without quotes; `rest` is its line from there on."""
    tag = rest[: end + 2] if (end := rest.find("}}")) >= 0 else rest
    after = rest[len(tag) :].strip()
    whole = tag if not after or after[0] in ",]}#" else rest
    return bad_yaml(f"`{rest[:2]}` without quotes is not a text in YAML", quote_hint(whole), at)


def quote_hint(text: str) -> str:
    """How to write a text that YAML does not take without quotes."""
    text = text.rstrip()
    if '"' in text or "\\" in text:
        return "quote it: '" + text.replace("'", "''") + "'"
    return f'quote it: "{text}"'


def place_of(mark: "Mark") -> Place:
    """A library's mark, which counts from 0."""
    return Place(mark.line + 1, mark.column + 1)


def _inside(lines: Sequence[str], mark: "Mark | None") -> Place:
    """Without a line break at its end, a file ends in its last line, not at the beginning of one that is not there."""
    if mark is None:
        return Place(1, 1)
    return place_of(mark) if mark.line < len(lines) else Place(len(lines), len(lines[-1]) + 1)


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


def decode(data: bytes) -> str:
    """
    Turn a file's bytes into text with lines that end in a line feed; a UTF-8 byte-order mark is dropped.

    Raises:
        Refused: too large, not UTF-8, or holding characters that do not belong in a text file.
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
    if data.translate(None, _PLAIN) and (found := _REFUSED.search(text)) is not None:
        code = ord(found[0])
        message = f"the character U+{code:04X} is not allowed in a file"
        escape = f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
        raise bad_yaml(message, f'remove it, or write "{escape}" in double quotes', place_in(text, found.start()))
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
