"""
The five campaign endpoints (reference 5). There is no list, no update, no cancel and no delete.

First the strict check of a create body (5.1 to 5.5, 10.1, 10.4), which judges shapes only: whether ids exist is for the
endpoint. Then the advice that comes with a create and a resume, which in V1 never blocks anything (5.10); then how a
campaign is shown, field names and order after the reference's examples; then the endpoints.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from msgflash_apply.sandbox.access import Call
from msgflash_apply.sandbox.clock import spell, spell_optional
from msgflash_apply.sandbox.exchange import Answer, JsonObject, RefusedError, invalid, look_up, not_found
from msgflash_apply.sandbox.validation import (
    LONGEST_BODY,
    Check,
    Fields,
    Rules,
    flat_map,
    instant,
    list_of,
    one_of,
    read_instant,
    text,
    uuid,
    web_address,
)
from msgflash_apply.sandbox.values import Campaign, Contact, Instance
from msgflash_apply.sandbox.world import World

DIRECT: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "text": (("body",), ()),
    "image": (("mediaUrl",), ("body",)),
    "video": (("mediaUrl",), ("body",)),
    "document": (("mediaUrl",), ("body",)),
    "audio": (("mediaUrl",), ("body",)),
    "voice_note": (("mediaUrl",), ("body",)),
    "buttons": (("title", "description", "buttons"), ("footer",)),
}
"""Type of direct content -> the fields it must have, the fields it may have (reference 5.1)."""


BUTTONS: Final[dict[str, tuple[str, ...]]] = {
    "reply": ("displayText", "id"),
    "copy": ("displayText", "copyCode"),
    "url": ("displayText", "url"),
    "call": ("displayText", "phoneNumber"),
    "pix": ("displayText", "currency", "name", "keyType", "key"),
}
"""Kind of button -> its other fields, all required (reference 5.5)."""


_CONTENT_FIELDS = ("type", "body", "mediaUrl", "title", "description", "footer", "buttons")


_MOST_BUTTONS = 2


def check_create(body: object, rules: Rules) -> JsonObject:
    """
    Return the body as accepted, or raise 400 with one detail per mistake.

    In lenient mode unknown and null fields are dropped, and a button's kind may stand under `title`.
    """
    fields = Fields(body, strict=rules.strict)
    fields.take("instanceId", uuid, required=True)
    fields.take("name", text(), required=True)
    fields.take("schedule", instant, required=True)
    repeats = ("none", "daily", "weekly", "noe") if rules.accept_noe else ("none", "daily", "weekly")
    fields.take("repeat", one_of(repeats))
    _check_recipients(fields)
    _check_content(fields)
    return fields.close()


def _check_recipients(fields: Fields) -> None:
    if not fields.has("recipients"):
        fields.take("recipients", text(), required=True)
        return
    selector = fields.inner("recipients")
    match selector.take("type", one_of(("all", "tags", "explicit", "group")), required=True):
        case "all":
            selector.take("value", _empty_list)
        case "tags":
            selector.take("value", list_of(text()), required=True)
        case "explicit":
            selector.take("value", list_of(uuid), required=True)
        case "group":
            selector.take("groupId", uuid, required=True)
        case _:
            selector.ignore(("value", "groupId"))
    selector.find_unknown("does not belong to this type of recipients")


def _check_content(fields: Fields) -> None:
    """Exactly one mode: a template, or direct content (reference 5.1)."""
    if fields.has("templateId"):
        fields.take("templateId", uuid)
        fields.take("variables", flat_map)
        for name in filter(fields.has, _CONTENT_FIELDS):
            fields.find(name, "does not go with templateId: give exactly one content mode")
            fields.ignore((name,))
    elif not fields.has("type"):
        fields.find("", "has no content: give templateId, or type with its content")
        fields.ignore((*_CONTENT_FIELDS, "templateId", "variables"))
    else:
        _check_direct(fields)


def _check_direct(fields: Fields) -> None:
    kind = fields.take("type", one_of(DIRECT))
    if kind is None:
        fields.ignore((*_CONTENT_FIELDS, "variables"))
        return
    required, optional = DIRECT[str(kind)]
    for name in (*required, *optional):
        if name == "buttons":
            _check_buttons(fields)
        else:
            fields.take(name, _check_of(name), required=name in required)
    for name in filter(fields.has, ("variables", *_CONTENT_FIELDS)):
        if name not in {"type", *required, *optional} and fields.strict:
            fields.find(name, f"does not go with type {kind}")
        fields.ignore((name,))


def _check_of(name: str) -> Check:
    match name:
        case "mediaUrl":
            return web_address
        case "body":
            return text(LONGEST_BODY)
        case _:
            return text()


def _check_buttons(fields: Fields) -> None:
    given = fields.take("buttons", list_of(_any, longest=_MOST_BUTTONS), required=True)
    if isinstance(given, list):
        accepted = [_check_button(fields, button, f"buttons[{index}]") for index, button in enumerate(given)]
        fields.accepted["buttons"] = accepted


def _check_button(fields: Fields, given: object, path: str) -> JsonObject:
    button = Fields(given, strict=fields.strict, path=path, findings=fields.findings)
    kind_key = "title" if not fields.strict and button.has("title") else "type"
    kind = button.take(kind_key, one_of(BUTTONS), required=True)
    if kind is None:
        return button.accepted
    for name in BUTTONS[str(kind)]:
        button.take(name, text(), required=True)
    button.find_unknown("does not belong to this kind of button")
    return button.accepted


def _any(value: object) -> str | None:
    """Leave the judgement to the check of the single button."""
    return None if isinstance(value, dict) else "must be an object"


def _empty_list(value: object) -> str | None:
    """Allow `value: []` next to `all`, as the console sends it (reference 10.4)."""
    return None if value == [] else "does not belong to recipients of type all"


def assess_audience(instance: Instance, contacts: Sequence[Contact]) -> JsonObject:
    """Judge an audience against the instance's limits: `warn` when it is too large or too cold for it."""
    audience = _describe(contacts)
    reasons = _reasons(instance, contacts, _ratio(contacts, "cold"))
    return {
        "decision": "warn" if reasons else "allow",
        "riskLevel": "medium" if reasons else "low",
        "score": instance.safety_score,
        "state": instance.safety_state,
        "reasons": [reason for reason, _ in reasons],
        "recommendations": [recommendation for _, recommendation in reasons],
        "appliedLimits": {
            "maxCampaignRecipients": instance.max_campaign_recipients,
            "maxColdRatio": instance.max_cold_ratio,
            "hourlyOutboundCap": instance.hourly_cap,
            "dailyOutboundCap": instance.daily_cap,
        },
        "audience": audience,
    }


