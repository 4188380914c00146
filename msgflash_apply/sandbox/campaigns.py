"""
The five campaign endpoints: create, get, stats, pause, resume (reference 5). MsgFlash has no list, update or delete.

From top to bottom: the strict check of a create body, which looks at shapes only (whether ids exist is for the
endpoint); the safety advice of a create and a resume, which never blocks anything; the JSON of a campaign; the
endpoints. Field names and their order follow the reference's examples.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from msgflash_apply.sandbox.access import ApiCall
from msgflash_apply.sandbox.clock import format_instant, format_optional_instant
from msgflash_apply.sandbox.exchange import (
    JsonObject,
    Response,
    invalid,
    look_up,
    not_found,
    success,
)
from msgflash_apply.sandbox.validation import (
    LONGEST_BODY,
    Check,
    Fields,
    Rules,
    any_object,
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

_CONTENT_CHECKS: Final[dict[str, Check]] = {"mediaUrl": web_address}
_CONTENT_FIELDS = ("type", "body", "mediaUrl", "title", "description", "footer", "buttons")
_MOST_BUTTONS = 2


def check_create(body: object, rules: Rules) -> JsonObject:
    """
    Return the body as accepted, or raise 400 with one detail per mistake (reference 5.1 to 5.5, 10.1, 10.4).

    In lenient mode unknown and null fields are dropped, and a button's kind may be under `title`.
    """
    fields = Fields(body, strict=rules.strict)
    fields.take("instanceId", uuid, required=True)
    fields.take("name", text(), required=True)
    fields.take("schedule", instant, required=True)
    repeats = ("none", "daily", "weekly", "noe") if rules.accept_noe else ("none", "daily", "weekly")
    fields.take("repeat", one_of(repeats))
    _check_recipients(fields)
    check_content(fields)
    return fields.close()


def _check_recipients(fields: Fields) -> None:
    if not fields.has("recipients"):
        fields.take("recipients", text(), required=True)
        return
    selector = fields.inner("recipients")
    match selector.take("type", one_of(("all", "tags", "explicit", "group")), required=True):
        case "all":
            # The console sends `value: []` here (reference 10.4).
            selector.take("value", lambda given: "does not belong to recipients of type all" if given != [] else None)
        case "tags":
            selector.take("value", list_of(text()), required=True)
        case "explicit":
            selector.take("value", list_of(uuid), required=True)
        case "group":
            selector.take("groupId", uuid, required=True)
        case _:
            selector.ignore(("value", "groupId"))
    selector.report_unknown("does not belong to this type of recipients")


def check_content(fields: Fields, *, body: str = "body", kind_key: str = "type") -> None:
    """
    Check that there is exactly one mode: a template, or direct content (reference 5.1).

    Args:
        fields: of a request that holds content.
        body: what it calls the text: `body` in campaigns, `text` in messages (reference 7).
        kind_key: what its buttons call their kind: `type` in campaigns, `title` in messages (reference 5.5).
    """
    if fields.has("templateId"):
        fields.take("templateId", uuid)
        fields.take("variables", flat_map)
        for name in filter(fields.has, dict.fromkeys((*_CONTENT_FIELDS, body))):
            fields.report(name, "does not go with templateId: give exactly one content mode")
            fields.ignore((name,))
    elif fields.has("type"):
        _check_direct_content(fields, body, kind_key)
    else:
        fields.report("", "has no content: give templateId, or type with its content")
        fields.ignore((*_CONTENT_FIELDS, body, "templateId", "variables"))


def _check_direct_content(fields: Fields, body: str, kind_key: str) -> None:
    kind = fields.take("type", one_of(DIRECT))
    if kind is None:
        fields.ignore((*_CONTENT_FIELDS, body, "variables"))
        return
    required, optional = ([body if name == "body" else name for name in names] for names in DIRECT[str(kind)])
    for name in (*required, *optional):
        if name == "buttons":
            _check_buttons(fields, kind_key)
        else:
            check = text(LONGEST_BODY) if name == body else _CONTENT_CHECKS.get(name, text())
            fields.take(name, check, required=name in required)
    for name in filter(fields.has, ("variables", *_CONTENT_FIELDS)):
        if name not in {"type", *required, *optional} and fields.strict:
            fields.report(name, f"does not go with type {kind}")
        fields.ignore((name,))


def _check_buttons(fields: Fields, usual_key: str) -> None:
    other_key = "title" if usual_key == "type" else "type"
    given = fields.take("buttons", list_of(any_object, longest=_MOST_BUTTONS), required=True)
    accepted = []
    for index, each in enumerate(given if isinstance(given, list) else []):
        button = Fields(each, strict=fields.strict, path=f"buttons[{index}]", findings=fields.findings)
        kind_key = other_key if not fields.strict and button.has(other_key) else usual_key
        kind = button.take(kind_key, one_of(BUTTONS), required=True)
        if kind is not None:
            for name in BUTTONS[str(kind)]:
                button.take(name, text(), required=True)
            button.report_unknown("does not belong to this kind of button")
        accepted.append(button.accepted)
    fields.accepted["buttons"] = accepted


def assess_audience(instance: Instance, contacts: Sequence[Contact]) -> JsonObject:
    """Judge an audience by the instance's limits (reference 5.10): `warn` if it is too large or too cold for it."""
    counts = Counter(contact.temperature for contact in contacts)
    ratios = {each: round(counts[each] / len(contacts), 3) if contacts else 0.0 for each in ("warm", "cold", None)}
    advice = {}
    if len(contacts) > instance.max_campaign_recipients:
        reason = f"{len(contacts)} recipients, {instance.max_campaign_recipients} advised"
        advice[reason] = "Split the campaign into smaller ones"
    if ratios["cold"] > instance.max_cold_ratio:
        reason = f"{ratios['cold']:.1%} of the recipients never wrote, {instance.max_cold_ratio:.1%} advised"
        advice[reason] = "Write to contacts who know you first"
    return {
        "decision": "warn" if advice else "allow",
        "riskLevel": "medium" if advice else "low",
        "score": instance.safety_score,
        "state": instance.safety_state,
        "reasons": list(advice),
        "recommendations": list(advice.values()),
        "appliedLimits": {
            "maxCampaignRecipients": instance.max_campaign_recipients,
            "maxColdRatio": instance.max_cold_ratio,
            "hourlyOutboundCap": instance.hourly_cap,
            "dailyOutboundCap": instance.daily_cap,
        },
        "audience": {
            "totalRecipients": len(contacts),
            "warmCount": counts["warm"],
            "coldCount": counts["cold"],
            "unknownCount": counts[None],
            "blockedCount": 0,
            "warmRatio": ratios["warm"],
            "coldRatio": ratios["cold"],
            "unknownRatio": ratios[None],
        },
    }


