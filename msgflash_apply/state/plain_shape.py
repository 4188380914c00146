"""
The usual state document -> a snapshot, by hand and without a library.

Accept fast, explain slowly: this takes what `encode` writes, spelt as `encode` spells it, and nothing else. It gives
the very snapshot that `shape` gives, without the 100 ms that importing pydantic takes; whatever it does not take is
for `shape` to judge.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from operator import itemgetter
from sys import intern
from typing import Any, Final, Literal, TypeVar, cast

from msgflash_apply.campaign import Address, Facts, Fingerprint, Intent, Record, checked_instant, shared_names
from msgflash_apply.state.snapshot import Snapshot
from msgflash_apply.state.soundness import check_payload, finite
from msgflash_apply.state.upgrade import FORMAT_VERSION

_DOCUMENT: Final = frozenset(
    ("campaigns", "checksum", "environment", "format_version", "history", "in_doubt", "journal", "lineage", "serial")
)
_RECORD: Final = ("id", "status", "read_at", "created_at", "facts", "retired", "former_ids")
_FACTS: Final = ("payload", "fingerprint", "names", "file", "timezone", "on_remove", "labels", "line", "inputs")
_INTENT: Final = ("run", "attempt", "announced_at", "facts")
_in_record, _in_facts, _in_intent = itemgetter(*_RECORD), itemgetter(*_FACTS), itemgetter(*_INTENT)

_SURROGATES: Final = (b"\\ud", b"\\uD")
"""How JSON escapes the halves of a character: `encode` writes it whole, and a lone half is no text."""

_FEW: Final = ("instanceId", "type", "templateId")
"""Fields of a payload that have few values."""

_ON_REMOVE: Final = frozenset(("pause", "keep"))

_Kind = TypeVar("_Kind")


class _Unusual(Exception):
    """Not as `encode` writes it, which says nothing about whether it is good."""


def read_usual(data: bytes) -> Snapshot | None:
    """Read a document whose checksum was proven; None for one that is not of this format as `encode` writes it."""
    if any(half in data for half in _SURROGATES):
        return None
    try:
        return _snapshot(json.loads(data, parse_float=finite, parse_constant=finite))
    except (_Unusual, KeyError, TypeError, ValueError, RecursionError):
        return None


def _snapshot(document: object) -> Snapshot:
    document = _exactly(dict, document)
    if document.keys() != _DOCUMENT or _exactly(int, document["format_version"]) != FORMAT_VERSION:
        raise _Unusual
    journal = document["journal"]
    _exactly(str, document["checksum"])
    return Snapshot(
        lineage=_exactly(str, document["lineage"]),
        serial=_exactly(int, document["serial"]),
        environment=_exactly(str, document["environment"]),
        campaigns={Address(at): _record(one) for at, one in _entries(document["campaigns"])},
        in_doubt={Address(at): _intent(one) for at, one in _entries(document["in_doubt"])},
        history={
            Address(at): tuple(_record(one) for one in _exactly(list, every))
            for at, every in _entries(document["history"])
        },
        journal=None if journal is None else _exactly(str, journal),
    )


def _record(value: dict[str, Any]) -> Record:
    identifier, status, read_at, created_at, facts, retired, former_ids = _in_record(value)
    if len(value) != len(_RECORD) or type(identifier) is not str or type(status) is not str:
        raise _Unusual
    if type(retired) is not bool or type(former_ids) is not list or (former_ids and not _are_texts(former_ids)):
        raise _Unusual
    read = _instant(read_at)
    created = read if created_at == read_at else _instant(created_at)
    return Record(identifier, intern(status), read, created, _facts(facts), retired, tuple(former_ids))


def _intent(value: dict[str, Any]) -> Intent:
    run, attempt, announced_at, facts = _in_intent(value)
    if len(value) != len(_INTENT):
        raise _Unusual
    return Intent(_exactly(str, run), _exactly(int, attempt), _instant(announced_at), _facts(facts))


def _facts(value: dict[str, Any]) -> Facts:
    payload, fingerprint, names, file, timezone, on_remove, labels, line, inputs = _in_facts(value)
    if len(value) != len(_FACTS) or type(fingerprint) is not str or type(file) is not str:
        raise _Unusual
    if type(line) is not int or (inputs is not None and type(inputs) is not str):
        raise _Unusual
    if type(payload) is not dict or type(names) is not dict or type(labels) is not dict:
        raise _Unusual
    if (
        type(on_remove) is not str
        or on_remove not in _ON_REMOVE
        or (timezone is not None and type(timezone) is not str)
    ):
        raise _Unusual
    if (names and not _are_texts(names.values())) or (labels and not _are_texts(labels.values())):
        raise _Unusual
    check_payload(payload)
    _share_texts(payload)
    keep_or_pause = cast("Literal['keep', 'pause']", on_remove)
    zone = timezone and intern(timezone)
    return Facts(
        payload, Fingerprint(fingerprint), shared_names(names), file, zone, keep_or_pause, labels, line, inputs
    )


def _share_texts(payload: dict[str, Any]) -> None:
    """Keep one copy of what thousands of campaigns have in common."""
    for field in _FEW:
        if type(text := payload.get(field)) is str:
            payload[field] = intern(text)


def _instant(text: str) -> datetime:
    """Read `2026-01-05T09:00:00.123456Z`, with or without the fraction: not all that Python reads is so spelt."""
    if len(text) not in {20, 27} or text[7] != "-" or text[10] != "T" or text[-1] != "Z":
        raise _Unusual
    return checked_instant(datetime.fromisoformat(text))


def _are_texts(values: Iterable[object]) -> bool:
    return set(map(type, values)) == {str}


def _entries(value: object) -> Iterator[tuple[str, Any]]:
    """Give the entries of an object and take them out of it, so that a large one is never there twice."""
    entries = _exactly(dict, value)
    for key in list(entries):
        yield key, entries.pop(key)


def _exactly(kind: type[_Kind], value: object) -> _Kind:
    """A value of just this type: true is no number, and a number is no text."""
    if type(value) is not kind:
        raise _Unusual
    return value
