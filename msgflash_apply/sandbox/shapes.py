"""Answers as the API writes them: one function per object, field names and order after the reference's examples."""

from msgflash_apply.sandbox.clock import spell, spell_optional
from msgflash_apply.sandbox.placeholders import paths_in
from msgflash_apply.sandbox.refusal import JsonObject
from msgflash_apply.sandbox.values import Campaign, Contact, Group, Instance, Message, Template
from msgflash_apply.sandbox.world import World

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


def instance_shape(instance: Instance) -> JsonObject:
    """Write the object of reference 3."""
    return {
        "id": instance.id,
        "name": instance.name,
        "waNumber": instance.wa_number,
        "status": instance.status,
        "webhook": None,
        "meta": None,
        "deletedAt": None,
        "createdAt": spell(instance.created_at),
        "updatedAt": spell(instance.created_at),
    }


def template_shape(template: Template, user_id: str) -> JsonObject:
    """Write the object of reference 4; `variables` are worked out from the body."""
    return {
        "id": template.id,
        "userId": user_id,
        "name": template.name,
        "type": template.type,
        "body": template.body,
        "mediaUrl": template.media_url,
        "variables": paths_in(template.body),
        "createdAt": spell(template.created_at),
        "updatedAt": spell(template.updated_at),
    }


def contact_shape(contact: Contact) -> JsonObject:
    """Write the object of reference 6.1, both editions in one."""
    return {
        "id": contact.id,
        "name": contact.name,
        "phone": contact.phone,
        "tags": contact.tags,
        "temperature": contact.temperature,
        "meta": contact.meta,
        "createdAt": spell(contact.created_at),
        "updatedAt": spell(contact.updated_at),
    }


def group_shape(group: Group) -> JsonObject:
    """Write the object of reference 6.2."""
    return {
        "id": group.id,
        "name": group.name,
        "description": group.description,
        "color": group.color,
        "contactCount": len(group.members),
        "createdAt": spell(group.created_at),
    }


def message_shape(world: World, message: Message) -> JsonObject:
    """Write the object of reference 7, as it stands now."""
    status, changed_at = message.changes_until(world.now)[-1]
    return {
        "id": message.id,
        "userId": world.account.id,
        "instanceId": message.instance_id,
        "contactId": message.contact_id,
        "campaignId": message.campaign_id,
        "direction": "outbound",
        "type": message.type,
        "from": message.sender,
        "to": message.to,
        "body": message.body,
        "mediaUrl": message.media_url,
        "status": status,
        "error": message.error,
        "meta": {"missingVariables": message.missing} if message.missing else None,
        "providerMessageId": f"wamid.{message.id}" if message.sent_at else None,
        "createdAt": spell(message.created_at),
        "updatedAt": spell(changed_at),
    }
