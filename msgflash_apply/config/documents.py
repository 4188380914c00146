"""
YAML -> documents: plain values, strictly, with an error that points.

YAML 1.2's core schema, text keys, no tags, no duplicate keys; anchors, aliases and `<<` within a budget of nodes that
counts every alias as what it stands for. No positions are kept: `places` reads a file again when there is a finding.
Behind this front: `yaml_text` (bytes), `yaml_events` (the library), `yaml_values` (the builder), `places` (positions).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from msgflash_apply.config.bad_yaml import BadYaml
from msgflash_apply.config.files import MAX_FILE_BYTES
from msgflash_apply.config.places import Place, Places, places
from msgflash_apply.config.trees import ValuePath
from msgflash_apply.config.yaml_events import (
    DOCUMENT_START,
    STREAM_END,
    Event,
    EventSource,
    YamlSyntaxError,
    bad_at,
    explained,
    usual_events,
)
from msgflash_apply.config.yaml_text import decode
from msgflash_apply.config.yaml_values import MAX_DEPTH, MAX_NODES, Reader, is_empty, read_value

__all__ = [
    "MAX_DEPTH",
    "MAX_DOCUMENTS",
    "MAX_FILE_BYTES",
    "MAX_NODES",
    "BadYaml",
    "Document",
    "Place",
    "Places",
    "ValuePath",
    "parse",
    "places",
]

MAX_DOCUMENTS = 1_000
"""Documents in one file that have content."""


@dataclass(frozen=True, slots=True)
class Document:
    """
    One YAML document that has content.

    Attributes:
        value: plain dict, list, str, int, float, bool or None. What an alias stands for is shared, so never change it.
        line: of its first content, from 1.
        index: among the documents of its file that have content, from 0; what `places` asks for.
    """

    value: object
    line: int
    index: int


def parse(data: bytes, source: EventSource = usual_events) -> tuple[Document, ...]:
    """
    Read every document of a file that has content; an empty file, or one of comments alone, has none.

    Args:
        data: the file's bytes.
        source: which parser gives the events; both give the same documents.

    Raises:
        BadYaml: with the first mistake; nothing after it can be trusted.
    """
    text = decode(data)
    try:
        return tuple(_documents(Reader(text, source)))
    except YamlSyntaxError as err:
        raise explained(err, text) from None


def _documents(reader: Reader) -> Iterator[Document]:
    index = 0
    while type(event := reader.next_event()) is not STREAM_END:
        if type(event) is not DOCUMENT_START:
            continue
        _check_version(event)
        root = reader.next_event()
        if index == MAX_DOCUMENTS and not is_empty(root):
            raise bad_at(root, f"more than {MAX_DOCUMENTS} documents in one file", "split it into several files")
        value = read_value(reader, root)
        if not is_empty(root):
            yield Document(value, root.start_mark.line + 1, index)
            index += 1


def _check_version(start: Event) -> None:
    if start.version not in {None, (1, 2)}:
        raise bad_at(start, "files are read as YAML 1.2, and this one says otherwise", "remove the `%YAML` line")
