"""
The endpoints that only read: instances (reference 3), contacts and groups (6), usage (8).

Field names and their order follow the reference's examples.
"""

from datetime import timedelta

from msgflash_apply.sandbox.access import ApiCall
from msgflash_apply.sandbox.clock import format_instant, month_of
from msgflash_apply.sandbox.exchange import JsonObject, Response, invalid_field, look_up, success
from msgflash_apply.sandbox.validation import one_of, paginate, read_search
from msgflash_apply.sandbox.values import Contact, Group, Instance
from msgflash_apply.sandbox.world import World

_CONTACT_SORTS = ("createdAt_desc", "name_asc")
_PROVIDER_STATES = {"connected": "open", "connecting": "connecting"}


def list_instances(world: World, _call: ApiCall) -> Response:
    """List the instances as a bare array."""
    return success([instance_shape(instance) for instance in world.instances.values()])


def get_instance(world: World, call: ApiCall) -> Response:
    """Show one instance."""
    return success(instance_shape(_find_instance(world, call)))


def get_instance_state(world: World, call: ApiCall) -> Response:
    """Show the connection; `open` is the only documented provider state, the others are assumed."""
    instance = _find_instance(world, call)
    provider_state = _PROVIDER_STATES.get(instance.status, "close")
    shape = {"instanceId": instance.id, "status": instance.status, "providerState": provider_state}
    return success(shape, assumption=None if provider_state == "open" else "10.3")


def get_instance_health(world: World, call: ApiCall) -> Response:
    """Show the warm-up guidance; `usageWindowSummary` counts what was sent."""
    instance = _find_instance(world, call)
    usage: JsonObject = {}
    for name, hours in (("1h", 1), ("24h", 24)):
        since = world.now - timedelta(hours=hours)
        recipients = [
            message.to
            for message in world.messages.values()
            if message.instance_id == instance.id and message.sent_at is not None and message.sent_at > since
        ]
        usage[f"outbound{name}"] = len(recipients)
        usage[f"uniqueRecipients{name}"] = len(set(recipients))
    is_stable = instance.safety_state == "stable"
    return success(
        {
            "instanceId": instance.id,
            "safetyState": instance.safety_state,
            "safetyScore": instance.safety_score,
            "firstConnectedAt": format_instant(instance.created_at),
            "warmupPolicy": {
                "state": instance.safety_state,
                "instanceAgeDays": round((world.now - instance.created_at) / timedelta(days=1), 1),
                "hourlyOutboundCap": instance.hourly_cap,
                "dailyOutboundCap": instance.daily_cap,
                "hourlyUniqueRecipientsCap": instance.hourly_cap,
                "dailyUniqueRecipientsCap": instance.daily_cap,
                "maxCampaignRecipients": instance.max_campaign_recipients,
                "maxColdRatio": instance.max_cold_ratio,
            },
            "usageWindowSummary": usage | {"inboundReplies24h": 0, "inboundReplies7d": 0},
            "recommendations": [] if is_stable else ["Send less for a while, and to people who answer"],
        }
    )


def _find_instance(world: World, call: ApiCall) -> Instance:
    instance = look_up(world.instances, call.parameters["id"], "Instance")
    call.key.check_instance(instance.id)
    return instance


def list_contacts(world: World, call: ApiCall) -> Response:
    """List with `search`, `sort`, `limit` and `cursor`; there is no filter by tag."""
    query = call.request.query
    sort = query.get("sort", _CONTACT_SORTS[0])
    if wrong := one_of(_CONTACT_SORTS)(sort):
        raise invalid_field("sort", wrong)
    search = read_search(query)
    found = [contact for contact in world.contacts.values() if contact.matches(search)]
    by_name = sort == "name_asc"

    def key(contact: Contact) -> tuple[str, str]:
        return contact.name.casefold() if by_name else format_instant(contact.created_at), contact.id

    page = paginate(found, query, key, is_descending=not by_name)
    shapes = [contact_shape(contact) for contact in page.items]
    return success({"contacts": shapes, "total": len(found), "limit": page.limit, "sort": sort, **page.position})


def get_contact(world: World, call: ApiCall) -> Response:
    """Show one contact."""
    return success(contact_shape(look_up(world.contacts, call.parameters["id"], "Contact")))


def list_groups_of_contact(world: World, call: ApiCall) -> Response:
    """List the groups a contact is in."""
    contact = look_up(world.contacts, call.parameters["id"], "Contact")
    groups = [group for group in world.groups.values() if contact.id in group.members]
    return success({"groups": [{"id": group.id, "name": group.name, "color": group.color} for group in groups]})


def list_groups(world: World, call: ApiCall) -> Response:
    """List with `search` (name or description), `limit` and `cursor`."""
    query = call.request.query
    search = read_search(query)
    found = [
        g for g in world.groups.values() if search in g.name.casefold() or search in (g.description or "").casefold()
    ]
    page = paginate(found, query, lambda group: (format_instant(group.created_at), group.id), is_descending=True)
    shapes = [group_shape(group) for group in page.items]
    return success({"groups": shapes, "total": len(found), "limit": page.limit, **page.position})


def get_group(world: World, call: ApiCall) -> Response:
    """Show one group."""
    return success(group_shape(look_up(world.groups, call.parameters["groupId"], "Group")))


def list_group_members(world: World, call: ApiCall) -> Response:
    """List the members in order of joining, under `contacts` as on the reference page and in the console."""
    group = look_up(world.groups, call.parameters["groupId"], "Group")
    search = read_search(call.request.query)
    found = [contact for contact in map(world.contacts.__getitem__, group.members) if contact.matches(search)]

    def key(contact: Contact) -> tuple[str, str]:
        return format_instant(group.members[contact.id]), contact.id

    page = paginate(found, call.request.query, key)
    shapes = [contact_shape(contact) | {"addedAt": format_instant(group.members[contact.id])} for contact in page.items]
    return success({"contacts": shapes, "total": len(found), "limit": page.limit, **page.position})


def get_usage(world: World, _call: ApiCall) -> Response:
    """Show plan, limits, features and usage of this UTC month."""
    start = world.now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    next_start = (start + timedelta(days=32)).replace(day=1)
    return success(
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
            "usage": usage_this_month(world),
            "period": {"start": format_instant(start), "end": format_instant(next_start - timedelta(milliseconds=1))},
        }
    )


def usage_this_month(world: World) -> JsonObject:
    """Return the `usage` of this UTC month."""
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
        "createdAt": format_instant(instance.created_at),
        "updatedAt": format_instant(instance.created_at),
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
        "createdAt": format_instant(contact.created_at),
        "updatedAt": format_instant(contact.updated_at),
    }


def group_shape(group: Group) -> JsonObject:
    """Write the object of reference 6.2."""
    return {
        "id": group.id,
        "name": group.name,
        "description": group.description,
        "color": group.color,
        "contactCount": len(group.members),
        "createdAt": format_instant(group.created_at),
    }
