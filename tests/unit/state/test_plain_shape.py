"""The quick way to read a state document: it gives what the careful way gives, or leaves the document to it."""

import json
from dataclasses import replace

import pytest

from msgflash_apply.campaign import Address, Intent
from msgflash_apply.state import shape
from msgflash_apply.state.plain_shape import read_usual
from msgflash_apply.state.snapshot import Snapshot, decode, encode
from tests.support.builders import NOW, a_payload, a_record, a_snapshot, some_facts

FACTS = replace(
    some_facts(a_payload(body="café ☕ \\u00e9"), names={"instanceId": "shop"}, labels={"team": "web"}),
    line=12, inputs="sha256:00",
)  # fmt: skip
DOUBTFUL = Intent("run", 2, NOW.replace(microsecond=5), replace(FACTS, timezone="Europe/Paris", on_remove="keep"))
FULL = replace(
    a_snapshot({"sale": replace(a_record(facts=FACTS), former_ids=("a", "b"), retired=True)}),
    in_doubt={Address('sale["fr"]'): DOUBTFUL},
    history={Address("old"): (a_record(), a_record(status="completed"))},
    journal="0b2f",
)


def spelt(path: str, value: object, snapshot: Snapshot = FULL) -> bytes:
    """Write a document in which one value is another; `path` is dotted, and a value of `...` is left out."""
    document = json.loads(encode(snapshot))
    *steps, last = path.split("/")
    inner = document
    for step in steps:
        inner = inner[int(step)] if isinstance(inner, list) else inner[step]
    if value is ...:
        del inner[last]
    else:
        inner[last] = value
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False).encode("utf-8", "surrogatepass")


@pytest.mark.parametrize("snapshot", [FULL, a_snapshot({}), a_snapshot({"a": a_record(), "b": a_record()})])
def test_usual_document_is_read_alike(snapshot: Snapshot) -> None:
    """What `encode` writes is read quickly, and as the careful way reads it."""
    data = encode(snapshot)

    assert read_usual(data) == shape.read_snapshot(data) == snapshot


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("format_version", 2),
        ("format_version", True),
        ("serial", 7.0),
        ("serial", "7"),
        ("lineage", None),
        ("checksum", 1),
        ("environment", ["default"]),
        ("journal", 5),
        ("journal", ...),
        ("more", 1),
        ("moved", "s3://elsewhere"),
        ("campaigns", []),
        ("campaigns/sale", []),
        ("campaigns/sale", "sale"),
        ("campaigns/sale/id", 7),
        ("campaigns/sale/id", ...),
        ("campaigns/sale/status", None),
        ("campaigns/sale/retired", 1),
        ("campaigns/sale/former_ids", "ab"),
        ("campaigns/sale/former_ids", [1]),
        ("campaigns/sale/former_ids", {}),
        ("campaigns/sale/more", 1),
        ("campaigns/sale/created_at", "2026-11-23"),
        ("campaigns/sale/created_at", "2026-11-23 12:00:00Z"),
        ("campaigns/sale/created_at", "2026-W48-1T12:00:00Z"),
        ("campaigns/sale/created_at", "20261123T120000.000Z"),
        ("campaigns/sale/created_at", "2026-11-23T12:00:99Z"),
        ("campaigns/sale/created_at", "2026-11-23T12:00:0+Z"),
        ("campaigns/sale/created_at", "2026-11-23T11:00-01:Z"),
        ("campaigns/sale/created_at", "2026-11-23T12:00:00+00:00"),
        ("campaigns/sale/read_at", 1795435200),
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
        ("campaigns/sale/facts/inputs", 1),
        ("campaigns/sale/facts/more", 1),
        ('in_doubt/sale["fr"]/attempt', "2"),
        ('in_doubt/sale["fr"]/run', 1),
        ('in_doubt/sale["fr"]/more', 1),
        ("history/old", {}),
        ("history/old/0/id", 1),
    ],
)
def test_anything_else_is_left_to_the_careful_way(path: str, value: object) -> None:
    """A document in which anything is not as `encode` writes it is not read quickly, be it good or bad."""
    assert read_usual(spelt(path, value)) is None


@pytest.mark.parametrize("data", [b"[]", b"1", b"{", b'{"a": "\\ud83d"}', b'{"a": "\\uD83D"}', b"[" * 100_000])
def test_what_is_no_document_is_left_to_the_careful_way(data: bytes) -> None:
    """Neither what is no state, nor half a character, nor endless nesting is read quickly."""
    assert read_usual(data) is None


@pytest.mark.parametrize(
    ("path", "value"),
    [(f"campaigns/sale/{name}", ...) for name in ("retired", "facts/timezone", "facts/line", "facts/inputs")],
    ids=str,
)
def test_good_but_unusual_document_is_read_all_the_same(path: str, value: object) -> None:
    """What may be missing may be missing: the careful way reads such a document."""
    careful = shape.read_snapshot(spelt(path, value))

    assert careful == replace(FULL, campaigns=careful.campaigns)


def test_moved_copy_is_read_by_the_careful_way() -> None:
    """A copy that says where the state is now is read in full."""
    moved = replace(FULL, moved="s3://elsewhere")

    assert decode(encode(moved), where="here") == moved
