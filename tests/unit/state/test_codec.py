"""The state document: what it proves, and what it refuses."""

import json
import time
from dataclasses import replace
from datetime import timedelta, timezone
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from msgflash_apply.campaign import Address
from msgflash_apply.errors import StateDamaged, StateError
from msgflash_apply.state.codec import SMALL_BYTES, decode, decode_journal, encode
from tests.support.builders import NOW, a_payload, a_record, a_snapshot, an_intent, some_facts

if TYPE_CHECKING:
    from msgflash_apply.state.upgrade import Step

A_STATE = replace(
    a_snapshot({"promo/été": a_record("promo/été"), "sale": a_record("sale", retired=True)}, {"sale": an_intent()}),
    history={Address("gone"): (a_record("gone", status="completed"),)},
    journal="run-1",
)
A_DOCUMENT = encode(A_STATE)


def rewritten(before: str, after: str) -> bytes:
    """Change the document's text and prove it anew, as only another version of the program would."""
    return proven(A_DOCUMENT.replace(before.encode(), after.encode()))


def proven(document: bytes) -> bytes:
    """Put the right checksum into a document, in the place of the one that is there."""
    lines = document.splitlines(keepends=True)
    body = b"".join(line for line in lines if not line.startswith(b'  "checksum"'))
    checksum = f'  "checksum": "sha256:{sha256(body).hexdigest()}",\n'.encode()
    return body.replace(b'  "environment"', checksum + b'  "environment"')


def test_document_round_trips() -> None:
    """What is decoded equals what was encoded, and encodes to the same bytes."""
    snapshot = decode(A_DOCUMENT, where="here")

    assert snapshot == A_STATE
    assert encode(snapshot) == A_DOCUMENT


def test_document_is_json_for_people() -> None:
    """The document is sorted, indented JSON in UTF-8 that ends with a line break."""
    text = A_DOCUMENT.decode("utf-8")
    document = json.loads(text)

    assert text == json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    assert "promo/été" in text
    assert document["format_version"] == 3


def test_one_more_campaign_is_a_small_diff() -> None:
    """A new campaign adds its own lines and changes those of serial and checksum, nothing else."""
    more = replace(A_STATE, serial=8, campaigns={**A_STATE.campaigns, Address("tea"): a_record("tea")})

    before, after = set(A_DOCUMENT.splitlines()), set(encode(more).splitlines())

    assert len(before - after) == 2
    assert all(line.lstrip().startswith((b'"checksum"', b'"serial"')) for line in before - after)


def test_times_are_kept_exactly() -> None:
    """Microseconds survive, and a time in another zone is the same instant."""
    moment = NOW.replace(microsecond=123456).astimezone(timezone(timedelta(hours=2)))
    state = a_snapshot({"sale": replace(a_record(), created_at=moment)})

    record = decode(encode(state), where="here").campaigns[Address("sale")]

    assert record.created_at == moment
    assert b"2026-11-23T12:00:00.123456Z" in encode(state)


def test_text_that_utf8_cannot_hold_does_not_brick_the_state() -> None:
    """Half a surrogate pair becomes a question mark, so that the document can be written and read back."""
    state = a_snapshot({"sale": a_record(status="odd\udc80", facts=some_facts(a_payload(body="a\ud83d")))})

    record = decode(encode(state), where="here").campaigns[Address("sale")]

    assert record.status == "odd?"
    assert record.facts.payload["body"] == "a?"


def test_truncated_document_is_damage() -> None:
    """A document cut anywhere is damage, and never an emptier state."""
    for length in range(len(A_DOCUMENT)):
        with pytest.raises(StateDamaged):
            decode(A_DOCUMENT[:length], where="here")


@pytest.mark.parametrize("bit", [1, 2, 32, 128])
def test_flipped_bit_is_refused(bit: int) -> None:
    """A document with one altered bit, wherever it is, is refused."""
    for place in range(len(A_DOCUMENT)):
        flipped = A_DOCUMENT[:place] + bytes([A_DOCUMENT[place] ^ bit]) + A_DOCUMENT[place + 1 :]
        with pytest.raises(StateError):
            decode(flipped, where="here")


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "it is empty"),
        (b" \n", "it is empty"),
        (b"<html>Sign in</html>", "it is not JSON"),
        (b"\xff\xfe", "it is not JSON"),
        (b"[" * 100_000, "it is not JSON"),
        (b"[]", "not a state of msgflash-apply"),
        (b'{"version": 4, "resources": []}', "not a state of msgflash-apply"),
        (b'{"format_version": "1"}', "not a state of msgflash-apply"),
        (b'{"format_version": 1}', "altered by hand"),
        (A_DOCUMENT.replace(b'"serial": 7', b'"serial": 6'), "altered by hand"),
        (A_DOCUMENT.replace(b'",\n  "contents"', b'", \n  "contents"'), "altered by hand"),
        (A_DOCUMENT + A_DOCUMENT, "it is not JSON"),
    ],
)
def test_message_says_what_is_wrong(data: bytes, what: str) -> None:
    """The error names the place, what was found there, and says not to start an empty state."""
    with pytest.raises(StateDamaged) as caught:
        decode(data, where="/states/production.json")

    assert "/states/production.json" in caught.value.detail
    assert what in caught.value.detail
    assert "Never delete it" in caught.value.fix


