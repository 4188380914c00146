"""
The state as text: the document, and the lines of a journal. Read `encode` and `decode` first.

Writing and reading are each other's inverse. Reading checks the checksum first, so that damage is never taken for an
empty state; then pydantic checks the shape, and `check_parts` what a shape cannot say: every time can be compared and
shown, every payload has a start, recipients and a name, and every number is one that JSON has. The rest of the program
relies on this, because a checksum proves that bytes are as they were written, not that a run wrote them. An unknown
field is refused, since the next write would lose it; only a field with a default may be missing.

Documents of an older format are upgraded (`upgrade.py`) before they are read.
"""

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from hashlib import sha256
from itertools import chain
from typing import Annotated, Final, Literal, TypeVar
from zlib import crc32

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from msgflash_apply.campaign import Address, Content, Facts, Intent, Record, checked_instant, parse_instant
from msgflash_apply.errors import StateDamaged, StateError
from msgflash_apply.state.backends.encryption import without_key
from msgflash_apply.state.journal import Entry, Kept, Opened
from msgflash_apply.state.serialise import to_json
from msgflash_apply.state.snapshot import HOW_TO_RESTORE, LastApproval, Snapshot
from msgflash_apply.state.upgrade import FORMAT_VERSION, STEPS, Step, upgrade, without_retired_fields
from msgflash_apply.template import TemplateRecord

_CURRENT: Final = b'\n  "format_version": %d,\n' % FORMAT_VERSION
_CHECKSUM_KEY: Final = b'\n  "checksum": "'
_CHECKSUM_LENGTH: Final = len("sha256:") + 64
_CHECKSUM_END: Final = b'",'

_LINE: Final = re.compile(rb'\{"checksum":"([0-9a-f]{8})",("sequence":(\d{1,9}),.*)', re.DOTALL)
_RESTORE_JOURNAL: Final = (
    "Restore a good copy of this journal from a backup of its disk.\n"
    "Never delete it: it may hold the only trace of campaigns that were created."
)

MOST_LEVELS: Final = 20
"""Of maps and lists inside each other: more than any document of ours has, and fewer than a writer can follow."""

_EXACT = ConfigDict(extra="forbid", strict=True)
_Model = TypeVar("_Model", bound=BaseModel)


class _Document(BaseModel):
    """The document as it is written; the dataclasses inside inherit how strict it is."""

    model_config = _EXACT

    format_version: Literal[3]
    checksum: str
    lineage: str
    serial: int
    environment: str
    campaigns: Mapping[Address, Record]
    in_doubt: Mapping[Address, Intent]
    history: Mapping[Address, tuple[Record, ...]]
    journal: str | None
    server: str | None
    contents: Mapping[str, Content]
    approved: LastApproval | None
    runs: tuple[str, ...]
    templates: Mapping[Address, TemplateRecord] = {}
    moved: str | None = None


class _Line(BaseModel):
    """A journal line as it is written."""

    model_config = _EXACT

    checksum: str
    sequence: int
    entry: Annotated[Entry, Field(discriminator="kind")]


def encode(snapshot: Snapshot) -> bytes:
    """Write the document: JSON in UTF-8, indented by 2, keys sorted, checksum included, one line break at the end."""
    # Written only where it says something: older versions refuse a field that they do not know, and should here.
    mark = {} if snapshot.moved is None else {"moved": snapshot.moved}
    values: dict[str, object] = {
        **mark,
        "approved": snapshot.approved,
        "campaigns": snapshot.campaigns,
        "contents": snapshot.contents,
        "environment": snapshot.environment,
        "format_version": FORMAT_VERSION,
        "history": snapshot.history,
        "in_doubt": snapshot.in_doubt,
        "journal": snapshot.journal,
        "lineage": snapshot.lineage,
        "runs": snapshot.runs,
        "serial": snapshot.serial,
        "server": snapshot.server,
        "templates": snapshot.templates,
    }
    parts: list[bytes] = []
    for key in sorted(values):
        if key == "contents":  # the first one after "checksum"
            place = len(parts)
        parts += [b"," if parts else b"{", *_field(key, values[key])]
    parts.append(b"\n}\n")
    digest = sha256()
    for part in parts:
        digest.update(part)
    parts.insert(place, b',%bsha256:%b"' % (_CHECKSUM_KEY, digest.hexdigest().encode()))
    return b"".join(parts)


def _field(key: str, value: object) -> Iterator[bytes]:
    """Write one field of the document; a map entry by entry, since all at once takes five times its size in memory."""
    yield b'\n  "%b": ' % key.encode()
    if not isinstance(value, Mapping) or not value:
        yield to_json(value, indent=None if isinstance(value, Mapping) else 2).replace(b"\n", b"\n  ")
        return
    for number, entry in enumerate(sorted(value)):
        # No text holds a raw line break, so each one begins a line of the entry.
        text = to_json(value[entry], indent=2).replace(b"\n", b"\n    ")
        yield b"%b\n    %b: %b" % (b"," if number else b"{", to_json(entry), text)
    yield b"\n  }"


