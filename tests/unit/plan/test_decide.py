"""The decision table of contract section 7, row by row."""

from dataclasses import replace
from datetime import timedelta
from typing import Literal

import pytest

from msgflash_apply.campaign import (
    DEFAULT_LIFECYCLE,
    INSTANCE,
    Address,
    Content,
    Desired,
    Facts,
    Lifecycle,
    Record,
    Seen,
)
from msgflash_apply.models.project import Policy
from msgflash_apply.plan.decide import decide
from msgflash_apply.plan.lookup import NameTable, fill_in
from msgflash_apply.plan.plan import Action, Change, Reason, Stage, UsedTemplate
from msgflash_apply.plan.refresh import PriorState, RemoteStatus
from msgflash_apply.state.snapshot import Snapshot
from tests.support.builders import (
    INSTANCE_ID,
    NOW,
    SOON,
    a_desired,
    a_payload,
    a_record,
    a_snapshot,
    an_intent,
    some_facts,
)

LEAD_TIME = timedelta(minutes=10)
POLICY = Policy(min_lead_time=LEAD_TIME)
SHOP = NameTable([(INSTANCE, "shop", INSTANCE_ID, "")])
REPLACE = Lifecycle(on_change="replace")


def decided(
    *desired: Desired, state: Snapshot | None = None, readings: dict[str, RemoteStatus | None] | None = None
) -> dict[str, Change]:
    """Decide, and give the changes by address."""
    items = [fill_in(item, NameTable([])) for item in desired]
    changes = decide(items, PriorState(state or a_snapshot(), readings or {}), now=NOW, policy=POLICY)
    return {change.address: change for change in changes}


def edited(address: str = "sale", *, paused: bool | None = None, lifecycle: Lifecycle = DEFAULT_LIFECYCLE) -> Desired:
    """Build a campaign whose body is not the one on record."""
    return a_desired(address, payload=a_payload(name=address, body="Other"), paused=paused, lifecycle=lifecycle)


def test_new_campaign_is_created() -> None:
    """In files, not in state, start ahead: create."""
    change = decided(a_desired())["sale"]

    assert (change.action, change.reason, change.id) == (Action.CREATE, None, None)
    assert change.after == a_payload(name="sale")


@pytest.mark.parametrize("state", [a_snapshot(), a_snapshot({"sale": a_record()})], ids=["create", "replace"])
def test_what_is_sent_is_in_the_order_of_the_api(state: Snapshot) -> None:
    """Ids that were looked up, and what `ignore_changes` leaves as it was, are where the API's reference has them."""
    lifecycle = Lifecycle(on_change="replace", ignore_changes=("type", "name"))
    payload = a_payload(instanceId=None, name="Other", body=None)
    item = fill_in(a_desired(payload=payload, names={INSTANCE: "shop"}, lifecycle=lifecycle), SHOP)
    (change,) = decide([item], PriorState(state), now=NOW, policy=POLICY)

    assert change.is_sending
    assert list(change.after or {}) == ["instanceId", "name", "schedule", "recipients", "type"]


@pytest.mark.parametrize(
    ("ahead", "reason"),
    [
        (timedelta(seconds=-1), Reason.SCHEDULE_PASSED),
        (timedelta(0), Reason.SCHEDULE_PASSED),
        (timedelta(minutes=9), Reason.LEAD_TIME),
    ],
)
def test_late_campaign_is_blocked(ahead: timedelta, reason: Reason) -> None:
    """In files, not in state, start past or too near: blocked."""
    change = decided(a_desired(payload=a_payload(starts_at=NOW + ahead)))["sale"]

    assert (change.action, change.reason) == (Action.BLOCKED, reason)


def test_lead_time_itself_is_enough() -> None:
    """A start exactly `min_lead_time` ahead is created."""
    change = decided(a_desired(payload=a_payload(starts_at=NOW + timedelta(minutes=10))))["sale"]

    assert change.action is Action.CREATE


