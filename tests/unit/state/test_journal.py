"""Journal lines: what a crash may leave, and what is damage."""

import json
from zlib import crc32

import pytest

from msgflash_apply.campaign import Address
from msgflash_apply.errors import StateDamaged
from msgflash_apply.state.codec import decode_journal, encode_entries
from msgflash_apply.state.journal import (
    Adopted,
    Described,
    Entry,
    Forgotten,
    Moved,
    NotCreated,
    Observed,
    Opened,
    Removed,
    Restored,
    Retired,
)
from tests.support.builders import NOW, a_record, some_facts
from tests.support.states import ENVIRONMENT, LINEAGE, created, intended

SALE, TEA = Address("sale"), Address("tea")
HEAD = Opened("run-1", LINEAGE, 7, ENVIRONMENT, NOW)
EVERY_KIND: tuple[Entry, ...] = (
    HEAD,
    intended(),
    created(),
    intended("tea"),
    NotCreated(TEA, "400 VALIDATION_ERROR: line\nbreak", NOW),
    Observed(SALE, "running", NOW),
    Retired(SALE, NOW, "paused"),
    Restored(SALE, NOW, "scheduled"),
    Described(SALE, some_facts()),
    Moved(SALE, TEA),
    Forgotten(TEA, NOW),
    Adopted(SALE, a_record()),
    Removed(SALE, NOW),
)
A_JOURNAL = encode_entries(EVERY_KIND, first=0)


def test_every_kind_round_trips() -> None:
    """Each entry is one line of JSON, and reads back as it was."""
    assert decode_journal(A_JOURNAL, where="here") == EVERY_KIND
    assert [json.loads(line)["sequence"] for line in A_JOURNAL.splitlines()] == list(range(len(EVERY_KIND)))


def test_lines_can_be_encoded_in_parts() -> None:
    """A journal written in several appends is the one written at once."""
    assert encode_entries(EVERY_KIND[:3], first=0) + encode_entries(EVERY_KIND[3:], first=3) == A_JOURNAL


def test_empty_journal_says_nothing() -> None:
    """A run that died before its head was durable left a journal without entries."""
    assert decode_journal(b"", where="here") == ()


def test_torn_last_line_is_dropped() -> None:
    """A last line that was cut short was never durable, so nothing was sent on its strength."""
    assert decode_journal(A_JOURNAL[:-20], where="here") == EVERY_KIND[:-1]
    assert decode_journal(A_JOURNAL + b"\0" * 512, where="here") == EVERY_KIND


def test_whole_last_line_is_kept() -> None:
    """A last line that misses only its line break is believed: caution costs nothing."""
    assert decode_journal(A_JOURNAL[:-1], where="here") == EVERY_KIND


@pytest.mark.parametrize("place", range(0, len(A_JOURNAL) - 1, 7))
def test_altered_byte_is_found(place: int) -> None:
    """An altered byte in a durable line is damage, and its line is named."""
    altered = A_JOURNAL[:place] + bytes([A_JOURNAL[place] ^ 1]) + A_JOURNAL[place + 1 :]

    with pytest.raises(StateDamaged) as caught:
        decode_journal(altered, where="/states/x.jsonl")

    number = A_JOURNAL[:place].count(b"\n") + 1
    assert f"/states/x.jsonl, line {number}:" in caught.value.detail


@pytest.mark.parametrize(
    ("lines", "what"),
    [
        ([0, 2], "line 2: it says it is line 3"),
        ([0, 1, 1], "line 3: it says it is line 2"),
        ([1], "line 1: it says it is line 2"),
    ],
)
def test_missing_or_repeated_line_is_found(lines: list[int], what: str) -> None:
    """A line that was taken out or put in twice is damage."""
    every = A_JOURNAL.splitlines(keepends=True)

    with pytest.raises(StateDamaged, match=what):
        decode_journal(b"".join(every[number] for number in lines), where="here")


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (encode_entries([intended()], first=0), "line 1: a journal has one head"),
        (encode_entries([HEAD, HEAD], first=0), "line 2: a journal has one head"),
        (encode_entries([HEAD], first=0) + b"\n", "line 2: it is torn"),
        (b"not a journal\n", "line 1: it is torn"),
    ],
)
def test_misplaced_head_and_foreign_lines_are_damage(data: bytes, what: str) -> None:
    """A journal has its head in the first line and nowhere else, and no line that is not its own."""
    with pytest.raises(StateDamaged, match=what):
        decode_journal(data, where="here")


def test_unknown_entry_is_damage() -> None:
    """An entry of a kind or shape that this version does not know is not skipped."""
    rest = b'"sequence":1,"entry":{"address":"sale","kind":"archived"}}'
    line = b'{"checksum":"%08x",%b\n' % (crc32(rest), rest)

    with pytest.raises(StateDamaged, match="no journal entry that this version knows"):
        decode_journal(encode_entries([HEAD], first=0) + line, where="here")
