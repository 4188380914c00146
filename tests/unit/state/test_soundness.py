"""Documents and journals that prove themselves, and say what no run could have written."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from msgflash_apply.campaign import Address, Content
from msgflash_apply.errors import StateDamaged
from msgflash_apply.state.codec import check_json, decode, decode_journal, encode, encode_entries
from msgflash_apply.state.journal import Kept, Opened
from msgflash_apply.state.reading import read_state
from msgflash_apply.state.snapshot import LastApproval
from tests.hostile.records import seal_document, seal_journal
from tests.support.builders import NOW, a_record, a_snapshot, an_intent
from tests.support.states import ENVIRONMENT, LINEAGE, a_backend, intended

Edit = Callable[[dict[str, object]], object]
WORDS = Content("text", "Hello")
STATE = encode(
    replace(
        a_snapshot({"sale": a_record()}, {"doubt": an_intent()}),
        history={Address("old"): (a_record(),)},
        contents={WORDS.digest: WORDS},
        approved=LastApproval("sha256:0", {Address("sale"): "create"}, NOW),
    )
)
DEEP: Mapping[str, object] = json.loads('{"a":' * 30 + "1" + "}" * 30)


def altered(*path: str | int, to: object) -> bytes:
    """Change one place of a state, and put the right checksum to it."""
    document = json.loads(STATE)
    holder = document
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = to
    return seal_document(json.dumps(document, indent=2, sort_keys=True).encode())


RECORD = ("campaigns", "sale")
PAYLOAD = (*RECORD, "facts", "payload")
DOUBT = ("in_doubt", "doubt")


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (PAYLOAD, {}, "no name or no recipients"),
        ((*PAYLOAD, "name"), 5, "no name or no recipients"),
        ((*PAYLOAD, "recipients"), ["all"], "no name or no recipients"),
        ((*PAYLOAD, "recipients"), {"type": ["all"]}, "have no type"),
        ((*PAYLOAD, "schedule"), None, "no start"),
        ((*PAYLOAD, "schedule"), "soon", "Invalid isoformat"),
        ((*PAYLOAD, "schedule"), "2026-11-23T12:00:00", "no time zone"),
        ((*PAYLOAD, "schedule"), "9999-12-31T23:59:59-14:00", "lies outside the years 1970 to 9998"),
        ((*PAYLOAD, "variables"), DEEP, "nested more than 20 levels"),
        ((*PAYLOAD, "variables"), {"a": float("nan")}, "no number that JSON has"),
        ((*RECORD, "read_at"), "2026-11-23T12:00:00", "no time zone"),
        ((*RECORD, "created_at"), "0001-01-01T00:00:00+14:00", "lies outside the years"),
        ((*DOUBT, "announced_at"), "2026-11-23T12:00:00", "no time zone"),
        ((*DOUBT, "facts", "payload"), {}, "no name"),
        (("history", "old", 0, "facts", "payload"), {}, "no name"),
        (("approved", "at"), "2026-11-23T12:00:00", "approved: no time zone"),
        (("contents", WORDS.digest, "body"), "Bye", "not those of its digest"),
    ],
)
def test_document_that_no_run_wrote(path: tuple[str | int, ...], value: object, message: str) -> None:
    """A document whose checksum fits is damaged all the same where later steps could not rely on it; it is said why."""
    with pytest.raises(StateDamaged, match=message):
        decode(altered(*path, to=value), where="here")


def test_numbers_beyond_all_bounds_are_no_numbers() -> None:
    """A number that would be read as infinity is refused: it could not be written again."""
    data = seal_document(STATE.replace(b'"name": "sale"', b'"name": "sale",\n          "n": 1e999'))

    with pytest.raises(StateDamaged, match="inf is no number that JSON has"):
        decode(data, where="here")


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda entry: entry.update(at="2026-11-23T12:00:00"), "no time zone"),
        (lambda entry: entry["intent"]["facts"].update(payload={}), "no name"),
        (lambda entry: entry["intent"]["facts"]["payload"].update(variables=float("inf")), "no number"),
        (lambda entry: entry["intent"].update(facts=json.loads('{"a":' * 900 + "1" + "}" * 900)), "entry"),
    ],
)
def test_journal_that_no_run_wrote(edit: Edit, message: str) -> None:
    """A journal whose lines prove themselves is damaged where its entries could not be relied on."""
    head, entry = (
        json.loads(line)["entry"]
        for line in encode_entries([Opened("run-1", LINEAGE, 1, ENVIRONMENT, NOW), intended()], first=0).splitlines()
    )
    edit(head if "at" in message or message == "no time zone" else entry)

    with pytest.raises(StateDamaged, match=message):
        decode_journal(seal_journal(b"\n".join(json.dumps(one).encode() for one in (head, entry))), where="here")


def test_words_that_no_run_wrote() -> None:
    """Words on record are those of their digest."""
    head = Opened("run-1", LINEAGE, 1, ENVIRONMENT, NOW)

    with pytest.raises(StateDamaged, match="not those of its digest"):
        decode_journal(encode_entries([head, Kept("sha256:0", WORDS)], first=0), where="here")


def test_line_without_a_bottom(tmp_path: Path) -> None:
    """An entry that is nested beyond all bounds is damage like any other."""
    backend = a_backend(tmp_path)
    backend.write(encode(a_snapshot()), expected=None)
    (tmp_path / "default.journal-run-1.jsonl").write_bytes(seal_journal(b"[" * 100_000))

    with pytest.raises(StateDamaged, match="recursion limit exceeded"):
        read_state(backend, environment=ENVIRONMENT)


def test_depth_is_that_of_lists_and_maps() -> None:
    """Twenty levels are fine, one more is not, whatever they are made of."""
    check_json(json.loads("[" * 20 + "]" * 20))

    with pytest.raises(ValueError, match="20 levels"):
        check_json(json.loads('[{"a":' * 10 + "[]" + "}]" * 10))


def test_every_kind_of_json_is_fine() -> None:
    """Numbers, texts, booleans and null are written as they were read."""
    check_json(json.loads('{"number": 1.5, "texts": ["a"], "is_on": true, "nothing": null}'))