def test_created_paused_when_the_file_says_so() -> None:
    """`paused: true` on a new campaign creates it and pauses it right after."""
    assert decided(a_desired(paused=True))["sale"].pause_after


def test_same_payload_is_no_op() -> None:
    """In files and state with the same payload: nothing."""
    change = decided(a_desired(), state=a_snapshot({"sale": a_record()}))["sale"]

    assert (change.action, change.id, change.status) == (Action.NO_OP, "id-sale", "scheduled")


def test_no_op_explains_a_status_that_was_read() -> None:
    """A reading that differs from the record is explained, and changes nothing."""
    change = decided(a_desired(), state=a_snapshot({"sale": a_record()}), readings={"id-sale": RemoteStatus("running")})

    assert change["sale"].action is Action.NO_OP
    assert "running" in change["sale"].explanation


@pytest.mark.parametrize(
    ("paused", "status", "action"),
    [
        (True, "scheduled", Action.PAUSE),
        (True, "running", Action.PAUSE),
        (True, "paused", Action.NO_OP),
        (True, "paused_quota", Action.NO_OP),
        (True, "completed", Action.NO_OP),
        (False, "paused", Action.RESUME),
        (False, "paused_quota", Action.NO_OP),
        (False, "scheduled", Action.NO_OP),
        (None, "paused", Action.NO_OP),
        (None, "brand_new_status", Action.NO_OP),
    ],
)
def test_paused_field(paused: bool | None, status: str, action: Action) -> None:
    """`paused: true` pauses what is live, `false` resumes what people paused, absent leaves it alone."""
    change = decided(a_desired(paused=paused), state=a_snapshot({"sale": a_record(status=status)}))["sale"]

    assert change.action is action


def test_resume_after_its_start_says_that_it_sends_at_once() -> None:
    """Resuming a campaign whose start time has passed says that it sends at once."""
    payload = a_payload(starts_at=NOW - timedelta(hours=1))
    state = a_snapshot({"sale": a_record(status="paused", facts=some_facts(payload))})

    assert "sends at once" in decided(a_desired(payload=payload, paused=False), state=state)["sale"].explanation


def test_pause_wins_over_another_edit() -> None:
    """The emergency brake works although the payload differs, and nothing else is applied."""
    change = decided(edited(paused=True), state=a_snapshot({"sale": a_record()}))["sale"]

    assert change.action is Action.PAUSE
    assert change.after == change.before
    assert "edits wait" in change.explanation


def test_pause_and_replacement_are_one_step() -> None:
    """A replacement pauses the old one first and the new one after, so it holds `paused: true` by itself."""
    change = decided(edited(paused=True, lifecycle=REPLACE), state=a_snapshot({"sale": a_record()}))["sale"]

    assert (change.action, change.pause_after) == (Action.REPLACE, True)


def test_pause_wins_where_a_replacement_comes_too_late() -> None:
    """What has started cannot be replaced, and is paused all the same."""
    state = a_snapshot({"sale": a_record(status="running")})

    assert decided(edited(paused=True, lifecycle=REPLACE), state=state)["sale"].action is Action.PAUSE


def test_changed_payload_is_blocked_with_its_diff() -> None:
    """Another payload with `on_change: block`: blocked, and the attributes that differ are listed."""
    change = decided(edited(), state=a_snapshot({"sale": a_record()}))["sale"]

    assert (change.action, change.reason) == (Action.BLOCKED, Reason.IMMUTABLE_CHANGE)
    assert [(diff.path, diff.before, diff.after) for diff in change.diff] == [("body", "Hello", "Other")]


def test_changed_payload_can_be_ignored() -> None:
    """`on_change: ignore` and `ignore_changes` make a difference no difference."""
    state = a_snapshot({"sale": a_record()})

    assert decided(edited(lifecycle=Lifecycle(on_change="ignore")), state=state)["sale"].action is Action.NO_OP
    assert decided(edited(lifecycle=Lifecycle(ignore_changes=("body",))), state=state)["sale"].action is Action.NO_OP


