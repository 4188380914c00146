"""Campaigns and their life, played through without a socket."""

from datetime import timedelta

import pytest

from msgflash_apply.sandbox.exchange import RefusedError
from msgflash_apply.sandbox.seed import BOUTIQUE_ID, OLD_PHONE_ID, PRESS_ID, WELCOME_ID, contact_id
from tests.support.sandbox import NOON, a_campaign, a_template_body, a_world

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


def test_waits_until_its_schedule() -> None:
    """A campaign stays scheduled, with no messages planned, until its time comes (5.9, 10.3)."""
    world = a_world()
    campaign = a_campaign(world, NOON + HOUR)
    world.advance(NOON + HOUR - SECOND)
    assert campaign.status == "scheduled"
    assert world.stats_of(campaign).planned == 0


def test_runs_then_completes() -> None:
    """At its time a campaign runs, hands its messages out one by one, and completes with the last (5.9)."""
    world = a_world()
    campaign = a_campaign(world, NOON + HOUR)
    world.advance(NOON + HOUR + 10 * SECOND)
    under_way = (campaign.status, world.stats_of(campaign).sent)
    world.advance(NOON + 2 * HOUR)
    assert under_way == ("running", 10)
    assert (campaign.status, world.stats_of(campaign).sent) == ("completed", 40)
    assert campaign.completed_at == NOON + HOUR + 40 * SECOND


@pytest.mark.parametrize("seconds", [0, 1, 7, 33, 39, 40, 41, 70, 4000])
def test_counters_always_add_up(seconds: int) -> None:
    """At any moment planned is queued, sent, failed and cancelled together, and sent >= delivered >= read (5.7)."""
    world = a_world()
    campaign = a_campaign(world, instanceId=OLD_PHONE_ID if seconds % 2 else BOUTIQUE_ID)
    world.advance(NOON + seconds * SECOND)
    stats = world.stats_of(campaign)
    assert stats.planned == 40 == stats.queued + stats.sent + stats.failed + stats.cancelled
    assert stats.sent >= stats.delivered >= stats.read


def test_one_big_step_is_many_small_ones() -> None:
    """Time played in one go or second by second gives the same messages at the same moments."""
    once, often = a_world(), a_world()
    for world in (once, often):
        a_campaign(world, NOON + SECOND)
        a_campaign(world, NOON + 2 * SECOND, recipients={"type": "all"})
    once.advance(NOON + HOUR)
    for second in range(3601):
        often.advance(NOON + second * SECOND)
    assert once.messages == often.messages
    assert once.campaigns == often.campaigns


def test_pause_keeps_the_queue() -> None:
    """A paused campaign keeps its queue, sends nothing, and goes on from there when resumed (5.8)."""
    world = a_world()
    campaign = a_campaign(world)
    world.advance(NOON + 10 * SECOND)
    world.pause(campaign)
    world.advance(NOON + HOUR)
    paused = world.stats_of(campaign)
    world.resume(campaign)
    world.advance(NOON + 2 * HOUR)
    assert (paused.sent, paused.queued, paused.cancelled) == (10, 30, 0)
    assert (campaign.status, world.stats_of(campaign).sent) == ("completed", 40)


def test_resume_before_the_start_waits() -> None:
    """Resumed ahead of its schedule a campaign is scheduled again, and nothing goes out early (10.3)."""
    world = a_world()
    campaign = a_campaign(world, NOON + HOUR)
    world.pause(campaign)
    world.resume(campaign)
    world.advance(NOON + HOUR - SECOND)
    assert (campaign.status, world.stats_of(campaign).planned) == ("scheduled", 0)


def test_resume_after_a_missed_start_runs() -> None:
    """Paused over its start, a campaign starts when it is resumed (10.3)."""
    world = a_world()
    campaign = a_campaign(world, NOON + HOUR)
    world.pause(campaign)
    world.advance(NOON + 2 * HOUR)
    world.resume(campaign)
    world.advance(NOON + 2 * HOUR + 5 * SECOND)
    assert (campaign.status, world.stats_of(campaign).sent) == ("running", 5)


