"""The chain from older documents to this version's: what it checks before and after each step."""

import pytest

from msgflash_apply.campaign import JsonObject
from msgflash_apply.state.upgrade import FORMAT_VERSION, STEPS, Step, upgrade


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
    """There is one version so far, and its documents are as they should be."""
    assert not STEPS
    assert upgrade({**DOCUMENT, "format_version": FORMAT_VERSION}) == DOCUMENT


@pytest.mark.parametrize("document", [{}, {"format_version": "1"}, {"format_version": None}])
def test_document_without_a_version_is_refused(document: JsonObject) -> None:
    """Without a version nobody can say how to read it."""
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
