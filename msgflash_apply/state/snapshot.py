"""
The state document: every campaign that was created, every create in doubt, and the history.

`encode` and `decode` are each other's inverse. A document proves itself by its checksum; one that does not is damage
and never emptiness.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from msgflash_apply.campaign import Address, Intent, Record
from msgflash_apply.errors import StateDamaged, StateError
from msgflash_apply.state.backends.encrypted.refusals import without_key
from msgflash_apply.state.serialise import to_json
from msgflash_apply.state.upgrade import FORMAT_VERSION, STEPS, Step, upgrade

_CURRENT: Final = b'\n  "format_version": %d,\n' % FORMAT_VERSION
_CHECKSUM_KEY: Final = b'\n  "checksum": "'
_CHECKSUM_LENGTH: Final = len("sha256:") + 64
_CHECKSUM_END: Final = b'",'

KEEP_IT: Final = (
    "Put its last good copy back, and leave the journals where they are: the backup kept beside it and the journals "
    "together hold all that was sent.\n"
    "Never delete it, and do not start an empty one: it is the only record of what was sent."
)
"""What to do about a damaged state, whatever the damage."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """
    The state as one value.

    Attributes:
        lineage: UUID given at `init`; two states with different ones have nothing to do with each other.
        serial: of the document; grows with every commit, by one unless a state ahead of it was pushed.
        environment: whose state it is.
        campaigns: what was created and is not forgotten.
        in_doubt: creates that were announced and whose outcome is not known. An address may stand in `campaigns` too:
            that record is the one being replaced.
        history: forgotten and removed records, oldest first.
        journal: id of the journal folded in last; None before the first.
        moved: URL of the place where the live state is; None in the live one itself. See `migrate.py`.
    """

    lineage: str
    serial: int
    environment: str
    campaigns: Mapping[Address, Record]
    in_doubt: Mapping[Address, Intent]
    history: Mapping[Address, tuple[Record, ...]]
    journal: str | None = None
    moved: str | None = None

    def records(self, *, in_history: bool = True) -> Iterator[tuple[Address, Record]]:
        """Give every record with where it stands; those of the history last."""
        yield from self.campaigns.items()
        if in_history:
            yield from ((address, record) for address, records in self.history.items() for record in records)

    def ids(self, *, in_history: bool = True) -> Iterator[tuple[str, Address]]:
        """Give every campaign id that is on record, former ones included, with where it stands."""
        for address, record in self.records(in_history=in_history):
            for identifier in (record.id, *record.former_ids):
                yield identifier, address


def encode(snapshot: Snapshot) -> bytes:
    """Write the document: JSON in UTF-8, indented by 2, keys sorted, checksum included, one line break at the end."""
    # Written only where it says something: older versions refuse a field that they do not know, and should here.
    mark = {} if snapshot.moved is None else {"moved": snapshot.moved}
    values: dict[str, object] = {
        **mark,
        "campaigns": snapshot.campaigns,
        "environment": snapshot.environment,
        "format_version": FORMAT_VERSION,
        "history": snapshot.history,
        "in_doubt": snapshot.in_doubt,
        "journal": snapshot.journal,
        "lineage": snapshot.lineage,
        "serial": snapshot.serial,
    }
    parts: list[bytes] = []
    for key in sorted(values):
        if key == "environment":
            place = len(parts)
        parts += [b"," if parts else b"{", *_field(key, values[key])]
    parts.append(b"\n}\n")
    digest = sha256()
    for part in parts:
        digest.update(part)
    parts.insert(place, b',%bsha256:%b"' % (_CHECKSUM_KEY, digest.hexdigest().encode()))
    return b"".join(parts)


def _field(key: str, value: object) -> Iterator[bytes]:
    """Write one field of the document, a map entry by entry: with thousands, the whole takes five times its size."""
    yield b'\n  "%b": ' % key.encode()
    if not isinstance(value, Mapping) or not value:
        yield to_json(value)
        return
    for number, entry in enumerate(sorted(value)):
        # No text holds a raw line break, so each one begins a line of the entry.
        told = to_json(value[entry], indent=2).replace(b"\n", b"\n    ")
        yield b"%b\n    %b: %b" % (b"," if number else b"{", to_json(entry), told)
    yield b"\n  }"


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
    if not _is_proven(data):
        raise _explain(data, where)
    from msgflash_apply.state.plain_shape import read_usual  # noqa: PLC0415 - it imports this module

    if (usual := read_usual(data)) is not None:
        return usual
    from msgflash_apply.state import shape  # noqa: PLC0415 - pydantic takes 100 ms to import, and few documents need it

    try:
        return shape.read_snapshot(data if _CURRENT in data else to_json(upgrade(json.loads(data), steps)))
    except (ValueError, RecursionError) as err:
        raise _explain(data, where, str(err)) from err


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
    """Say why a document can not be used; slow, for it only runs when there is something to say."""
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
    return StateDamaged("The state is damaged.", f"{where}: {what}.", KEEP_IT)