@pytest.mark.parametrize("status", ["paused", "completed", "cancelled", "failed"])
def test_pause_wants_a_live_campaign(status: str) -> None:
    """Pausing anything but scheduled or running is 400 BAD_REQUEST (5.8, 10.3)."""
    world = a_world()
    campaign = a_campaign(world, NOON + HOUR)
    campaign.status = status
    with pytest.raises(RefusedError, match="400 BAD_REQUEST"):
        world.pause(campaign)


@pytest.mark.parametrize("status", ["scheduled", "running", "completed", "cancelled", "failed"])
def test_resume_wants_a_paused_campaign(status: str) -> None:
    """Resuming anything but the three paused statuses is 400 BAD_REQUEST (5.9, 10.3)."""
    world = a_world()
    campaign = a_campaign(world, NOON + HOUR)
    campaign.status = status
    with pytest.raises(RefusedError, match="400 BAD_REQUEST"):
        world.resume(campaign)


@pytest.mark.parametrize(("repeat", "days"), [("daily", 1), ("weekly", 7)])
def test_repeat_moves_the_schedule(repeat: str, days: int) -> None:
    """After a run a repeating campaign waits for its next turn, same id, counters going on (10.2)."""
    world = a_world()
    campaign = a_campaign(world, repeat=repeat)
    world.advance(NOON + HOUR)
    first = (campaign.status, campaign.schedule, world.stats_of(campaign).sent)
    world.advance(NOON + timedelta(days=days) + HOUR)
    assert first == ("scheduled", NOON + timedelta(days=days), 40)
    assert (campaign.status, world.stats_of(campaign).sent) == ("scheduled", 80)


def test_late_repeat_skips_missed_turns() -> None:
    """A daily campaign with a start years ago runs once now and then waits for a turn ahead (10.2)."""
    world = a_world()
    campaign = a_campaign(world, NOON - timedelta(days=1000), repeat="daily")
    world.advance(NOON + HOUR)
    assert campaign.schedule == NOON + timedelta(days=1)
    assert world.stats_of(campaign).planned == 40


def test_missing_variable_fails_each_recipient() -> None:
    """Without a template's custom variable every message fails and says which one; the campaign goes on (4.2)."""
    world = a_world()
    campaign = world.create_campaign(a_template_body(variables={"brand": "Acme"}), NOON)
    world.advance(NOON + HOUR)
    stats = world.stats_of(campaign)
    assert (campaign.status, stats.failed, stats.sent) == ("completed", 40, 0)
    assert {m.error for m in world.messages.values()} == {"Missing template variables: custom.code"}


def test_template_is_filled_in_for_each_contact() -> None:
    """A template's text goes out with the contact's first name and the campaign's variables (4.1)."""
    world = a_world()
    recipients = {"type": "explicit", "value": [contact_id(1)]}
    world.create_campaign(a_template_body(recipients=recipients), NOON)
    world.advance(NOON + HOUR)
    assert [m.body for m in world.messages.values()] == ["Hello Bruno, welcome to Acme! Your code: PROMO10"]


def test_direct_text_goes_out_as_written() -> None:
    """Placeholders in direct content are not filled in (10.4)."""
    world = a_world()
    a_campaign(world, body="Hello {{contact.firstName}}")
    world.advance(NOON + HOUR)
    assert {m.body for m in world.messages.values()} == {"Hello {{contact.firstName}}"}


def test_disconnected_instance_fails_messages() -> None:
    """On a disconnected instance messages fail and the campaign still completes (10.3)."""
    world = a_world()
    campaign = a_campaign(world, instanceId=OLD_PHONE_ID)
    world.advance(NOON + HOUR)
    assert (campaign.status, world.stats_of(campaign).failed) == ("completed", 40)


def test_empty_audience_completes() -> None:
    """A campaign without recipients completes at once, all counters 0 (10.3)."""
    world = a_world()
    campaign = a_campaign(world, recipients={"type": "tags", "value": ["nobody"]})
    world.advance(NOON)
    assert campaign.status == "completed"
    assert set(world.stats_of(campaign).counters.values()) == {0}


def test_deleted_template_fails_the_campaign() -> None:
    """A campaign whose template is gone at its start fails (10.4)."""
    world = a_world()
    campaign = world.create_campaign(a_template_body(), NOON + HOUR)
    del world.templates[WELCOME_ID]
    world.advance(NOON + 2 * HOUR)
    assert campaign.status == "failed"


