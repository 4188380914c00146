"""
The shapes of the state document and of a journal entry, checked by pydantic: the edge where JSON becomes values.

A field too many is refused, for it would be lost with the next write; only what has a default may be missing. Import
this module late: pydantic takes 100 ms, and whoever only writes does not need it.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from msgflash_apply.campaign import Address, Intent, Record
from msgflash_apply.state.journal import Entry
from msgflash_apply.state.snapshot import Snapshot

_EXACT = ConfigDict(extra="forbid", strict=True)


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


class _Line(BaseModel):
    """A journal line as it is written."""

    model_config = _EXACT

    checksum: str
    sequence: int
    entry: Annotated[Entry, Field(discriminator="kind")]


def read_snapshot(data: bytes) -> Snapshot:
    """Read a document whose checksum was proven. ValueError says where its shape is wrong."""
    document = _Document.model_validate_json(data)
    return Snapshot(
        lineage=document.lineage,
        serial=document.serial,
        environment=document.environment,
        campaigns=document.campaigns,
        in_doubt=document.in_doubt,
        history=document.history,
        journal=document.journal,
    )


def read_entry(line: bytes) -> Entry:
    """Read the entry of a journal line whose checksum was proven. ValueError says where its shape is wrong."""
    return _Line.model_validate_json(line).entry