SMALL_BYTES: Final = 16 * 1024 * 1024
"""A document of which every value may be tiny, and still takes no more memory than can be spared."""

BYTES_A_VALUE: Final = 8
"""Of a larger one, at least: states have 30 and more. A file of a branch may be made of nothing but `{},{},`."""


def decode(data: bytes, *, where: str, steps: Mapping[int, Step] = STEPS) -> Snapshot:
    """
    Read a document that `encode` wrote, in this version of the program or an older one.

    Args:
        data: the whole document.
        where: its place, for messages.
        steps: how older documents are upgraded; see `upgrade.py`.

    Raises:
        StateDamaged: it is cut short, altered by hand, or no state at all; the message says which.
        StateError: a newer version of the program wrote it, or it is encrypted.
    """
    if _is_too_dense(data):
        raise _damaged(where, "it holds far more values than a state of its size has")
    if not _is_proven(data):
        raise _explain(data, where)
    try:
        document = _read(_Document, data if _CURRENT in data else to_json(upgrade(json.loads(data), steps)))
        past = ((address, record) for address, records in document.history.items() for record in records)
        for address, part in chain(document.campaigns.items(), document.in_doubt.items(), past):
            _check(part, address)
        _check(document.approved, "approved")
        for digest, content in document.contents.items():
            _check(Kept(digest, content), digest)
        for address, template in document.templates.items():
            _check(template, address)
    except (ValueError, RecursionError) as err:
        raise _explain(data, where, str(err)) from err
    return Snapshot(
        lineage=document.lineage,
        serial=document.serial,
        environment=document.environment,
        campaigns=document.campaigns,
        in_doubt=document.in_doubt,
        history=document.history,
        journal=document.journal,
        moved=document.moved,
        server=document.server,
        contents=document.contents,
        approved=document.approved,
        runs=document.runs,
        templates=document.templates,
    )


def _is_too_dense(data: bytes) -> bool:
    """Whether reading it would take many times its size in memory, so that it is no document of ours."""
    return len(data) > SMALL_BYTES and data.count(b",") * BYTES_A_VALUE > len(data)


def _is_proven(data: bytes) -> bool:
    place = data.find(_CHECKSUM_KEY)
    if place < 0:
        return False
    start = place + len(_CHECKSUM_KEY)
    end = start + _CHECKSUM_LENGTH
    if data[end : end + len(_CHECKSUM_END)] != _CHECKSUM_END:
        return False
    digest = sha256(memoryview(data)[:place])
    digest.update(memoryview(data)[end + len(_CHECKSUM_END) :])
    return data[start:end] == b"sha256:" + digest.hexdigest().encode()


def _explain(data: bytes, where: str, misshape: str = "") -> StateError:
    """Say why a document cannot be used; slow, for it only runs when there is something to say."""
    if refusal := without_key(data, where=where):
        return refusal
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as err:
        return _damaged(where, "it is empty" if not data.strip() else f"it is not JSON: {err}")
    version = document.get("format_version") if isinstance(document, dict) else None
    if not isinstance(version, int):
        return _damaged(where, "it is JSON, but not a state of msgflash-apply")
    if version > FORMAT_VERSION:
        return StateError(
            "The state was written by a newer version.",
            f"{where}: its format_version is {version}; this version reads up to {FORMAT_VERSION}.",
            "The state stays as it is. Upgrade msgflash-apply to that version or a later one.",
        )
    if not misshape:
        return _damaged(where, "its checksum does not match: it was altered by hand or merged after it was written")
    return _damaged(where, f"it does not have the shape of a state: {misshape}")


def _damaged(where: str, what: str) -> StateDamaged:
    return StateDamaged("The state is damaged.", f"{where}: {what}.", HOW_TO_RESTORE)


def encode_entries(entries: Iterable[Entry], *, first: int) -> bytes:
    """Write entries as journal lines, each ended by a line break; `first` is the number of the first, from 0."""
    lines: list[bytes] = []
    for number, entry in enumerate(entries, first):
        rest = b'"sequence":%d,"entry":%b}' % (number, to_json(entry))
        lines.append(b'{"checksum":"%08x",%b\n' % (crc32(rest), rest))
    return b"".join(lines)


