"""What each journal entry does to the state, and what it needs to find."""

from dataclasses import replace
from datetime import timedelta

import pytest

from msgflash_apply.campaign import Address, Content, Record, Seen
from msgflash_apply.errors import StateDamaged
from msgflash_apply.state.journal import (
    Adopted,
    Approved,
    Bound,
    Described,
    Entry,
    Forgotten,
    Kept,
    Moved,
    NotCreated,
    Observed,
    Opened,
    Removed,
    Restored,
    Retired,
    Templated,
)
from msgflash_apply.state.replay import Draft, fold
from msgflash_apply.state.snapshot import LastApproval, Snapshot
from msgflash_apply.template import Effect, TemplateRecord, Version
from tests.support.builders import NOW, a_payload, a_record, a_snapshot, an_intent, some_facts
from tests.support.states import ENVIRONMENT, LINEAGE, created, intended

SALE, TEA = Address("sale"), Address("tea")
LATER = NOW + timedelta(hours=1)
EMPTY = a_snapshot()
LIVE = a_snapshot({"sale": a_record()})
DOUBT = a_snapshot(in_doubt={"sale": an_intent()})


def test_intent_without_outcome_is_in_doubt() -> None:
    """An announced create stays in doubt until an outcome closes it."""
    assert fold(EMPTY, [intended()]).in_doubt == {SALE: intended().intent}


def test_created_makes_a_record_of_what_was_announced() -> None:
    """A created campaign is on record with its id, what was sent, and the time of the answer."""
    state = fold(EMPTY, [intended(), created()])

    moment = NOW + timedelta(seconds=1)
    assert state.in_doubt == {}
    assert state.campaigns == {SALE: Record("id-sale", "scheduled", moment, moment, intended().intent.facts)}


def test_replaced_campaign_leaves_its_id() -> None:
    """The record of a replacement keeps the ids of all that it replaced, oldest first."""
    state = fold(LIVE, [intended(), created(identifier="second"), intended(attempt=2), created(identifier="third")])

    assert state.campaigns[SALE].id == "third"
    assert state.campaigns[SALE].former_ids == ("id-sale", "second")


def test_replacement_in_doubt_keeps_the_replaced_record() -> None:
    """While a replacement is in doubt, the campaign that it replaces stays on record."""
    state = fold(LIVE, [intended()])

    assert state.campaigns == LIVE.campaigns
    assert SALE in state.in_doubt


def test_not_created_closes_the_doubt() -> None:
    """A create that provably made nothing leaves no trace."""
    assert fold(DOUBT, [NotCreated(SALE, "400", LATER)]) == EMPTY


@pytest.mark.parametrize(
    ("entry", "status", "retired"),
    [
        (Observed(SALE, "running", LATER), "running", False),
        (Retired(SALE, LATER, "paused"), "paused", True),
        (Restored(SALE, LATER, "scheduled"), "scheduled", False),
    ],
)
def test_status_is_recorded(entry: Entry, status: str, *, retired: bool) -> None:
    """Reading, retiring and restoring record status and time, and nothing else changes."""
    record = fold(LIVE, [entry]).campaigns[SALE]

    assert record == replace(a_record(), status=status, read_at=LATER, retired=retired)


def test_reading_a_retired_one_leaves_it_retired() -> None:
    """A status that is read does not bring a retired campaign back."""
    state = a_snapshot({"sale": a_record(retired=True)})

    assert fold(state, [Observed(SALE, "paused", LATER)]).campaigns[SALE].retired


def test_description_is_renewed_and_the_payload_stays() -> None:
    """What is never sent follows the file; payload and fingerprint stay as they were sent."""
    facts = some_facts(a_payload(name="other"), file="campaigns/new.yaml", labels={"team": "crm"}, on_remove="keep")

    after = fold(LIVE, [Described(SALE, facts)]).campaigns[SALE].facts

    sent = a_record().facts
    assert after == replace(facts, payload=sent.payload, fingerprint=sent.fingerprint)
    assert after.labels == {"team": "crm"}


def test_forgotten_record_moves_to_the_history() -> None:
    """A forgotten campaign is no longer managed, and still known."""
    state = fold(LIVE, [Forgotten(SALE, LATER)])

    assert state.campaigns == {}
    assert state.history == {SALE: (a_record(),)}


def test_removed_record_moves_to_the_history() -> None:
    """A campaign that a person removed is no longer managed, and its ids are still known."""
    state = fold(a_snapshot({"sale": replace(a_record(), former_ids=("first",))}), [Removed(SALE, LATER)])

    assert state.campaigns == {}
    assert state.history == {SALE: (replace(a_record(), former_ids=("first",)),)}