def created_campaign_shape(world: World, campaign: Campaign) -> JsonObject:
    """Write the object of reference 5.2, without `stats` and `safety`."""
    payload = campaign.payload
    return {
        "id": campaign.id,
        "userId": world.account.id,
        "instanceId": campaign.instance_id,
        "name": payload["name"],
        "status": campaign.status,
        "templateId": campaign.template_id,
        **dict.fromkeys(("type", "body", "mediaUrl")),
        **{name: payload[name] for name in _CONTENT_FIELDS if name in payload},
        "schedule": format_instant(campaign.schedule),
        "repeat": campaign.repeat,
        "recipients": campaign.recipients,
        "createdAt": format_instant(campaign.created_at),
        "updatedAt": format_instant(campaign.updated_at),
    }


def campaign_shape(world: World, campaign: Campaign) -> JsonObject:
    """Write the object of every other answer: `templateVariables` is `variables`, null if none were given (10.4)."""
    return created_campaign_shape(world, campaign) | {"templateVariables": campaign.variables or None}


def campaign_with_stats(world: World, campaign: Campaign) -> JsonObject:
    """Write the object of reference 5.6: in `stats` the seven counters and the four times."""
    stats = {
        **world.stats_of(campaign).counters,
        "processingStartedAt": format_optional_instant(campaign.processing_started_at),
        "lastEnqueuedAt": format_optional_instant(campaign.last_enqueued_at),
        "completedAt": format_optional_instant(campaign.completed_at),
        "cancelledAt": format_optional_instant(campaign.cancelled_at),
    }
    return campaign_shape(world, campaign) | {"stats": stats}


