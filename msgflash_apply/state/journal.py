"""
The journal: what one run announced and learned, one line per entry, appended and never rewritten.

What each entry does to the state is `replay.py`. A line is JSON with its own checksum and number:

    {"checksum":"9ae0daaf","sequence":3,"entry":{"address":"promo/x","kind":"created",..}}

The checksum is the CRC-32 of the rest of the line, so that a torn or altered line is found. The first entry is always
`Opened`, and it is the only one of its kind.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, TypeAlias
from zlib import crc32

from msgflash_apply.campaign import Address, Facts, Intent, Record
from msgflash_apply.errors import StateDamaged
from msgflash_apply.state.backends.encrypted.refusals import without_key
from msgflash_apply.state.serialise import to_json

_LINE: Final = re.compile(rb'\{"checksum":"([0-9a-f]{8})",("sequence":(\d{1,9}),.*)', re.DOTALL)

_MEND: Final = (
    "Bring back a good copy of this journal from a backup of its disk.\n"
    "Never delete it: it may hold the only trace of campaigns that were created."
)


@dataclass(frozen=True, slots=True)
class Opened:
    """The head: a run `journal` began at `serial` of the state `lineage`, `environment`."""

    journal: str
    lineage: str
    serial: int
    environment: str
    at: datetime
    kind: Literal["opened"] = "opened"


@dataclass(frozen=True, slots=True)
class Intended:
    """A create is about to be sent."""

    address: Address
    intent: Intent
    kind: Literal["intended"] = "intended"


@dataclass(frozen=True, slots=True)
class Created:
    """The announced create made the campaign `id`, which had `status` at `at`."""

    address: Address
    id: str
    status: str
    at: datetime
    kind: Literal["created"] = "created"


@dataclass(frozen=True, slots=True)
class NotCreated:
    """The announced create provably made nothing; `why` is for people."""

    address: Address
    why: str
    at: datetime
    kind: Literal["not_created"] = "not_created"


@dataclass(frozen=True, slots=True)
class Observed:
    """MsgFlash said `status`: it was read, or it answered a pause or a resume."""

    address: Address
    status: str
    at: datetime
    kind: Literal["observed"] = "observed"


@dataclass(frozen=True, slots=True)
class Retired:
    """Its file is gone and it was paused for good; `status` is what MsgFlash answered."""

    address: Address
    at: datetime
    status: str
    kind: Literal["retired"] = "retired"


@dataclass(frozen=True, slots=True)
class Restored:
    """A retired one came back and was resumed; `status` is what MsgFlash answered."""

    address: Address
    at: datetime
    status: str
    kind: Literal["restored"] = "restored"


@dataclass(frozen=True, slots=True)
class Moved:
    """What stood at `previous` now stands at `address`."""

    previous: Address
    address: Address
    kind: Literal["moved"] = "moved"


@dataclass(frozen=True, slots=True)
class Forgotten:
    """It is over and its file is gone: the record moves to the history."""

    address: Address
    at: datetime
    kind: Literal["forgotten"] = "forgotten"


@dataclass(frozen=True, slots=True)
class Removed:
    """A person took it out of the campaigns: the record moves to the history, the campaign stays as it is."""

    address: Address
    at: datetime
    kind: Literal["removed"] = "removed"


@dataclass(frozen=True, slots=True)
class Adopted:
    """A person brought in a campaign that was created elsewhere."""

    address: Address
    record: Record
    kind: Literal["adopted"] = "adopted"


@dataclass(frozen=True, slots=True)
class Described:
    """Its file says something new that is never sent: file, names, time zone, on_remove, labels."""

    address: Address
    facts: Facts
    kind: Literal["described"] = "described"


Outcome: TypeAlias = Created | NotCreated | Observed | Retired | Restored
"""What MsgFlash did or said. It stays true when the store fails, so it must be kept somewhere."""

Entry: TypeAlias = Opened | Intended | Outcome | Moved | Forgotten | Removed | Adopted | Described


def encode_entries(entries: Iterable[Entry], *, first: int) -> bytes:
    """Write entries as journal lines, each ended by a line break; `first` is the number of the first, from 0."""
    return b"".join(_line(number, entry) for number, entry in enumerate(entries, first))


def decode_journal(data: bytes, *, where: str) -> tuple[Entry, ...]:
    """
    Read a journal, or what a crash left of it.

    A last line without its line break was never durable, so nothing was sent on its strength: if it is torn, it is
    dropped; if it is whole, it is kept, which at worst leaves a create in doubt that never left.

    Args:
        data: the journal from its first byte; empty if the run died before its head was durable.
        where: its place, for messages.

    Raises:
        StateDamaged: any other line is torn, altered, missing or out of place; the message has its number.
        StateError: the journal is encrypted.
    """
    *lines, tail = data.split(b"\n")
    entries = [_entry(line, number, where) for number, line in enumerate(lines)]
    if _is_whole(tail):
        entries.append(_entry(tail, len(lines), where))
    return tuple(entries)


def _line(number: int, entry: Entry) -> bytes:
    rest = b'"sequence":%d,"entry":%b}' % (number, to_json(entry))
    return b'{"checksum":"%08x",%b\n' % (crc32(rest), rest)


def _is_whole(line: bytes) -> bool:
    return (match := _LINE.fullmatch(line)) is not None and int(match[1], 16) == crc32(match[2])


def _entry(line: bytes, number: int, where: str) -> Entry:
    match = _LINE.fullmatch(line)
    if match is None or int(match[1], 16) != crc32(match[2]):
        if refusal := without_key(line, where=f"{where}, line {number + 1}"):
            raise refusal
        raise _damaged(where, number, "it is torn, or it was altered after it was written")
    if int(match[3]) != number:
        raise _damaged(where, number, f"it says it is line {int(match[3]) + 1}; lines are missing or out of order")
    from msgflash_apply.state import shape  # noqa: PLC0415 - pydantic takes 100 ms to import; most runs find no journal

    try:
        entry = shape.read_entry(line)
    except ValueError as err:
        raise _damaged(where, number, f"it is no journal entry that this version knows: {err}") from err
    if isinstance(entry, Opened) != (number == 0):
        raise _damaged(where, number, "a journal has one head, and it is the first line")
    return entry


def _damaged(where: str, number: int, what: str) -> StateDamaged:
    return StateDamaged("A journal of the state is damaged.", f"{where}, line {number + 1}: {what}.", _MEND)