def test_adopted_campaign_is_on_record() -> None:
    """A campaign that was created elsewhere is where a person put it, behind the history that is there."""
    state = fold(LIVE, [Removed(SALE, LATER), Adopted(SALE, a_record(identifier="elsewhere"))])

    assert state.campaigns == {SALE: a_record(identifier="elsewhere")}
    assert state.history == {SALE: (a_record(),)}


def test_move_takes_everything_along() -> None:
    """Record, doubt and history move to the new address, after the history that is there."""
    state = replace(
        LIVE,
        in_doubt={SALE: an_intent()},
        history={SALE: (a_record("mine"),), TEA: (a_record("theirs"),)},
    )

    moved = fold(state, [Moved(SALE, TEA)])

    assert moved.campaigns == {TEA: a_record()}
    assert moved.in_doubt == {TEA: an_intent()}
    assert moved.history == {TEA: (a_record("theirs"), a_record("mine"))}


def test_moves_can_follow_each_other() -> None:
    """A name that was given up can be taken by another campaign in the same journal."""
    state = a_snapshot({"sale": a_record("sale"), "tea": a_record("tea")})

    moved = fold(state, [Moved(TEA, Address("coffee")), Moved(SALE, TEA)])

    assert moved.campaigns == {"coffee": a_record("tea"), "tea": a_record("sale")}


@pytest.mark.parametrize(
    ("entries", "what"),
    [
        ([intended(), intended()], "while another one was in doubt"),
        ([created()], "never announced"),
        ([NotCreated(SALE, "", NOW)], "never announced"),
        ([intended(), created(), created()], "never announced"),
        ([Observed(SALE, "running", NOW)], "no campaign that could be observed"),
        ([Retired(SALE, NOW, "paused")], "no campaign that could be retired"),
        ([Restored(SALE, NOW, "paused")], "no campaign that could be restored"),
        ([Described(SALE, some_facts())], "no campaign that could be described"),
        ([Forgotten(SALE, NOW)], "no campaign that could be forgotten"),
        ([Removed(SALE, NOW)], "no campaign that could be removed"),
        ([intended(), created(), intended(attempt=2), Removed(SALE, NOW)], "removed while a create was in doubt"),
        ([Adopted(SALE, a_record()), Adopted(SALE, a_record())], "sale is taken"),
        ([intended(), Adopted(SALE, a_record())], "sale is taken"),
        ([Moved(SALE, TEA)], "there is nothing at sale"),
        ([intended(), intended("tea"), Moved(SALE, TEA)], "tea is taken"),
        ([intended(), created(), intended("tea"), created("tea"), Moved(SALE, TEA)], "tea is taken"),
        ([intended(), Opened("run-2", LINEAGE, 7, ENVIRONMENT, NOW)], "in the middle"),
    ],
)
def test_entry_that_does_not_fit_is_damage(entries: list[Entry], what: str) -> None:
    """An entry that does not find what it needs was written for another state, and is not ignored."""
    with pytest.raises(StateDamaged, match=what):
        fold(EMPTY, entries)


def test_head_of_this_state_is_accepted() -> None:
    """A journal that began at this serial, or before it, is this state's."""
    for serial in (6, 7):
        assert fold(EMPTY, [Opened("run-1", LINEAGE, serial, ENVIRONMENT, NOW)]) == EMPTY


@pytest.mark.parametrize(
    ("head", "what"),
    [
        (Opened("run-1", "another", 7, ENVIRONMENT, NOW), "of lineage another"),
        (Opened("run-1", LINEAGE, 7, "staging", NOW), "environment 'staging'"),
        (Opened("run-1", LINEAGE, 8, ENVIRONMENT, NOW), "replaced by an older copy"),
    ],
)
def test_head_of_another_state_is_damage(head: Opened, what: str) -> None:
    """A journal of another lineage, another environment or a later serial does not belong to this document."""
    with pytest.raises(StateDamaged, match=what):
        fold(EMPTY, [head])


def test_fold_leaves_its_base_alone() -> None:
    """Folding makes a new snapshot, with the serial and journal of the old one."""
    base = replace(LIVE, journal="run-0")

    folded = fold(base, [Forgotten(SALE, NOW)])

    assert base.campaigns == {SALE: a_record()}
    assert (folded.serial, folded.journal) == (7, "run-0")


def test_preview_changes_nothing() -> None:
    """A preview says what would change and leaves the draft as it is."""
    draft = Draft(LIVE)

    changed = draft.preview([Forgotten(SALE, NOW)])

    assert changed[SALE].record is None
    assert draft.snapshot() == LIVE