def test_ignored_fields_keep_what_was_sent_in_a_replacement() -> None:
    """A replacement takes ignored attributes from the record."""
    lifecycle = Lifecycle(on_change="replace", ignore_changes=("instanceId",))
    desired = a_desired(payload=a_payload(name="sale", body="Other", instanceId="another"), lifecycle=lifecycle)
    change = decided(desired, state=a_snapshot({"sale": a_record()}))["sale"]

    assert change.action is Action.REPLACE
    assert change.after == a_payload(name="sale", body="Other")


@pytest.mark.parametrize("status", ["scheduled", "paused", "draft"])
def test_not_started_is_replaced(status: str) -> None:
    """`on_change: replace`, not started and nothing sent: replace."""
    change = decided(edited(lifecycle=REPLACE), state=a_snapshot({"sale": a_record(status=status)}))["sale"]

    assert (change.action, change.id) == (Action.REPLACE, "id-sale")


@pytest.mark.parametrize("status", ["running", "completed", "paused_quota", "failed", "brand_new_status"])
def test_started_is_not_replaced(status: str) -> None:
    """`on_change: replace`, started or over: blocked, people may have had it."""
    change = decided(edited(lifecycle=REPLACE), state=a_snapshot({"sale": a_record(status=status)}))["sale"]

    assert (change.action, change.reason) == (Action.BLOCKED, Reason.ALREADY_STARTED)


def test_paused_after_sending_is_not_replaced() -> None:
    """A paused campaign that has sent something is not replaced."""
    state = a_snapshot({"sale": a_record(status="paused")})
    change = decided(
        edited(lifecycle=REPLACE), state=state, readings={"id-sale": RemoteStatus("paused", has_sent=True)}
    )

    assert change["sale"].reason is Reason.ALREADY_STARTED


def test_scheduled_whose_start_passed_counts_as_started() -> None:
    """A record that still says scheduled after its start is not trusted to be unsent."""
    facts = some_facts(a_payload(name="sale", starts_at=NOW - timedelta(minutes=1)))
    change = decided(edited(lifecycle=REPLACE), state=a_snapshot({"sale": a_record(facts=facts)}))["sale"]

    assert change.reason is Reason.ALREADY_STARTED


def test_replacement_must_have_its_start_ahead() -> None:
    """A replacement that would start too soon is blocked like any create."""
    desired = a_desired(payload=a_payload(name="sale", starts_at=NOW), lifecycle=REPLACE)
    change = decided(desired, state=a_snapshot({"sale": a_record()}))["sale"]

    assert (change.action, change.reason) == (Action.BLOCKED, Reason.SCHEDULE_PASSED)


@pytest.mark.parametrize("status", ["scheduled", "running", "paused", "paused_quota", "brand_new_status"])
def test_vanished_and_live_is_retired(status: str) -> None:
    """Not in files, live: retire."""
    change = decided(state=a_snapshot({"sale": a_record(status=status)}))["sale"]

    assert (change.action, change.id, change.after) == (Action.RETIRE, "id-sale", None)


@pytest.mark.parametrize("status", ["completed", "cancelled", "failed"])
def test_vanished_and_over_is_forgotten(status: str) -> None:
    """Not in files, over: forget."""
    assert decided(state=a_snapshot({"sale": a_record(status=status)}))["sale"].action is Action.FORGET


def test_vanished_and_gone_is_forgotten() -> None:
    """Not in files and gone on the server: forget."""
    change = decided(state=a_snapshot({"sale": a_record()}), readings={"id-sale": None})["sale"]

    assert (change.action, change.status, change.stage(NOW)) == (Action.FORGET, "gone", Stage.OVER)


def test_vanished_with_on_remove_keep_is_left_alone() -> None:
    """`on_remove: keep` leaves a campaign whose file is gone as it is."""
    facts = some_facts(on_remove="keep")

    assert decided(state=a_snapshot({"sale": a_record(facts=facts)}))["sale"].action is Action.NO_OP


