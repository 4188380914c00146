"""
The shapes of the state document and of a journal entry, checked by pydantic: the edge where JSON becomes values.

A field too many is refused, for it would be lost with the next write; only what has a default may be missing. Import
this module late: pydantic takes 100 ms, and whoever only writes does not need it.
"""

import json
from collections.abc import Mapping
from itertools import chain
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from msgflash_apply.campaign import Address, Intent, Record
from msgflash_apply.state.journal import Entry
from msgflash_apply.state.snapshot import Snapshot
from msgflash_apply.state.soundness import check_parts, finite

_EXACT = ConfigDict(extra="forbid", strict=True)
_Model = TypeVar("_Model", bound=BaseModel)


class _Document(BaseModel):
    """The document as it is written; the dataclasses inside inherit how strict it is."""

    model_config = _EXACT

    format_version: Literal[1]
    checksum: str
    lineage: str
    serial: int
    environment: str
    campaigns: Mapping[Address, Record]
    in_doubt: Mapping[Address, Intent]
    history: Mapping[Address, tuple[Record, ...]]
    journal: str | None
    moved: str | None = None


class _Line(BaseModel):
    """A journal line as it is written."""

    model_config = _EXACT

    checksum: str
    sequence: int
    entry: Annotated[Entry, Field(discriminator="kind")]


def read_snapshot(data: bytes) -> Snapshot:
    """Read a document whose checksum was proven. ValueError says in one line where its shape is wrong."""
    document = _read(_Document, data)
    past = ((address, record) for address, records in document.history.items() for record in records)
    for address, part in chain(document.campaigns.items(), document.in_doubt.items(), past):
        _check(part, address)
    return Snapshot(
        lineage=document.lineage,
        serial=document.serial,
        environment=document.environment,
        campaigns=document.campaigns,
        in_doubt=document.in_doubt,
        history=document.history,
        journal=document.journal,
        moved=document.moved,
    )


def read_entry(line: bytes) -> Entry:
    """Read the entry of a journal line whose checksum was proven. ValueError says in one line what is wrong."""
    entry = _read(_Line, line).entry
    _check(entry, "entry")
    return entry


def _check(part: object, place: str) -> None:
    try:
        check_parts(part)
    except ValueError as err:
        raise ValueError(f"{place}: {err}") from err


def _read(model: type[_Model], data: bytes) -> _Model:
    try:
        json.loads(data, parse_float=finite, parse_constant=finite)  # pydantic would take 1e999, and NaN
    except RecursionError as err:
        raise ValueError("all of it: nested too deeply") from err
    try:
        return model.model_validate_json(data)
    except ValidationError as err:
        first = err.errors(include_url=False)[0]
        place = ".".join(str(step) for step in first["loc"])
        raise ValueError(f"{place or 'all of it'}: {first['msg']}") from err
