"""The chain from older documents to this version's: what it checks before and after each step."""

import json

import pytest

from msgflash_apply.campaign import JsonObject
from msgflash_apply.state.upgrade import FORMAT_VERSION, STEPS, Step, upgrade, without_retired_fields


def rename(document: JsonObject) -> JsonObject:
    """Step from 1: `campaigns` becomes `mailings`."""
    others = {name: value for name, value in document.items() if name != "campaigns"}
    return {**others, "format_version": 2, "mailings": document["campaigns"]}


def count(document: JsonObject) -> JsonObject:
    """Step from 2: `mailings` are counted."""
    mailings = document["mailings"]
    assert isinstance(mailings, dict)
    return {**document, "format_version": 3, "count": len(mailings)}


CHAIN: dict[int, Step] = {1: rename, 2: count}
DOCUMENT: JsonObject = {
    "format_version": 1,
    "lineage": "L",
    "serial": 7,
    "environment": "default",
    "campaigns": {"sale": {}},
}


def test_every_step_is_taken_in_order() -> None:
    """An old document goes through each version on the way, and the object that was read stays as it is."""
    upgraded = upgrade(DOCUMENT, CHAIN, target=3)

    assert upgraded == {
        "format_version": 3,
        "lineage": "L",
        "serial": 7,
        "environment": "default",
        "mailings": {"sale": {}},
        "count": 1,
    }
    assert DOCUMENT["format_version"] == 1


@pytest.mark.parametrize("version", [2, 3])
def test_chain_begins_where_the_document_is(version: int) -> None:
    """A document in the middle of the chain takes the rest of it, and one at its end nothing."""
    given = {**DOCUMENT, "format_version": version, "mailings": {}}

    assert upgrade(given, CHAIN, target=3)["format_version"] == 3


def test_document_of_this_version_stays() -> None:
    """A document of this version is as it should be, and there is a step from every one before it."""
    current = {**DOCUMENT, "format_version": FORMAT_VERSION}

    assert upgrade(current, STEPS) == current
    assert [*STEPS] == [*range(1, FORMAT_VERSION)]


def test_version_1_had_digests_of_files() -> None:
    """The step from 1 drops `inputs` from the facts of every campaign, and nothing else."""
    facts = {"payload": {"variables": {"inputs": "kept"}}, "line": 3}
    record, intent = {"id": "i", "facts": facts}, {"run": "r", "facts": facts}
    with_inputs = {**facts, "inputs": "sha256:00"}
    parts = {"campaigns": {"sale": record}, "in_doubt": {"tea": intent}, "history": {"old": [record, record]}}
    before = {
        **DOCUMENT,
        "campaigns": {"sale": {**record, "facts": with_inputs}},
        "in_doubt": {"tea": {**intent, "facts": with_inputs}},
        "history": {"old": [{**record, "facts": {**facts, "inputs": None}}, record]},
    }

    assert upgrade(before, STEPS, target=2) == {**DOCUMENT, **parts, "format_version": 2}


def test_version_2_knew_no_server_and_no_words() -> None:
    """The step from 2 makes room for the server, the words of templates and the last approval, all unknown."""
    added: JsonObject = {"server": None, "contents": {}, "approved": None, "runs": []}

    assert upgrade({**DOCUMENT, "format_version": 2}, STEPS) == {**DOCUMENT, "format_version": 3, **added}


@pytest.mark.parametrize(
    "change",
    [
        {"campaigns": []},
        {"campaigns": {"sale": {}}},
        {"campaigns": {"sale": {"facts": []}}},
        {"in_doubt": None},
        {"history": {"old": 1}},
        {"history": {"old": {"id": {}}}},
    ],
    ids=str,
)
def test_what_version_1_never_was_is_refused(change: JsonObject) -> None:
    """A document of version 1 that lacks what all of them had is refused, and it is said that it is not one."""
    document = {**DOCUMENT, "campaigns": {}, "in_doubt": {}, "history": {}, **change}

    with pytest.raises(ValueError, match="it is not as format_version 1 was"):
        upgrade(document, STEPS, target=2)


OLD_FACTS: JsonObject = {"payload": {"body": '"inputs":'}, "line": 3, "inputs": "sha256:00"}


@pytest.mark.parametrize(
    ("entry", "path"),
    [
        ({"kind": "described", "facts": OLD_FACTS}, ()),
        ({"kind": "intended", "intent": {"run": "r", "facts": OLD_FACTS}}, ("intent",)),
        ({"kind": "adopted", "record": {"id": "i", "facts": OLD_FACTS}}, ("record",)),
    ],
)
def test_journal_lines_of_version_1_lose_their_digests(entry: JsonObject, path: tuple[str, ...]) -> None:
    """Facts lose `inputs` in every kind of entry that has facts, and all else of the line stays."""
    line = {"checksum": "00000000", "sequence": 3, "entry": entry}
    expected = json.loads(json.dumps(line))
    holder = expected["entry"]
    for step in path:
        holder = holder[step]
    del holder["facts"]["inputs"]

    read = without_retired_fields(json.dumps(line, separators=(",", ":")).encode())

    assert json.loads(read) == expected


@pytest.mark.parametrize("line", [b"{}", b'{"sequence":1,"entry":{"kind":"created"}}'])
def test_lines_without_a_digest_stay(line: bytes) -> None:
    """What holds no digest is not even read."""
    assert without_retired_fields(line) is line


@pytest.mark.parametrize(
    "rest",
    [
        b"",
        b',"entry":1}',
        b',"entry":{"facts":1}}',
        b',"entry":{"intent":1}}',
        b',"entry":{"intent":{"facts":[]}}}',
        b',"entry":' + b"[" * 100_000,
        b"}",
    ],
    ids=range(7),
)
def test_lines_that_no_version_wrote_are_refused(rest: bytes) -> None:
    """What holds the word, and is no line of a journal, is refused as such."""
    with pytest.raises(ValueError, match=r".+"):
        without_retired_fields(b'{"inputs":1' + rest)


@pytest.mark.parametrize("document", [{}, {"format_version": "1"}, {"format_version": None}, {"format_version": True}])
def test_document_without_a_version_is_refused(document: JsonObject) -> None:
    """Without a version it is unknown how to read it."""
    with pytest.raises(ValueError, match="no format_version"):
        upgrade(document, CHAIN, target=3)


@pytest.mark.parametrize("version", [0, 4])
def test_version_outside_the_chain_is_refused(version: int) -> None:
    """A version that no step leaves from, too old or too new, is refused by its number."""
    with pytest.raises(ValueError, match=f"no way from format_version {version} to 3"):
        upgrade({**DOCUMENT, "format_version": version}, CHAIN, target=3)


def test_document_that_lacks_what_its_version_had_is_refused() -> None:
    """A step that does not find what its version had says so, with the version."""
    with pytest.raises(ValueError, match="not as format_version 2 was: KeyError: 'mailings'"):
        upgrade({**DOCUMENT, "format_version": 2}, CHAIN, target=3)


@pytest.mark.parametrize("change", [{"format_version": 1}, {"serial": 8}, {"lineage": "M"}, {"environment": "other"}])
def test_step_keeps_whose_state_it_is(change: JsonObject) -> None:
    """A step that skips its version, or touches serial, lineage or environment, is found out."""
    chain: dict[int, Step] = {1: lambda document: {**document, "format_version": 2, **change}}

    with pytest.raises(ValueError, match="did not keep whose state it is"):
        upgrade(DOCUMENT, chain, target=2)