def test_retired_and_still_away_is_nothing_to_tell() -> None:
    """A retired campaign whose file stays away has no change."""
    assert decided(state=a_snapshot({"sale": a_record(status="paused", retired=True)})) == {}


def test_retired_that_somebody_resumed_is_retired_again() -> None:
    """A retired campaign that was resumed in the console is paused again."""
    state = a_snapshot({"sale": a_record(status="paused", retired=True)})

    assert decided(state=state, readings={"id-sale": RemoteStatus("scheduled")})["sale"].action is Action.RETIRE


def test_retired_and_back_is_resumed() -> None:
    """Back again, same payload, start ahead: resume."""
    change = decided(a_desired(), state=a_snapshot({"sale": a_record(status="paused", retired=True)}))["sale"]

    assert (change.action, change.id) == (Action.RESUME, "id-sale")


@pytest.mark.parametrize(("paused", "status"), [(True, "paused"), (None, "scheduled")])
def test_retired_and_back_as_it_should_be_is_no_op(paused: bool | None, status: str) -> None:
    """Back again and already as the file wants it: nothing to send."""
    state = a_snapshot({"sale": a_record(status=status, retired=True)})

    assert decided(a_desired(paused=paused), state=state)["sale"].action is Action.NO_OP


@pytest.mark.parametrize("effect", ["retire", "replace"])
def test_paused_for_what_was_not_done_is_resumed(effect: Literal["retire", "replace"]) -> None:
    """A campaign that was paused to be retired or replaced, and was not, is brought back like one that was retired."""
    record = replace(a_record(status="paused"), effect=effect)
    change = decided(a_desired(), state=a_snapshot({"sale": record}), readings={"id-sale": RemoteStatus("paused")})

    assert change["sale"].action is Action.RESUME
    assert f"it was paused to be {effect}d, and that was not done" in change["sale"].explanation


def test_retired_and_back_too_late_is_blocked() -> None:
    """Back again with the start past: blocked, resumed it would send at once."""
    payload = a_payload(starts_at=NOW - timedelta(hours=1))
    state = a_snapshot({"sale": a_record(status="paused", retired=True, facts=some_facts(payload))})
    change = decided(a_desired(payload=payload), state=state)["sale"]

    assert (change.action, change.reason) == (Action.BLOCKED, Reason.SCHEDULE_PASSED)


def test_gone_before_its_start_is_created_again() -> None:
    """Gone on the server, never started, start ahead: create."""
    change = decided(a_desired(), state=a_snapshot({"sale": a_record()}), readings={"id-sale": None})["sale"]

    assert change.action is Action.CREATE


@pytest.mark.parametrize("status", ["running", "completed", "paused_quota"])
def test_gone_after_its_start_is_blocked(status: str) -> None:
    """Gone on the server after it started: blocked."""
    state = a_snapshot({"sale": a_record(status=status)})
    change = decided(a_desired(), state=state, readings={"id-sale": None})["sale"]

    assert (change.action, change.reason) == (Action.BLOCKED, Reason.MISSING_ON_SERVER)


@pytest.mark.parametrize("desired", [a_desired(), edited(), a_desired(paused=True)])
def test_in_doubt_is_blocked_whatever_the_file_says(desired: Desired) -> None:
    """In doubt: blocked, always."""
    change = decided(desired, state=a_snapshot(in_doubt={"sale": an_intent()}))["sale"]

    assert (change.action, change.reason) == (Action.BLOCKED, Reason.IN_DOUBT)


def test_in_doubt_without_a_file_is_blocked() -> None:
    """A doubt does not go away with its file."""
    change = decided(state=a_snapshot({"sale": a_record()}, {"sale": an_intent()}))["sale"]

    assert change.reason is Reason.IN_DOUBT


def test_moved_from_moves_the_record() -> None:
    """`moved_from` takes the record along: move, and nothing at the old address."""
    desired = a_desired("new", payload=a_payload(name="sale"), moved_from=("sale",))
    changes = decided(desired, state=a_snapshot({"sale": a_record()}))

    assert set(changes) == {"new"}
    assert (changes["new"].action, changes["new"].previous_address) == (Action.MOVE, Address("sale"))


