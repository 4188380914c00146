"""The five campaign endpoints (reference 5). There is no list, no update, no cancel and no delete."""

from msgflash_apply.sandbox.bodies import check_create
from msgflash_apply.sandbox.checks import read_instant
from msgflash_apply.sandbox.exchange import Answer, Call, look_up
from msgflash_apply.sandbox.refusal import JsonObject, RefusedError, invalid, not_found
from msgflash_apply.sandbox.safety import assess_audience
from msgflash_apply.sandbox.shapes import campaign_shape, campaign_stats, stats_shape, template_variables
from msgflash_apply.sandbox.values import Campaign
from msgflash_apply.sandbox.world import World


def create_campaign(world: World, call: Call) -> Answer:
    """Add a campaign; the checks run in the order of reference 10.1."""
    world.check_campaigns_feature()
    payload = check_create(call.request.json(), call.rules)
    recipients = payload["recipients"]
    selector = recipients if isinstance(recipients, dict) else {}
    _check_contacts(world, selector)
    instance = look_up(world.instances, str(payload["instanceId"]), "Instance")
    call.key.check_instance(instance.id)
    if "templateId" in payload:
        look_up(world.templates, str(payload["templateId"]), "Template")
    if selector["type"] == "group" and selector["groupId"] not in world.groups:
        raise not_found("Group", assumption="10.4")
    _check_buttons_allowed(world, payload)
    world.check_outbound_quota()
    campaign = world.create_campaign(payload, read_instant(str(payload["schedule"])))
    safety = assess_audience(instance, world.audience_of(selector))
    shape = {**campaign_shape(world, campaign), "stats": world.stats_of(campaign).counters, "safety": safety}
    return Answer(shape, 201, _assumption_of(world, campaign))


def get_campaign(world: World, call: Call) -> Answer:
    """Show one campaign, with its counters and times (5.6)."""
    campaign = _find_campaign(world, call)
    shape = campaign_shape(world, campaign) | template_variables(campaign)
    return Answer(shape | {"stats": campaign_stats(world, campaign)}, assumption=_assumption_of(world, campaign))


def get_campaign_stats(world: World, call: Call) -> Answer:
    """Show the counters, the progress and the timeline (5.7)."""
    campaign = _find_campaign(world, call)
    return Answer(stats_shape(world, campaign), assumption=_assumption_of(world, campaign))


def pause_campaign(world: World, call: Call) -> Answer:
    """Pause; the queue is kept (5.8)."""
    campaign = _find_campaign(world, call)
    world.pause(campaign)
    shape = campaign_shape(world, campaign) | template_variables(campaign)
    return Answer(shape | {"stats": world.stats_of(campaign).counters})


def resume_campaign(world: World, call: Call) -> Answer:
    """Resume; the answer has advice and no counters (5.8)."""
    campaign = _find_campaign(world, call)
    world.resume(campaign)
    world.advance(world.now)
    shape = campaign_shape(world, campaign) | template_variables(campaign)
    instance = world.instances[campaign.instance_id]
    shape["safety"] = _without_audience(assess_audience(instance, world.audience_of(campaign.recipients)))
    return Answer(shape, assumption="10.3" if campaign.status == "scheduled" else None)


def _find_campaign(world: World, call: Call) -> Campaign:
    return look_up(world.campaigns, call.parameters["id"], "Campaign")


def _check_contacts(world: World, selector: JsonObject) -> None:
    """Unknown contact ids are a fault of the body (reference 10.4)."""
    value = selector.get("value")
    if selector["type"] != "explicit" or not isinstance(value, list):
        return
    unknown = [identity for identity in value if identity not in world.contacts]
    if unknown:
        raise invalid([{"path": "recipients.value", "message": f"unknown contact {identity}"} for identity in unknown])


def _check_buttons_allowed(world: World, payload: JsonObject) -> None:
    if payload.get("type") == "buttons" and not world.account.whatsapp_business:
        raise RefusedError(403, "UNSUPPORTED_FEATURE", "Buttons need a WhatsApp Business account")


def _assumption_of(world: World, campaign: Campaign) -> str | None:
    """Say which assumption shows in an answer about this campaign."""
    if campaign.repeat != "none" or campaign.schedule < campaign.created_at:
        return "10.2"
    if campaign.status == "completed" and not campaign.messages:
        return "10.3"
    return "10.3" if world.instances[campaign.instance_id].status != "connected" else None


def _without_audience(safety: JsonObject) -> JsonObject:
    """Only a create's advice describes limits and audience (5.10)."""
    return {name: value for name, value in safety.items() if name not in {"appliedLimits", "audience"}}