def create_campaign(world: World, call: ApiCall) -> Response:
    """Add a campaign; the checks run in the order of reference 10.1."""
    world.check_campaigns_feature()
    payload = check_create(call.request.json(), call.rules)
    recipients = payload["recipients"]
    selector = recipients if isinstance(recipients, dict) else {}
    if selector["type"] == "explicit":
        # Unknown contact ids are a fault of the body (reference 10.4).
        unknown = [identity for identity in selector["value"] if identity not in world.contacts]
        if unknown:
            raise invalid([{"path": "recipients.value", "message": f"unknown contact {each}"} for each in unknown])
    instance = look_up(world.instances, str(payload["instanceId"]), "Instance")
    call.key.check_instance(instance.id)
    if "templateId" in payload:
        look_up(world.templates, str(payload["templateId"]), "Template")
    if selector["type"] == "group" and selector["groupId"] not in world.groups:
        raise not_found("Group", assumption="10.4")
    world.check_buttons_feature(payload)
    world.check_outbound_quota()
    campaign = world.create_campaign(payload, read_instant(str(payload["schedule"])))
    shape = created_campaign_shape(world, campaign) | {
        "stats": world.stats_of(campaign).counters,
        "safety": assess_audience(instance, world.audience_of(selector)),
    }
    return success(shape, 201, _assumption_of(world, campaign))


def get_campaign(world: World, call: ApiCall) -> Response:
    """Show one campaign, with its counters and times (5.6)."""
    campaign = _find_campaign(world, call)
    return success(campaign_with_stats(world, campaign), assumption=_assumption_of(world, campaign))


def get_campaign_stats(world: World, call: ApiCall) -> Response:
    """Show the counters, the progress and the timeline (5.7)."""
    campaign = _find_campaign(world, call)
    stats = world.stats_of(campaign)
    started_at = format_optional_instant(campaign.processing_started_at)
    shape = {
        "campaignId": campaign.id,
        "status": campaign.status,
        "stats": {"total": stats.planned, **stats.counters},
        "progressPercent": stats.progress_percent,
        "timeline": {
            "scheduledFor": format_instant(campaign.schedule),
            "processingStartedAt": started_at,
            "lastEnqueuedAt": format_optional_instant(campaign.last_enqueued_at),
            "completedAt": format_optional_instant(campaign.completed_at),
            "cancelledAt": format_optional_instant(campaign.cancelled_at),
            "lastActivityAt": format_optional_instant(stats.last_activity_at),
        },
        "startedAt": started_at,
        "estimatedCompletionAt": None,
    }
    return success(shape, assumption=_assumption_of(world, campaign))


def pause_campaign(world: World, call: ApiCall) -> Response:
    """Pause; the queue is kept (5.8)."""
    campaign = _find_campaign(world, call)
    world.pause(campaign)
    return success(campaign_shape(world, campaign) | {"stats": world.stats_of(campaign).counters})


def resume_campaign(world: World, call: ApiCall) -> Response:
    """Resume; the answer has advice and no counters (5.8). Only a create's advice has limits and audience (5.10)."""
    campaign = _find_campaign(world, call)
    world.resume(campaign)
    world.advance(world.now)
    safety = assess_audience(world.instances[campaign.instance_id], world.audience_of(campaign.recipients))
    del safety["appliedLimits"], safety["audience"]
    shape = campaign_shape(world, campaign) | {"safety": safety}
    return success(shape, assumption="10.3" if campaign.status == "scheduled" else None)


def _find_campaign(world: World, call: ApiCall) -> Campaign:
    return look_up(world.campaigns, call.parameters["id"], "Campaign")


def _assumption_of(world: World, campaign: Campaign) -> str | None:
    """Return the section of the assumption that an answer about this campaign rests on, or None."""
    if campaign.repeat != "none" or campaign.schedule < campaign.created_at:
        return "10.2"
    if campaign.status == "completed" and not campaign.messages:
        return "10.3"
    return "10.3" if world.instances[campaign.instance_id].status != "connected" else None
