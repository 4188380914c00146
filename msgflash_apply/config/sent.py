"""
What the record says of files that are as they were when their campaigns were sent: these are not worked out again.

A fresh machine, such as every pipeline's, has no cache, but it has the state. With each campaign stands a digest of
what its file's campaigns were made from: name and bytes of the file, settings, program, time zones, and which
campaigns they were. It is only there where the record holds all that such a file says, so that one digest that fits
proves the whole file.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from hashlib import sha256
from typing import TypeAlias

from msgflash_apply.campaign import (
    DEFAULT_LIFECYCLE,
    FIELD_ORDER,
    Address,
    Desired,
    Facts,
    Lifecycle,
    Record,
    Source,
)
from msgflash_apply.config.basis import basis_of
from msgflash_apply.config.placed import Contents, Origin, Placed
from msgflash_apply.config.settings import Settings
from msgflash_apply.config.stamp import reader_digest
from msgflash_apply.config.zones import zone_digests

_Made: TypeAlias = tuple[Address, str | None]
"""A campaign and its time zone."""


class Inputs:
    """
    Digests what the campaigns of a file are made from.

    Args:
        settings: of the run.
    """

    def __init__(self, settings: Settings) -> None:
        self._basis = sha256(basis_of(settings, reader_digest()).encode())
        self._zones: dict[str, str] = {}

    def digest(self, file: str, data: bytes, made: Iterable[_Made]) -> str:
        """
        Give `sha256:` and 64 hex digits.

        Args:
            file: the file's name, relative to the repo.
            data: its bytes.
            made: every campaign that it holds.
        """
        told = [file, *sorted(f"{address}\0{self._rules_of(zone)}" for address, zone in made)]
        total = self._basis.copy()
        total.update("\n".join(told).encode("utf-8", "surrogatepass") + b"\n\n")
        total.update(data)
        return f"sha256:{total.hexdigest()}"

    def _rules_of(self, zone: str | None) -> str:
        if zone is None:
            return ""
        if zone not in self._zones:
            self._zones[zone] = str(zone_digests([zone]))
        return self._zones[zone]


def with_inputs(contents: Contents, file: str, data: bytes, inputs: Inputs) -> list[Placed]:
    """Give the campaigns of a file with the digest on them, unless it says more than their records will hold."""
    wanted = [placed.desired for placed in contents.campaigns if placed.desired is not None]
    if contents.diagnostics or not all(map(_is_all_on_record, wanted)):
        return contents.campaigns
    digest = inputs.digest(file, data, [(one.address, one.timezone) for one in wanted])
    return [
        placed._replace(desired=placed.desired and replace(placed.desired, inputs=digest))
        for placed in contents.campaigns
    ]


def _is_all_on_record(wanted: Desired) -> bool:
    usual = wanted.lifecycle.on_change == "block" and not wanted.lifecycle.ignore_changes
    return usual and wanted.paused is None and not wanted.moved_from


class SentFiles:
    """
    The files that a state tells of.

    Args:
        settings: of the run.
        records: the campaigns of the state.
    """

    def __init__(self, settings: Settings, records: Mapping[Address, Record]) -> None:
        self._by_file: dict[str, list[tuple[Address, Facts]]] = {}
        for address, record in records.items():
            if record.facts.inputs is not None:
                self._by_file.setdefault(record.facts.file, []).append((address, record.facts))
        self._inputs = Inputs(settings) if self._by_file else None

    def contents_of(self, file: str, data: bytes) -> Contents | None:
        """Give what a file says, if it is known; positions are those of documents only."""
        sent = self._by_file.get(file)
        if sent is None or self._inputs is None:
            return None
        digest = self._inputs.digest(file, data, [(address, facts.timezone) for address, facts in sent])
        if any(facts.inputs != digest for _, facts in sent):
            return None
        return Contents([_placed(address, facts, data) for address, facts in sent])


def _placed(address: Address, facts: Facts, data: bytes) -> Placed:
    payload, names = facts.payload, facts.names
    wanted = Desired(
        address,
        Source(facts.file, facts.line),
        {field: payload[field] for field in FIELD_ORDER if field in payload and field not in names},
        names,
        facts.starts_at,
        facts.timezone,
        lifecycle=DEFAULT_LIFECYCLE if facts.on_remove == "pause" else Lifecycle(on_remove=facts.on_remove),
        labels=facts.labels,
        inputs=facts.inputs,
    )
    return Placed(address, wanted, Origin(facts.file, data, 0, facts.line))
