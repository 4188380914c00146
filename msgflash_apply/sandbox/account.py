"""
What the account holds and clients only read: instances (reference 3), contacts and groups (6), messages (7), usage (8).

Field names and order are after the reference's examples.
"""

from datetime import timedelta

from msgflash_apply.sandbox.access import Call
from msgflash_apply.sandbox.clock import month_of, spell
from msgflash_apply.sandbox.exchange import Answer, JsonObject, invalid, look_up
from msgflash_apply.sandbox.validation import one_of, paginate, read_search
from msgflash_apply.sandbox.values import Contact, Group, Instance, Message
from msgflash_apply.sandbox.world import World

_PROVIDER_STATES = {"connected": "open", "connecting": "connecting"}


def list_instances(world: World, _call: Call) -> Answer:
    """List the instances as a bare array."""
    return Answer([instance_shape(instance) for instance in world.instances.values()])


def get_instance(world: World, call: Call) -> Answer:
    """Show one instance."""
    return Answer(instance_shape(_find_instance(world, call)))


def get_instance_state(world: World, call: Call) -> Answer:
    """Show how the connection stands; `open` is the only provider state ever shown, the others are assumed."""
    instance = _find_instance(world, call)
    provider_state = _PROVIDER_STATES.get(instance.status, "close")
    shape = {"instanceId": instance.id, "status": instance.status, "providerState": provider_state}
    return Answer(shape, assumption=None if provider_state == "open" else "10.3")


def get_instance_health(world: World, call: Call) -> Answer:
    """Show the warm-up guidance; `usageWindowSummary` counts what campaigns sent."""
    instance = _find_instance(world, call)
    return Answer(
        {
            "instanceId": instance.id,
            "safetyState": instance.safety_state,
            "safetyScore": instance.safety_score,
            "firstConnectedAt": spell(instance.created_at),
            "warmupPolicy": _policy_of(world, instance),
            "usageWindowSummary": _usage_of(world, instance),
            "recommendations": _recommendations_for(instance),
        }
    )


def _find_instance(world: World, call: Call) -> Instance:
    instance = look_up(world.instances, call.parameters["id"], "Instance")
    call.key.check_instance(instance.id)
    return instance


def _policy_of(world: World, instance: Instance) -> JsonObject:
    return {
        "state": instance.safety_state,
        "instanceAgeDays": round((world.now - instance.created_at) / timedelta(days=1), 1),
        "hourlyOutboundCap": instance.hourly_cap,
        "dailyOutboundCap": instance.daily_cap,
        "hourlyUniqueRecipientsCap": instance.hourly_cap,
        "dailyUniqueRecipientsCap": instance.daily_cap,
        "maxCampaignRecipients": instance.max_campaign_recipients,
        "maxColdRatio": instance.max_cold_ratio,
    }


def _usage_of(world: World, instance: Instance) -> JsonObject:
    summary: JsonObject = {}
    for name, hours in (("1h", 1), ("24h", 24)):
        since = world.now - timedelta(hours=hours)
        recipients = [
            message.contact_id
            for message in world.messages.values()
            if message.instance_id == instance.id and message.sent_at is not None and message.sent_at > since
        ]
        summary[f"outbound{name}"] = len(recipients)
        summary[f"uniqueRecipients{name}"] = len(set(recipients))
    return summary | {"inboundReplies24h": 0, "inboundReplies7d": 0}


def _recommendations_for(instance: Instance) -> list[str]:
    return [] if instance.safety_state == "stable" else ["Send less for a while, and to people who answer"]


_SORTS = ("createdAt_desc", "name_asc")


def list_contacts(world: World, call: Call) -> Answer:
    """List with `search`, `sort`, `limit` and `cursor`; there is no filter by tag."""
    query = call.request.query
    sort = query.get("sort", _SORTS[0])
    if one_of(_SORTS)(sort):
        raise invalid([{"path": "sort", "message": f"must be one of {', '.join(_SORTS)}"}])
    search = read_search(query)
    found = [contact for contact in world.contacts.values() if contact.matches(search)]
    by_name = sort == "name_asc"
    page = paginate(found, query, _name_key if by_name else _age_key, is_descending=not by_name)
    shapes = [contact_shape(contact) for contact in page.items]
    return Answer({"contacts": shapes, "total": len(found), "limit": page.limit, "sort": sort, **page.position})