def _reasons(instance: Instance, contacts: Sequence[Contact], cold_ratio: float) -> list[tuple[str, str]]:
    reasons = []
    most = instance.max_campaign_recipients
    if len(contacts) > most:
        reasons.append((f"{len(contacts)} recipients, {most} advised", "Split the campaign into smaller ones"))
    if cold_ratio > instance.max_cold_ratio:
        said = f"{cold_ratio:.1%} of the recipients never wrote, {instance.max_cold_ratio:.1%} advised"
        reasons.append((said, "Write to contacts who know you first"))
    return reasons


def _describe(contacts: Sequence[Contact]) -> JsonObject:
    counts = Counter(contact.temperature for contact in contacts)
    return {
        "totalRecipients": len(contacts),
        "warmCount": counts["warm"],
        "coldCount": counts["cold"],
        "unknownCount": counts[None],
        "blockedCount": 0,
        "warmRatio": _ratio(contacts, "warm"),
        "coldRatio": _ratio(contacts, "cold"),
        "unknownRatio": _ratio(contacts, None),
    }


def _ratio(contacts: Sequence[Contact], temperature: str | None) -> float:
    matching = sum(contact.temperature == temperature for contact in contacts)
    return round(matching / len(contacts), 3) if contacts else 0.0


_ECHOED_FOR_BUTTONS = ("title", "description", "footer", "buttons")


def campaign_shape(world: World, campaign: Campaign) -> JsonObject:
    """Write the object of reference 5.2, without `stats`, `safety` and `templateVariables`."""
    payload = campaign.payload
    echoed = {name: payload[name] for name in _ECHOED_FOR_BUTTONS if name in payload}
    return {
        "id": campaign.id,
        "userId": world.account.id,
        "instanceId": campaign.instance_id,
        "name": payload["name"],
        "status": campaign.status,
        "templateId": campaign.template_id,
        "type": payload.get("type"),
        "body": payload.get("body"),
        "mediaUrl": payload.get("mediaUrl"),
        **echoed,
        "schedule": spell(campaign.schedule),
        "repeat": campaign.repeat,
        "recipients": campaign.recipients,
        "createdAt": spell(campaign.created_at),
        "updatedAt": spell(campaign.updated_at),
    }


def template_variables(campaign: Campaign) -> JsonObject:
    """Write `templateVariables`: an echo of `variables`, null where none were given (reference 10.4)."""
    return {"templateVariables": campaign.variables or None}


def campaign_stats(world: World, campaign: Campaign) -> JsonObject:
    """Write the seven counters with the four times of reference 5.6."""
    return {
        **world.stats_of(campaign).counters,
        "processingStartedAt": spell_optional(campaign.processing_started_at),
        "lastEnqueuedAt": spell_optional(campaign.last_enqueued_at),
        "completedAt": spell_optional(campaign.completed_at),
        "cancelledAt": spell_optional(campaign.cancelled_at),
    }


def stats_shape(world: World, campaign: Campaign) -> JsonObject:
    """Write the answer of the stats endpoint (reference 5.7)."""
    stats = world.stats_of(campaign)
    started_at = spell_optional(campaign.processing_started_at)
    return {
        "campaignId": campaign.id,
        "status": campaign.status,
        "stats": {"total": stats.planned, **stats.counters},
        "progressPercent": stats.progress_percent,
        "timeline": {
            "scheduledFor": spell(campaign.schedule),
            "processingStartedAt": started_at,
            "lastEnqueuedAt": spell_optional(campaign.last_enqueued_at),
            "completedAt": spell_optional(campaign.completed_at),
            "cancelledAt": spell_optional(campaign.cancelled_at),
            "lastActivityAt": spell_optional(stats.last_activity_at),
        },
        "startedAt": started_at,
        "estimatedCompletionAt": None,
    }


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
