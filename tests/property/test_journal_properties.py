"""Whatever a journal holds and wherever it is cut: it replays to a valid state and no whole intent is lost."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from msgflash_apply.campaign import Address, Content, Facts, Fingerprint, Intent, Record, Seen
from msgflash_apply.errors import StateDamaged
from msgflash_apply.state.codec import decode, decode_journal, encode, encode_entries
from msgflash_apply.state.journal import (
    Adopted,
    Approved,
    Bound,
    Created,
    Described,
    Entry,
    Forgotten,
    Intended,
    Kept,
    Moved,
    NotCreated,
    Observed,
    Opened,
    Removed,
    Restored,
    Retired,
)
from msgflash_apply.state.replay import Draft, fold
from msgflash_apply.state.snapshot import Snapshot
from tests.support.builders import NOW
from tests.support.states import ENVIRONMENT, LINEAGE

EMPTY = Snapshot(LINEAGE, 1, ENVIRONMENT, campaigns={}, in_doubt={}, history={})
HEAD = Opened("run-1", LINEAGE, 1, ENVIRONMENT, NOW)

ADDRESSES = st.sampled_from([Address(text) for text in ("sale", "promo/été", 'tea["fr"]')])
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
TIMES = st.timedeltas(timedelta(0), timedelta(days=900)).map(lambda delta: NOW + delta)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=4,
)
SENDABLE = {"name": "Sale", "schedule": "2026-11-27T12:00:00.000Z", "recipients": {"type": "all"}}
"""What every payload says that a run has sent."""

CONTENTS = st.sampled_from([Content(), Content("text", "Hello"), Content("image", "Été", "https://a.example/1.jpg")])
PEOPLE = st.none() | st.integers(0, 9)
SEEN = st.builds(Seen, st.none() | CONTENTS.map(lambda content: content.digest), st.none() | TEXTS, PEOPLE, PEOPLE)
FACTS = st.builds(
    Facts,
    payload=st.dictionaries(TEXTS, JSON, max_size=3).map(lambda fields: {**fields, **SENDABLE}),
    fingerprint=TEXTS.map(Fingerprint),
    names=st.dictionaries(TEXTS, TEXTS, max_size=2),
    file=TEXTS,
    timezone=st.none() | TEXTS,
    on_remove=st.sampled_from(["pause", "keep"]),
    labels=st.dictionaries(TEXTS, TEXTS, max_size=2),
    line=st.integers(1, 99),
    seen=st.none() | SEEN,
)
INTENTS = st.builds(Intent, run=TEXTS, attempt=st.integers(1, 9), announced_at=TIMES, facts=FACTS)
RECORDS = st.builds(
    Record,
    id=TEXTS,
    status=TEXTS,
    read_at=TIMES,
    created_at=TIMES,
    facts=FACTS,
    retired=st.booleans(),
    former_ids=st.lists(TEXTS, max_size=2).map(tuple),
    differs=st.lists(TEXTS, max_size=2).map(tuple),
)
ENTRIES: st.SearchStrategy[Entry] = st.one_of(
    st.builds(Intended, ADDRESSES, INTENTS),
    st.builds(Created, ADDRESSES, TEXTS, TEXTS, TIMES, st.lists(TEXTS, max_size=2).map(tuple)),
    st.builds(NotCreated, ADDRESSES, TEXTS, TIMES),
    st.builds(Observed, ADDRESSES, TEXTS, TIMES),
    st.builds(Retired, ADDRESSES, TIMES, TEXTS),
    st.builds(Restored, ADDRESSES, TIMES, TEXTS),
    st.builds(Moved, ADDRESSES, ADDRESSES),
    st.builds(Forgotten, ADDRESSES, TIMES),
    st.builds(Removed, ADDRESSES, TIMES),
    st.builds(Adopted, ADDRESSES, RECORDS),
    st.builds(Described, ADDRESSES, FACTS),
    CONTENTS.map(lambda content: Kept(content.digest, content)),
    st.builds(Bound, TEXTS),
    st.builds(Approved, TEXTS, st.dictionaries(ADDRESSES, TEXTS, max_size=2), TIMES),
)


def what_fits(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """Keep the entries that a ledger would have written: those that fit the state when their turn comes."""
    draft = Draft(EMPTY)
    kept: list[Entry] = []
    for entry in entries:
        try:
            draft.put(draft.preview([entry]))
        except StateDamaged:
            continue
        kept.append(entry)
    return tuple(kept)


JOURNALS = st.lists(ENTRIES, max_size=25).map(what_fits).map(lambda entries: (HEAD, *entries))


def doubts(entries: Sequence[Entry]) -> int:
    """Count the intents without an outcome, without regard to where they were moved."""
    opened = sum(isinstance(entry, Intended) for entry in entries)
    return opened - sum(isinstance(entry, Created | NotCreated) for entry in entries)


@given(JOURNALS, st.data())
def test_any_prefix_replays_and_loses_no_whole_line(journal: tuple[Entry, ...], data: st.DataObject) -> None:
    """A journal cut at any byte replays, holds every whole line, and leaves in doubt what has no outcome in it."""
    text = encode_entries(journal, first=0)
    cut = text[: data.draw(st.integers(0, len(text)), label="cut at")]

    entries = decode_journal(cut, where="here")
    state = fold(EMPTY, entries)

    assert entries == journal[: len(entries)]
    assert cut.count(b"\n") <= len(entries) <= cut.count(b"\n") + 1
    assert len(state.in_doubt) == doubts(entries)


@given(JOURNALS, st.data())
def test_any_altered_byte_is_found(journal: tuple[Entry, ...], data: st.DataObject) -> None:
    """A journal with one altered byte is damage; only its last line, if its line break went, may be dropped as torn."""
    text = bytearray(encode_entries(journal, first=0))
    place = data.draw(st.integers(0, len(text) - 1), label="place")
    text[place] ^= data.draw(st.integers(1, 255), label="bits")

    try:
        entries = decode_journal(bytes(text), where="here")
    except StateDamaged:
        return

    assert entries == journal[:-1]
    assert place == len(text) - 1


@given(JOURNALS, st.integers(0, 25))
def test_folding_in_two_parts_is_folding_at_once(journal: tuple[Entry, ...], split: int) -> None:
    """A state that was committed half way ends as one that was not, but for words that nothing had used by then."""
    first, second = journal[:split], journal[split:]
    rest = second[1:] if second and isinstance(second[0], Opened) else second
    in_two, at_once = fold(fold(EMPTY, first), rest), fold(EMPTY, journal)

    assert in_two.contents.items() <= at_once.contents.items()
    assert replace(in_two, contents=at_once.contents) == at_once


@given(JOURNALS)
def test_no_id_is_ever_lost(journal: tuple[Entry, ...]) -> None:
    """Every campaign that a journal created or adopted is on record afterwards, or in the history, or a former id."""
    made = {entry.id for entry in journal if isinstance(entry, Created)}
    made |= {entry.record.id for entry in journal if isinstance(entry, Adopted)}

    state = fold(EMPTY, journal)

    records = [*state.campaigns.values(), *(record for past in state.history.values() for record in past)]
    assert made <= {known for record in records for known in (record.id, *record.former_ids)}


@given(JOURNALS)
def test_document_round_trips(journal: tuple[Entry, ...]) -> None:
    """Whatever a journal made of a state, its document reads back as the same state and the same bytes."""
    snapshot = replace(fold(EMPTY, journal), journal="run-1")

    document = encode(snapshot)

    assert decode(document, where="here") == snapshot
    assert encode(decode(document, where="here")) == document