def decode_journal(data: bytes, *, where: str) -> tuple[Entry, ...]:
    """
    Read a journal, or what a crash left of it.

    A last line without its line break was never durable, so no create was sent because of it. If it is torn, it is
    dropped. If it is whole, it is kept, which at worst leaves a create in doubt that was never sent.

    Args:
        data: the journal from its first byte; empty if the run died before its head was durable.
        where: its place, for messages.

    Raises:
        StateDamaged: any other line is torn, altered, missing or out of place; the message has its number.
        StateError: the journal is encrypted.
    """
    if _is_too_dense(data):
        raise _damaged_journal(where, 0, "the journal holds far more values than one of its size has")
    *lines, tail = data.split(b"\n")
    entries = [_entry(line, number, where) for number, line in enumerate(lines)]
    if _match_whole(tail):
        entries.append(_entry(tail, len(lines), where))
    return tuple(entries)


def _match_whole(line: bytes) -> re.Match[bytes] | None:
    """Take a line apart whose checksum is right; None for any other."""
    match = _LINE.fullmatch(line)
    return match if match and int(match[1], 16) == crc32(match[2]) else None


def _entry(line: bytes, number: int, where: str) -> Entry:
    match = _match_whole(line)
    if match is None:
        if refusal := without_key(line, where=f"{where}, line {number + 1}"):
            raise refusal
        raise _damaged_journal(where, number, "it is torn, or it was altered after it was written")
    if int(match[3]) != number:
        raise _damaged_journal(
            where, number, f"it says it is line {int(match[3]) + 1}; lines are missing or out of order"
        )
    try:
        entry = _read(_Line, without_retired_fields(line)).entry
        _check(entry, "entry")
    except ValueError as err:
        raise _damaged_journal(where, number, f"it is no journal entry that this version knows: {err}") from err
    if isinstance(entry, Opened) != (number == 0):
        raise _damaged_journal(where, number, "a journal has one head, and it is the first line")
    return entry


def _damaged_journal(where: str, number: int, what: str) -> StateDamaged:
    return StateDamaged("A journal of the state is damaged.", f"{where}, line {number + 1}: {what}.", _RESTORE_JOURNAL)


def _read(model: type[_Model], data: bytes) -> _Model:
    try:
        return model.model_validate_json(data)
    except ValidationError as err:
        first = err.errors(include_url=False)[0]
        place = ".".join(str(step) for step in first["loc"])
        raise ValueError(f"{place or 'all of it'}: {first['msg']}") from err


def _check(part: object, place: str) -> None:
    try:
        check_parts(part)
    except ValueError as err:
        raise ValueError(f"{place}: {err}") from err


def check_payload(payload: Mapping[str, object]) -> None:
    """Check a payload that a run has sent. ValueError says what is missing."""
    recipients = payload.get("recipients")
    if not isinstance(payload.get("name"), str) or not isinstance(recipients, Mapping):
        raise ValueError("its payload has no name or no recipients")  # noqa: TRY004 - the shape is right, the value is not
    if not isinstance(recipients.get("type"), str):
        raise ValueError("its recipients have no type")  # noqa: TRY004 - the same
    schedule = payload.get("schedule")
    if not isinstance(schedule, str):
        raise ValueError("its payload has no start")  # noqa: TRY004 - the same
    parse_instant(schedule)
    check_json(payload)


def check_parts(part: object) -> None:
    """Check a record, an intent, an approval or an entry, with all that is in it. ValueError says what is wrong."""
    match part:
        case Facts(payload=payload):
            check_payload(payload)
        case Record(read_at=read_at, created_at=created_at, facts=facts):
            checked_instant(read_at)
            checked_instant(created_at)
            check_parts(facts)
        case Intent(announced_at=announced_at, facts=facts):
            checked_instant(announced_at)
            checked_instant(part.last_sent_at)
            check_parts(facts)
        case Kept(digest=digest, content=content) if content.digest != digest:
            raise ValueError("its words are not those of its digest")
        case TemplateRecord(versions=versions, effects=effects):
            for moment in (*(version.made_at for version in versions), *(effect.at for effect in effects)):
                checked_instant(moment)
        case _:
            for value in (getattr(part, name, None) for name in ("at", "intent", "record", "facts")):
                if isinstance(value, datetime):
                    checked_instant(value)
                elif value is not None:
                    check_parts(value)


def check_json(value: object, levels: int = MOST_LEVELS) -> None:
    """ValueError for a tree that could not be written again: nested too deeply, or with a number that JSON has not."""
    if not levels:
        raise ValueError(f"it is nested more than {MOST_LEVELS} levels deep")
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        if type(inner) is str:  # most are texts
            continue
        if isinstance(inner, (dict, list)):
            check_json(inner, levels - 1)
        elif isinstance(inner, float) and not math.isfinite(inner):
            raise ValueError(f"{inner} is no number that JSON has")
