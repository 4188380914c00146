"""Where the templates of an account go: no name comes to mean another template, and every name gets an address."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from msgflash_apply.campaign import Address, Content, Source
from msgflash_apply.operations.import_templates import (
    TAKEN,
    Placed,
    entries_for,
    fields_of_template,
    place_templates,
    unknown_templates,
)
from msgflash_apply.plan.plan import UsedTemplate
from msgflash_apply.state.journal import Kept, Templated
from msgflash_apply.state.snapshot import Snapshot
from msgflash_apply.template import DesiredTemplate, Effect, TemplateRecord, Version
from tests.support.builders import NOW, a_snapshot

WORDS = Content("text", "Hello")
MARKER = "msgflash-apply state 0123abcd (do not delete)"


def a_template(name: str, words: Content = WORDS) -> UsedTemplate:
    """Build a template of an account; its id is its name."""
    return UsedTemplate(name, name, words, ())


def a_file(address: str, words: Content = WORDS) -> DesiredTemplate:
    """Build a template of the files."""
    return DesiredTemplate(Address(address), Source(f"templates/{address}.yaml", 1), words)


def a_state(address: str, *versions: Version, effect: Effect | None = None) -> Snapshot:
    """Build a state that knows one template."""
    record = TemplateRecord("f", versions=versions, effects=(effect,) if effect else ())
    return replace(a_snapshot(), templates={Address(address): record})


def placed(
    *names: str, desired: Sequence[DesiredTemplate] = (), state: Snapshot | None = None, files: Sequence[str] = ()
) -> list[str]:
    """Place templates of these names, all of which the account has; their addresses, or why they have none."""
    found = place_templates(map(a_template, names), names, desired, state or a_snapshot(), lambda one: one in files)
    return [one.address if isinstance(one, Placed) else one[1] for one in found]


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("promo/relance", "promo/relance"),
        ("promo/relance@3f9a1c2b", "promo/relance"),
        ("promo/relance@current", "promo/relance"),
        ("Été 2099: -10 %", "Été-2099-10"),
        ("../../etc", "etc"),
        ("a/.hidden//b", "a/hidden/b"),
        ("a.yaml/b", "a-yaml/b"),
        ('cities["paris"]', "cities-paris"),
        ("%", "template"),
        ("x" * 100, "x" * 60),
    ],
)
def test_every_name_gets_an_address(name: str, address: str) -> None:
    """Letters of all scripts stay, folders too; what cannot be in an address does not."""
    assert placed(name) == [address]


def test_no_name_comes_to_mean_another_template() -> None:
    """An address is never the name of another template, and a name that two have is the address of none."""
    assert placed("a b", "a-b") == ["a-b-1", "a-b"]
    assert placed("same", "same") == ["same-1", "same-2"]
    assert placed("Sale", desired=[a_file("sale")]) == ["Sale-1"]


def test_a_file_in_the_place_is_left_alone() -> None:
    """Whatever it holds: an empty one, or one that cannot be read."""
    assert placed("sale", files=["sale", "sale-1"]) == ["sale-2"]


def test_a_name_of_the_repo_with_other_words_is_left_out() -> None:
    """Else campaigns that give this name would no longer be refused."""
    assert placed("sale", desired=[a_file("sale", Content("text", "Bye"))]) == [TAKEN]
    assert placed("sale", state=a_state("sale")) == [TAKEN]


def test_a_file_that_says_the_same_is_adopted() -> None:
    """Each once, under the address that an earlier run gave it, or the repo of another state."""
    assert placed("a b", "a b", desired=[a_file("a-b-1"), a_file("a-b-2")]) == ["a-b-1", "a-b-2"]
    assert placed('x["fr"]@3f9a1c2b', desired=[a_file('x["fr"]')]) == ['x["fr"]']
    assert placed("other", desired=[a_file("sale")]) == ["other"]


def test_what_the_state_announced_is_left_to_the_plan() -> None:
    """A create without an answer made it, and the next plan finds it again; it is not there twice."""
    effect = Effect("create", NOW, "sale@3f9a1c2b", WORDS.digest)
    assert placed("sale@3f9a1c2b", state=a_state("sale", effect=effect)) == []


def test_known_templates_and_markers_are_not_imported() -> None:
    """What is left is sorted by name."""
    state = a_state("sale", Version("k", "known", WORDS.digest, NOW))
    assert unknown_templates(state, {"k": "known", "m": MARKER, "b": "beta", "a": "zeta"}) == ["b", "a"]


def test_the_record_is_of_a_template_that_others_made() -> None:
    """It says where the file is and is never the state's to delete; the file has no field that MsgFlash has not."""
    kept, recorded = entries_for(a_template("sale"), a_file("sale"), NOW)
    version = Version("sale", "sale", WORDS.digest, NOW, is_ours=False)
    assert kept == Kept(WORDS.digest, WORDS)
    assert recorded == Templated(Address("sale"), TemplateRecord("templates/sale.yaml", versions=(version,)))
    assert fields_of_template(a_template("sale")) == {"type": "text", "body": "Hello"}