def test_rename_is_found_by_fingerprint() -> None:
    """An address that vanished while another appeared with the same mailing is a move."""
    changes = decided(a_desired("new", payload=a_payload(name="sale")), state=a_snapshot({"sale": a_record()}))

    assert {address: change.action for address, change in changes.items()} == {"new": Action.MOVE}


def test_rename_of_a_retired_one_brings_it_back() -> None:
    """A retired campaign that comes back under another name is resumed there."""
    state = a_snapshot({"sale": a_record(status="paused", retired=True)})
    change = decided(a_desired("new", payload=a_payload(name="sale")), state=state)["new"]

    assert (change.action, change.previous_address) == (Action.RESUME, "sale")


def test_doubt_follows_its_file() -> None:
    """A renamed file whose create is in doubt stays blocked at its new address."""
    state = a_snapshot(in_doubt={"sale": an_intent()})
    changes = decided(a_desired("new", payload=a_payload(name="sale")), state=state)

    assert {address: change.reason for address, change in changes.items()} == {"new": Reason.IN_DOUBT}


def test_moved_from_of_what_nobody_knows_is_ignored() -> None:
    """A former address that is not on record moves nothing: the campaign is new."""
    change = decided(a_desired("new", moved_from=("never",)))["new"]
    assert (change.action, change.previous_address) == (Action.CREATE, None)


def test_moved_from_that_has_done_its_work_is_ignored() -> None:
    """A `moved_from` left in the file after the move takes nothing from another campaign."""
    state = a_snapshot({"new": a_record("new"), "sale": a_record()})
    changes = decided(a_desired("new", moved_from=("sale",)), a_desired(), state=state)

    assert {change.action for change in changes.values()} == {Action.NO_OP}


def test_one_record_is_claimed_once() -> None:
    """Two new files cannot both be the rename of one vanished campaign."""
    twin = a_payload(name="sale")
    state = a_snapshot({"sale": a_record()})
    changes = decided(a_desired("a", payload=twin), a_desired("b", payload=twin), state=state)

    assert sorted(change.action for change in changes.values()) == [Action.CREATE, Action.MOVE]


def test_chain_of_moves_moves_every_link() -> None:
    """Of `a` to `b` and `b` to `c` both are moves, though `b` is on record: its own record goes on."""
    state = a_snapshot({"a": a_record("a"), "b": a_record("b")})
    onwards = a_desired("c", payload=a_payload(name="b"), moved_from=("b",))
    # The newcomer at `b` is edited too, so that no fingerprint can tell whose record is whose.
    newcomer = a_desired("b", payload=a_payload(name="a", body="Other"), moved_from=("a",))
    changes = decided(newcomer, onwards, state=state)

    assert {address: change.previous_address for address, change in changes.items()} == {"b": "a", "c": "b"}
    assert (changes["b"].action, changes["c"].action) == (Action.BLOCKED, Action.MOVE)


def test_swapped_contents_stay_where_they_are() -> None:
    """Two files that swap their contents are two changed campaigns, whatever their `moved_from` says."""
    state = a_snapshot({"a": a_record("a"), "b": a_record("b")})
    one = a_desired("a", payload=a_payload(name="b"), moved_from=("b",))
    two = a_desired("b", payload=a_payload(name="a"), moved_from=("a",))
    changes = decided(one, two, state=state)

    assert {change.reason for change in changes.values()} == {Reason.IMMUTABLE_CHANGE}
    assert {change.id for change in changes.values()} == {"id-a", "id-b"}


def test_first_former_address_on_record_counts() -> None:
    """Of several former addresses the first that the state knows gives the record; the others are left."""
    state = a_snapshot({"one": a_record("one"), "two": a_record("two")})
    desired = a_desired("new", payload=a_payload(name="one"), moved_from=("zero", "one", "two"))
    changes = decided(desired, state=state)

    assert {address: change.action for address, change in changes.items()} == {
        "new": Action.MOVE,
        "two": Action.RETIRE,
    }


