"""WhatsApp numbers of the account; v1 only reads them (reference 3)."""

from datetime import timedelta

from msgflash_apply.sandbox.clock import spell
from msgflash_apply.sandbox.exchange import Answer, Call, look_up
from msgflash_apply.sandbox.refusal import JsonObject
from msgflash_apply.sandbox.shapes import instance_shape
from msgflash_apply.sandbox.values import Instance
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