# What is said of no single address.


WORDS, OTHERS = Content("text", "Hello"), Content("text", "Bye")


def kept(content: Content) -> Kept:
    """Keep what a template says."""
    return Kept(content.digest, content)


def sending(content: Content) -> Entry:
    """Announce the create of a campaign that sends a template."""
    return intended(facts=replace(some_facts(), seen=Seen(content.digest)))


def test_what_a_run_says_first_is_on_record() -> None:
    """The server, the words of a template in use, and the plan that was begun are in the state; other words are not."""
    begun = Approved("sha256:0", {SALE: "create"}, NOW)
    state = fold(EMPTY, [Bound("https://a.example"), kept(WORDS), kept(OTHERS), begun, sending(WORDS)])

    assert state.server == "https://a.example"
    assert state.contents == {WORDS.digest: WORDS}
    assert state.approved == LastApproval("sha256:0", {SALE: "create"}, NOW)


def test_words_are_kept_as_long_as_something_was_sent_with_them() -> None:
    """A campaign in the history keeps its words; those of a create that made nothing are dropped."""
    sent = fold(EMPTY, [kept(WORDS), sending(WORDS), created()])

    assert fold(sent, [Forgotten(SALE, NOW)]).contents == {WORDS.digest: WORDS}
    assert fold(EMPTY, [kept(WORDS), sending(WORDS), NotCreated(SALE, "400", NOW)]).contents == {}


def test_the_last_word_holds() -> None:
    """A later run binds and approves anew."""
    first = fold(EMPTY, [Bound("https://a.example"), Approved("sha256:0", {}, NOW)])
    state = fold(first, [Bound("https://b.example"), Approved("sha256:1", {}, LATER)])

    assert (state.server, state.approved) == ("https://b.example", LastApproval("sha256:1", {}, LATER))


@pytest.mark.parametrize(
    ("mine", "theirs", "server", "digest"),
    [
        (EMPTY, EMPTY, None, None),
        (fold(EMPTY, [Bound("https://a.example"), Approved("mine", {}, NOW)]), EMPTY, "https://a.example", "mine"),
        (
            fold(EMPTY, [Bound("https://a.example"), Approved("mine", {}, NOW)]),
            fold(EMPTY, [Bound("https://b.example"), Approved("theirs", {}, LATER)]),
            "https://a.example",
            "theirs",
        ),
        (
            fold(EMPTY, [Approved("mine", {}, LATER)]),
            fold(EMPTY, [Bound("https://b.example"), Approved("theirs", {}, NOW)]),
            "https://b.example",
            "mine",
        ),
    ],
)
def test_two_states_that_are_merged_keep_what_each_knows(
    mine: Snapshot, theirs: Snapshot, server: str | None, digest: str | None
) -> None:
    """The server of the one that is merged into, words of both, and the later of two approvals."""
    tea = intended("tea", facts=replace(some_facts(), seen=Seen(OTHERS.digest)))
    draft = Draft(fold(mine, [kept(WORDS), sending(WORDS)]))
    draft.keep_of(fold(theirs, [kept(OTHERS), tea]))
    draft.put(draft.preview([tea]))
    state = draft.snapshot()

    assert state.server == server
    assert state.contents == {WORDS.digest: WORDS, OTHERS.digest: OTHERS}
    assert (state.approved and state.approved.digest) == digest


def test_two_states_that_are_merged_keep_every_template() -> None:
    """Versions of both, and what either announced."""

    def a_record(identifier: str, *effects: Effect) -> TemplateRecord:
        version = Version(identifier, "x@1", WORDS.digest, NOW)
        return TemplateRecord("templates/x.yaml", versions=(version,), effects=effects)

    x, y = Address("x"), Address("y")
    open_effect = Effect("create", NOW, "x@2", OTHERS.digest)
    draft = Draft(fold(EMPTY, [kept(WORDS), Templated(x, a_record("theirs"))]))
    draft.keep_of(fold(EMPTY, [kept(OTHERS), Templated(x, a_record("ours", open_effect)), Templated(y, a_record("y"))]))
    state = draft.snapshot()

    assert [version.id for version in state.templates[x].versions] == ["ours", "theirs"]
    assert state.templates[x].effects == (open_effect,)
    assert state.templates[y].versions[0].id == "y"
    assert state.contents == {WORDS.digest: WORDS, OTHERS.digest: OTHERS}
    assert fold(state, [Templated(y, None)]).templates.keys() == {x}