def test_newer_version_is_refused_as_such() -> None:
    """A document of a newer version asks for an upgrade instead of calling it damaged."""
    newer = rewritten('"format_version": 3', '"format_version": 4')

    with pytest.raises(StateError, match="newer version") as caught:
        decode(newer, where="here")

    assert not isinstance(caught.value, StateDamaged)
    assert "Upgrade msgflash-apply" in caught.value.fix


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"serial": 7', '"serial": "7"'),
        ('"serial": 7', '"serial": 7,\n  "shoe_size": 43'),
        ('"retired": true', '"retired": 1'),
        ('"lineage"', '"ancestry"'),
        ('"2026-11-23T12:00:00Z"', '"yesterday"'),
        ('"format_version": 3', '"format_version": 0'),
        ('"format_version": 3', '"format_version": true'),
    ],
)
def test_wrong_shape_is_damage(before: str, after: str) -> None:
    """A proven document with a field too many, too few, or of another kind is refused, not read around."""
    with pytest.raises(StateDamaged, match="shape of a state"):
        decode(rewritten(before, after), where="here")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("serial", 7.0),
        ("lineage", None),
        ("environment", ["default"]),
        ("journal", 5),
        ("journal", ...),
        ("campaigns", []),
        ("campaigns/sale", []),
        ("campaigns/sale", "sale"),
        ("campaigns/sale/id", 7),
        ("campaigns/sale/id", ...),
        ("campaigns/sale/status", None),
        ("campaigns/sale/former_ids", "ab"),
        ("campaigns/sale/former_ids", [1]),
        ("campaigns/sale/former_ids", {}),
        ("campaigns/sale/more", 1),
        ("campaigns/sale/created_at", "20261123T120000.000Z"),
        ("campaigns/sale/created_at", "2026-W48-1T12:00:00Z"),
        ("campaigns/sale/created_at", "2026-11-23T12:00:99Z"),
        ("campaigns/sale/facts", None),
        ("campaigns/sale/facts/payload", []),
        ("campaigns/sale/facts/fingerprint", None),
        ("campaigns/sale/facts/file", 1),
        ("campaigns/sale/facts/names", {"instanceId": 1}),
        ("campaigns/sale/facts/labels", {"team": None}),
        ("campaigns/sale/facts/labels", []),
        ("campaigns/sale/facts/timezone", 1),
        ("campaigns/sale/facts/on_remove", "delete"),
        ("campaigns/sale/facts/on_remove", []),
        ("campaigns/sale/facts/line", "1"),
        ("campaigns/sale/facts/line", True),
        ("campaigns/sale/facts/inputs", "sha256:00"),
        ("campaigns/sale/facts/more", 1),
        ("in_doubt/sale/attempt", "2"),
        ("in_doubt/sale/run", 1),
        ("in_doubt/sale/more", 1),
        ("history/gone", {}),
        ("history/gone/0/id", 1),
    ],
)
def test_every_value_has_its_kind(path: str, value: object) -> None:
    """A proven document in which any value is of another kind, or is where none should be, is damage."""
    document = json.loads(A_DOCUMENT)
    *steps, last = path.split("/")
    inner = document
    for step in steps:
        inner = inner[int(step)] if isinstance(inner, list) else inner[step]
    inner.pop(last) if value is ... else inner.__setitem__(last, value)

    with pytest.raises(StateDamaged, match="shape of a state"):
        decode(proven(json.dumps(document, indent=2, sort_keys=True).encode()), where="here")


@pytest.mark.parametrize("name", ["retired", "former_ids"])
def test_what_has_a_default_may_be_missing(name: str) -> None:
    """A record without what was added to it later is read with its default."""
    document = json.loads(encode(a_snapshot({"sale": a_record()})))
    del document["campaigns"]["sale"][name]
    data = proven(json.dumps(document, indent=2, sort_keys=True).encode())

    assert decode(data, where="here") == a_snapshot({"sale": a_record()})


def test_misshape_is_reported_in_one_line() -> None:
    """The error of a wrong shape names the field and what is wrong with it, and nothing of the library behind."""
    with pytest.raises(StateDamaged) as caught:
        decode(rewritten('"retired": true', '"retired": 1'), where="here")

    assert caught.value.detail == (
        "here: it does not have the shape of a state: campaigns.sale.retired: Input should be a valid boolean."
    )


def test_older_version_is_upgraded() -> None:
    """A proven document of an older version is read as what this version makes of it, step by step."""
    older = rewritten('"format_version": 3', '"format_version": 0').replace(b'"in_doubt"', b'"open"')
    steps: dict[int, Step] = {
        0: lambda document: {**document, "format_version": 1},
        1: lambda document: {
            **{name: value for name, value in document.items() if name != "open"},
            "format_version": 2,
            "in_doubt": document["open"],
        },
        2: lambda document: {**document, "format_version": 3},
    }

    assert decode(proven(older), where="here", steps=steps) == A_STATE


@pytest.mark.parametrize("body", [b'[{\n  "environment": 1}]', b'{\n  "environment": "default"}'])
def test_proven_stranger_is_refused(body: bytes) -> None:
    """A checksum alone makes no state: for another document with one, the message says what it is."""
    with pytest.raises(StateDamaged, match="not a state of msgflash-apply"):
        decode(proven(body), where="here")


def test_ten_thousand_campaigns_take_seconds() -> None:
    """A state of 10 000 campaigns is written and read within seconds, not minutes."""
    state = a_snapshot({f"promo/{number}": a_record(f"promo/{number}") for number in range(10_000)})
    began = time.perf_counter()

    snapshot = decode(encode(state), where="here")

    assert len(snapshot.campaigns) == 10_000
    assert time.perf_counter() - began < 10


def test_document_of_nothing_but_values_is_refused_before_it_is_read() -> None:
    """Sixty-four million bytes would be three thousand million in memory; a branch may hold such a file."""
    bomb = b'{"campaigns": {"a": [' + b"{}," * (SMALL_BYTES // 3) + b"{}]}}"

    with pytest.raises(StateDamaged, match="far more values than a state of its size"):
        decode(bomb, where="state.json")
    with pytest.raises(StateDamaged, match="far more values than one of its size"):
        decode_journal(bomb, where="journal")