def forgotten(status: str) -> Snapshot:
    """Build a state whose history alone knows the campaign."""
    past: tuple[Record, ...] = (a_record(status=status),)
    return replace(a_snapshot(), history={Address("elsewhere"): past})


@pytest.mark.parametrize("status", ["completed", "brand_new_status"])
def test_forgotten_after_its_start_is_not_sent_again(status: str) -> None:
    """A file that comes back after its campaign ran and was forgotten is blocked, not created again."""
    change = decided(a_desired(), state=forgotten(status))["sale"]

    assert (change.action, change.reason) == (Action.BLOCKED, Reason.ALREADY_STARTED)
    assert "id-sale" in change.explanation


@pytest.mark.parametrize("status", ["scheduled", "paused", "running"])
def test_removed_while_live_is_not_sent_again(status: str) -> None:
    """What was taken off the record by hand may still be sent, so the same mailing is blocked, with the way back."""
    change = decided(a_desired(), state=forgotten(status))["sale"]

    assert change.action is Action.BLOCKED
    assert "msgflash-apply import sale id-sale" in change.explanation


@pytest.mark.parametrize("status", ["gone", "cancelled", "failed"])
def test_forgotten_before_its_start_may_be_created_again(status: str) -> None:
    """A campaign that ended before anything was sent is new when its file comes back."""
    assert decided(a_desired(), state=forgotten(status))["sale"].action is Action.CREATE


def test_history_is_no_matter_for_another_mailing() -> None:
    """A campaign that differs from all that were forgotten is created."""
    assert decided(edited(), state=forgotten("completed"))["sale"].action is Action.CREATE


def test_history_is_no_matter_for_a_campaign_on_record() -> None:
    """What was forgotten long ago keeps nothing from staying as it is."""
    state = replace(forgotten("completed"), campaigns={Address("sale"): a_record()})

    assert decided(a_desired(), state=state)["sale"].action is Action.NO_OP


def test_retired_and_gone_is_created_when_its_file_is_back() -> None:
    """A retired campaign that was deleted on MsgFlash is created again, unless its file is paused and late."""
    state = a_snapshot({"sale": a_record(status="paused", retired=True)})

    assert decided(a_desired(), state=state, readings={"id-sale": None})["sale"].action is Action.CREATE


def test_changes_are_sorted_by_address() -> None:
    """The order of files does not show."""
    changes = decided(a_desired("b"), a_desired("a"), state=a_snapshot({"c": a_record("c")}))

    assert list(changes) == ["a", "b", "c"]
    assert all(change.starts_at == SOON for change in changes.values())


# A template that was edited on MsgFlash after it was approved.


APPROVED, EDITED = Content("text", "Hello"), Content("text", "Bye")


def with_template(
    *,
    status: str = "scheduled",
    desired: Desired | None = None,
    edits: Literal["accept", "pause"] = "accept",
    now: Content | None = EDITED,
    facts: Facts | None = None,
    retired: bool = False,
) -> Change:
    """Decide about a campaign whose template said `APPROVED` and says something else now."""
    sent = facts or replace(some_facts(TEMPLATED), seen=Seen(APPROVED.digest))
    record = a_record(status=status, facts=sent, retired=retired)
    state = replace(a_snapshot({"sale": record}), contents={APPROVED.digest: APPROVED})
    prior = PriorState(state, templates={"t": None if now is None else UsedTemplate("t", "welcome", now)})
    items = [fill_in(desired, NameTable([]))] if desired else []
    (change,) = decide(items, prior, now=NOW, policy=replace(POLICY, template_edits=edits))
    return change


TEMPLATED = a_payload(name="sale", type=None, body=None, templateId="t")
AS_SENT = a_desired(payload=TEMPLATED)
KEPT = replace(some_facts(TEMPLATED, on_remove="keep"), seen=Seen(APPROVED.digest))