def get_contact(world: World, call: Call) -> Answer:
    """Show one contact."""
    return Answer(contact_shape(_find_contact(world, call)))


def list_groups_of_contact(world: World, call: Call) -> Answer:
    """List the groups a contact is in."""
    contact = _find_contact(world, call)
    groups = [group for group in world.groups.values() if contact.id in group.members]
    return Answer({"groups": [{"id": group.id, "name": group.name, "color": group.color} for group in groups]})


def _find_contact(world: World, call: Call) -> Contact:
    return look_up(world.contacts, call.parameters["id"], "Contact")


def _age_key(contact: Contact) -> tuple[str, str]:
    return spell(contact.created_at), contact.id


def _name_key(contact: Contact) -> tuple[str, str]:
    return contact.name.casefold(), contact.id


def list_groups(world: World, call: Call) -> Answer:
    """List with `search` (name or description), `limit` and `cursor`."""
    search = read_search(call.request.query)
    found = [
        g for g in world.groups.values() if search in g.name.casefold() or search in (g.description or "").casefold()
    ]
    page = paginate(found, call.request.query, lambda group: (spell(group.created_at), group.id), is_descending=True)
    shapes = [group_shape(group) for group in page.items]
    return Answer({"groups": shapes, "total": len(found), "limit": page.limit, **page.position})


def get_group(world: World, call: Call) -> Answer:
    """Show one group."""
    return Answer(group_shape(_find_group(world, call)))


def list_group_members(world: World, call: Call) -> Answer:
    """List the members, the first added first, under `contacts` as the reference page and the console have it."""
    group = _find_group(world, call)
    search = read_search(call.request.query)
    found = [contact for contact in map(world.contacts.__getitem__, group.members) if contact.matches(search)]

    def key(contact: Contact) -> tuple[str, str]:
        return spell(group.members[contact.id]), contact.id

    page = paginate(found, call.request.query, key)
    shapes = [contact_shape(contact) | {"addedAt": spell(group.members[contact.id])} for contact in page.items]
    return Answer({"contacts": shapes, "total": len(found), "limit": page.limit, **page.position})


def _find_group(world: World, call: Call) -> Group:
    return look_up(world.groups, call.parameters["groupId"], "Group")


def list_messages(world: World, call: Call) -> Answer:
    """List the newest first, filtered by `instanceId` and `status`."""
    query = call.request.query
    instance_id, status = query.get("instanceId"), query.get("status")
    found = [
        message
        for message in world.messages.values()
        if instance_id in {None, message.instance_id} and status in {None, message.status_at(world.now)}
    ]
    page = paginate(found, query, _message_key, is_descending=True)
    return Answer({"messages": [message_shape(world, message) for message in page.items], **page.position})


def get_message(world: World, call: Call) -> Answer:
    """Show one message."""
    return Answer(message_shape(world, look_up(world.messages, call.parameters["id"], "Message")))


def _message_key(message: Message) -> tuple[str, str]:
    return spell(message.created_at), message.id


def get_usage(world: World, _call: Call) -> Answer:
    """Show plan, limits, features and use in this UTC month."""
    start = world.now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    next_start = (start + timedelta(days=32)).replace(day=1)
    return Answer(
        {
            "plan": {"code": "pro", "name": "Pro"},
            "limits": {
                "maxInstances": 5,
                "maxApiKeys": 5,
                "maxWebhookEndpoints": 15,
                "monthlyOutboundQuota": world.account.monthly_outbound,
                "monthlyApiRequestQuota": world.account.monthly_api_requests,
            },
            "features": {
                "campaigns": world.account.campaigns,
                "statuses": False,
                "voiceNotes": True,
                "webhooks": True,
                "numberLookups": True,
            },
            "usage": used_in(world),
            "period": {"start": spell(start), "end": spell(next_start - timedelta(milliseconds=1))},
        }
    )


def used_in(world: World) -> JsonObject:
    """Count what is used in this UTC month."""
    month = month_of(world.now)
    return {
        "messagesCount": world.outbound[month],
        "statusesCount": 0,
        "effectiveOutboundUsage": world.outbound[month],
        "apiRequestsCount": world.api_requests[month],
        "activeInstancesCount": sum(i.status == "connected" for i in world.instances.values()),
        "activeApiKeysCount": 1,
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
