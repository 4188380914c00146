"""The plan, its limits and what is used of them (reference 8); numbers after the newest plan table (2.6)."""

from datetime import timedelta

from msgflash_apply.sandbox.clock import month_of, spell
from msgflash_apply.sandbox.exchange import Answer, Call
from msgflash_apply.sandbox.refusal import JsonObject
from msgflash_apply.sandbox.world import World


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