@pytest.mark.parametrize(
    ("status", "edits", "action", "words"),
    [
        ("scheduled", "accept", Action.ACCEPT, "edited on MsgFlash after it was approved"),
        ("running", "accept", Action.ACCEPT, "people may have received the new words"),
        ("paused", "accept", Action.ACCEPT, "edited on MsgFlash"),
        ("scheduled", "pause", Action.PAUSE, "edited on MsgFlash"),
        ("running", "pause", Action.PAUSE, "edited on MsgFlash"),
        ("paused", "pause", Action.NO_OP, "edited on MsgFlash after it was approved; it is paused"),
        ("completed", "accept", Action.NO_OP, ""),
        ("completed", "pause", Action.NO_OP, ""),
    ],
)
@pytest.mark.parametrize("has_file", [True, False], ids=["with a file", "kept without one"])
def test_edited_template_is_accepted_or_paused(
    status: str, edits: Literal["accept", "pause"], action: Action, words: str, *, has_file: bool
) -> None:
    """New words are approved or kept back, by the policy; what is over is left alone, with a file and without one."""
    if has_file:
        change = with_template(status=status, desired=AS_SENT, edits=edits)
    else:
        change = with_template(status=status, edits=edits, facts=KEPT)

    over = status == "completed"
    assert change.action is (Action.FORGET if over and not has_file else action)
    assert words in change.explanation
    shown = [(diff.path, diff.before, diff.after) for diff in change.diff]
    assert shown == ([("template.body", "Hello", "Bye")] if action is not Action.NO_OP else [])


@pytest.mark.parametrize(
    ("now", "facts"),
    [(APPROVED, None), (None, None), (EDITED, some_facts(TEMPLATED)), (EDITED, replace(KEPT, seen=Seen("sha256:?")))],
    ids=["same words", "deleted", "nothing was recorded", "words are not on record"],
)
def test_template_without_other_words_is_no_change(now: Content | None, facts: Facts | None) -> None:
    """The words are compared only where both are known."""
    desired = replace(AS_SENT, lifecycle=Lifecycle(on_remove="keep"))

    assert with_template(desired=desired, now=now, facts=facts).action is Action.NO_OP


def test_the_brake_comes_before_new_words() -> None:
    """`paused: true` pauses; the new words are shown once it is paused."""
    assert with_template(desired=replace(AS_SENT, paused=True)).diff == ()
    assert with_template(desired=replace(AS_SENT, paused=True)).action is Action.PAUSE
    assert with_template(desired=replace(AS_SENT, paused=True), status="paused").action is Action.ACCEPT


@pytest.mark.parametrize(("paused", "retired"), [(False, False), (None, True)])
def test_resume_shows_new_words(paused: bool | None, retired: bool) -> None:
    """A resume sends what the template says now, so it shows in what that differs."""
    change = with_template(desired=replace(AS_SENT, paused=paused), status="paused", retired=retired)

    assert change.action is Action.RESUME
    assert [diff.after for diff in change.diff] == ["Bye"]


@pytest.mark.parametrize(
    ("lifecycle", "status", "edits", "action"),
    [
        (DEFAULT_LIFECYCLE, "scheduled", "accept", Action.BLOCKED),
        (DEFAULT_LIFECYCLE, "scheduled", "pause", Action.PAUSE),
        (DEFAULT_LIFECYCLE, "paused", "pause", Action.BLOCKED),
        (REPLACE, "scheduled", "pause", Action.REPLACE),
        (REPLACE, "running", "pause", Action.PAUSE),
    ],
)
def test_new_words_are_kept_back_whatever_else_was_edited(
    lifecycle: Lifecycle, status: str, edits: Literal["accept", "pause"], action: Action
) -> None:
    """With `template_edits: pause` a campaign is paused though its file says something new, unless it is replaced."""
    payload = {**TEMPLATED, "variables": {"code": "A"}}
    desired = a_desired(payload=payload, lifecycle=lifecycle)

    assert with_template(desired=desired, status=status, edits=edits).action is action
