"""
The door to PyYAML: a text -> its events, by libyaml where the extension is there, else by PyYAML's own parser.

Only events are used, never PyYAML's composer or constructors: those read YAML 1.1, let the last of two equal keys win,
and crash the process on sixty thousand `[`.
"""

from collections.abc import Callable
from typing import Protocol, TypeAlias, cast

import yaml
from yaml.error import MarkedYAMLError as YamlSyntaxError

from msgflash_apply.config.bad_yaml import BadYaml, Problem, Spot, explain

try:
    from yaml._yaml import CParser
except ImportError:
    HAS_LIBYAML = False
else:
    HAS_LIBYAML = True

__all__ = [
    "ALIAS",
    "DOCUMENT_START",
    "HAS_LIBYAML",
    "LIST_END",
    "LIST_START",
    "MAP_END",
    "MAP_START",
    "SCALAR",
    "STREAM_END",
    "Event",
    "EventSource",
    "NextEvent",
    "YamlSyntaxError",
    "bad_at",
    "explained",
    "libyaml_events",
    "python_events",
    "spot_of",
    "usual_events",
]

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


def python_events(text: str) -> NextEvent:
    """Read by PyYAML's own parser, with the refusals of libyaml that it lacks."""
    loader = yaml.SafeLoader(text)
    get_event = cast("NextEvent", loader.get_event)

    def next_event() -> Event:
        try:
            event = get_event()
        except (ValueError, OverflowError) as err:
            raise YamlSyntaxError(problem="invalid escape code", problem_mark=loader.get_mark()) from err
        if type(event) is SCALAR and not _is_unicode(event.value):
            raise YamlSyntaxError(problem="invalid escape code", problem_mark=loader.get_mark())
        return event

    return next_event


usual_events: EventSource = libyaml_events if HAS_LIBYAML else python_events


def explained(err: YamlSyntaxError, text: str) -> BadYaml:
    """A syntax error, in the words of `bad_yaml.explain`."""
    mark = err.problem_mark or err.context_mark
    at = Spot(mark.line, mark.column) if mark is not None else Spot(0, 0)
    began = Spot(err.context_mark.line, err.context_mark.column) if err.context_mark is not None else None
    return explain(Problem(err.problem or "", err.context or "", at, began), text)


def spot_of(event: Event) -> Spot:
    """Where an event begins."""
    return Spot(event.start_mark.line, event.start_mark.column)


def bad_at(event: Event, message: str, hint: str | None) -> BadYaml:
    """A mistake that the grammar does not see, at the beginning of an event."""
    return BadYaml(message, hint, event.start_mark.line + 1, event.start_mark.column + 1)


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)