def test_used_up_quota_pauses() -> None:
    """When the month's messages are used up a running campaign is paused_quota, and resuming is 429 (5.9, 10.3)."""
    world = a_world()
    world.account.monthly_outbound = 15
    campaign = a_campaign(world)
    world.advance(NOON + HOUR)
    assert (campaign.status, world.stats_of(campaign).queued) == ("paused_quota", 25)
    with pytest.raises(RefusedError, match="429 MONTHLY_OUTBOUND_QUOTA_EXCEEDED"):
        world.resume(campaign)


def test_new_month_lets_a_quota_pause_be_resumed() -> None:
    """A new month does not resume by itself, but lets resume (10.3, 10.5)."""
    world = a_world()
    world.account.monthly_outbound = 25
    campaign = a_campaign(world)
    world.advance(NOON + timedelta(days=31))
    by_itself = campaign.status
    world.resume(campaign)
    world.advance(NOON + timedelta(days=32))
    assert (by_itself, campaign.status, world.stats_of(campaign).sent) == ("paused_quota", "completed", 40)


def test_lost_feature_pauses() -> None:
    """When the plan loses campaigns a due one is paused_plan, and resuming is 403 while that lasts (5.9, 10.3)."""
    world = a_world()
    world.account.campaigns = False
    campaign = a_campaign(world)
    world.advance(NOON + HOUR)
    assert campaign.status == "paused_plan"
    with pytest.raises(RefusedError, match="403 CAMPAIGNS_NOT_AVAILABLE_ON_PLAN"):
        world.resume(campaign)


@pytest.mark.parametrize(("end", "status"), [("cancel", "cancelled"), ("fail", "failed")])
def test_console_ends_take_the_queue_along(end: str, status: str) -> None:
    """Cancelled or failed in the middle, what was queued counts there, and what was sent stays sent (5.9)."""
    world = a_world()
    campaign = a_campaign(world)
    world.advance(NOON + 10 * SECOND)
    getattr(world, end)(campaign)
    world.advance(NOON + HOUR)
    counters = world.stats_of(campaign).counters
    assert campaign.status == status
    assert (counters["sent"], counters["queued"], counters[status]) == (10, 0, 30)


def test_cancel_wants_a_campaign_that_is_not_over() -> None:
    """Cancelling what is over is refused (5.8)."""
    world = a_world()
    campaign = a_campaign(world)
    world.cancel(campaign)
    with pytest.raises(RefusedError, match="400 BAD_REQUEST"):
        world.cancel(campaign)


@pytest.mark.parametrize(
    ("recipients", "size"),
    [
        ({"type": "all"}, 120),
        ({"type": "tags", "value": ["vip", "newsletter"]}, 80),
        ({"type": "tags", "value": ["VIP"]}, 0),
        ({"type": "explicit", "value": [contact_id(1), contact_id(2), contact_id(1)]}, 2),
        ({"type": "group", "groupId": PRESS_ID}, 5),
        ({"type": "group", "groupId": "gone"}, 0),
    ],
)
def test_audience_of_each_selector(recipients: dict[str, object], size: int) -> None:
    """Selectors mean all, any of the exact tags, the ids once each, or a group's members (5.4, 10.4)."""
    contacts = a_world().audience_of(recipients)
    assert len(contacts) == len({contact.id for contact in contacts}) == size


def test_audience_is_fixed_at_the_start() -> None:
    """Who joins before the start is written to; who joins later is not (10.3)."""
    world = a_world()
    campaign = a_campaign(world, NOON + HOUR, recipients={"type": "group", "groupId": PRESS_ID})
    world.groups[PRESS_ID].members[contact_id(1)] = NOON
    world.advance(NOON + HOUR + SECOND)
    world.groups[PRESS_ID].members[contact_id(2)] = NOON
    world.advance(NOON + 2 * HOUR)
    assert world.stats_of(campaign).sent == 6


def test_equal_creates_make_two_campaigns() -> None:
    """There is no idempotency (10.1)."""
    world = a_world()
    first, second = a_campaign(world), a_campaign(world)
    assert first.payload == second.payload
    assert len(world.campaigns) == 2


def test_time_never_goes_back() -> None:
    """An earlier moment changes nothing."""
    world = a_world()
    world.advance(NOON + HOUR)
    world.advance(NOON)
    assert world.now == NOON + HOUR
