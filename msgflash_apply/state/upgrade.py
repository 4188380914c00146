"""
From an older document to this version's, one step per version.

A step is a pure function over the plain JSON document of version n that gives the one of version n + 1. To change the
format: raise `FORMAT_VERSION`, add the step here, and keep every older step. A reader upgrades in memory; the next
commit writes the new version and keeps the old document as its backup.

Journals have no version: an entry's shape is never changed, new kinds are added. What is written no more is dropped
from the lines that older versions left; see `without_retired_fields`.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias, cast

from msgflash_apply.campaign import JsonObject

FORMAT_VERSION: Final = 3
"""Of the documents that this version writes."""

Step: TypeAlias = Callable[[JsonObject], JsonObject]
"""Version n to version n + 1. May raise KeyError, TypeError or ValueError for a shape that version n never had."""

_IDENTITY: Final = ("environment", "lineage", "serial")


def upgrade(document: JsonObject, steps: Mapping[int, Step], *, target: int = FORMAT_VERSION) -> JsonObject:
    """
    Bring a document whose checksum was proven to the target version, step by step.

    Args:
        document: as it was read; the object itself is left as it is.
        steps: the chain.
        target: where it ends.

    Returns:
        The document in the shape of the target version, still to be checked against that shape.

    Raises:
        ValueError: no version of the program wrote this, or a step broke what it must keep; says where in the chain.
    """
    match document:
        case {"format_version": int(version)} if not isinstance(version, bool):
            pass
        case _:
            raise ValueError("it has no format_version")
    while version != target:
        if version not in steps:
            raise ValueError(f"there is no way from format_version {version} to {target}")
        document = _checked(steps[version], document, version)
        version += 1
    return document


def without_retired_fields(line: bytes) -> bytes:
    """
    Drop from a journal line what older versions wrote and this one does not.

    Version 1 of the program kept a digest, `inputs`, in the facts of a campaign: of what its file was made from, to
    spare reading the file again. A run of it that crashed left such lines, and they may hold the only trace of a
    create. ValueError for a line that is no JSON.
    """
    if b'"inputs":' not in line:
        return line
    try:
        document = json.loads(line)
        entry = document["entry"]
        for holder in (entry, *(entry[name] for name in ("intent", "record") if name in entry)):
            if "facts" in holder:
                holder["facts"] = _without_inputs(holder["facts"])
    except (KeyError, TypeError, AttributeError, RecursionError) as err:
        raise ValueError(f"it is not as a line was: {type(err).__name__}") from err
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")


def _from_1(document: JsonObject) -> JsonObject:
    """Drop `inputs` from the facts of every campaign: a digest by which files were not read again."""
    campaigns = cast("Mapping[str, JsonObject]", document["campaigns"])
    in_doubt = cast("Mapping[str, JsonObject]", document["in_doubt"])
    history = cast("Mapping[str, Iterable[JsonObject]]", document["history"])
    return {
        **document,
        "format_version": 2,
        "campaigns": {address: _with_fewer_facts(record) for address, record in campaigns.items()},
        "in_doubt": {address: _with_fewer_facts(intent) for address, intent in in_doubt.items()},
        "history": {address: [_with_fewer_facts(one) for one in records] for address, records in history.items()},
    }


def _from_2(document: JsonObject) -> JsonObject:
    """Make room for the server, what templates say, the last approval and marked runs; the next apply fills them in."""
    return {**document, "format_version": 3, "server": None, "contents": {}, "approved": None, "runs": []}


def _with_fewer_facts(holder: JsonObject) -> JsonObject:
    return {**holder, "facts": _without_inputs(cast("JsonObject", holder["facts"]))}


def _without_inputs(facts: JsonObject) -> JsonObject:
    return {name: value for name, value in facts.items() if name != "inputs"}


STEPS: Final[Mapping[int, Step]] = MappingProxyType({1: _from_1, 2: _from_2})
"""The version that a step begins at -> the step."""


def _checked(step: Step, before: JsonObject, version: int) -> JsonObject:
    try:
        after = step(before)
    except (AttributeError, KeyError, TypeError, ValueError) as err:
        raise ValueError(f"it is not as format_version {version} was: {type(err).__name__}: {err}") from err
    expected = [version + 1, *(before.get(name) for name in _IDENTITY)]
    if [after.get(name) for name in ("format_version", *_IDENTITY)] != expected:
        raise ValueError(f"the upgrade from format_version {version} did not keep whose state it is")
    return after
