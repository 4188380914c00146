"""The plan, its limits and what is used of them (reference 8); numbers after the newest plan table (2.6)."""

from datetime import timedelta
from typing import Final

from msgflash_apply.sandbox.clock import month_of, spell
from msgflash_apply.sandbox.exchange import Answer, Call
from msgflash_apply.sandbox.refusal import JsonObject
from msgflash_apply.sandbox.world import World

_PLANS: Final = (
    ("free", "Free", 0, (1, 1, 3, 500, 500)),
    ("pro", "Pro", 19, (5, 5, 15, 50_000, 150_000)),
    ("max", "MAX", 39, (20, 10, 50, 150_000, 500_000)),
)
_LIMITS = ("maxInstances", "maxApiKeys", "maxWebhookEndpoints", "monthlyOutboundQuota", "monthlyApiRequestQuota")


def usage(world: World, _call: Call) -> Answer:
    """Show plan, limits, features and use in this UTC month."""
    plan = {"code": "pro", "name": "Pro"}
    limits, features = _limits_of(world), _features_of(world)
    used, period = used_in(world), _period_of(world)
    return Answer({"plan": plan, "limits": limits, "features": features, "usage": used, "period": period})


def subscription(world: World, _call: Call) -> Answer:
    """Show the same with limits and features under the plan."""
    plan = {"code": "pro", "name": "Pro", "limits": _limits_of(world), "features": _features_of(world)}
    scheduled = {"scheduledPlan": None, "scheduledPlanAt": None, "scheduledAction": None}
    return Answer({"subscription": {"plan": plan, **scheduled}, "usage": used_in(world), "period": _period_of(world)})


def plans(world: World, _call: Call) -> Answer:
    """List the plans as a bare array; team keys may see it too."""
    features = _features_of(world) | {"campaigns": True}
    return Answer(
        [
            {
                "code": code,
                "name": name,
                "priceEur": price,
                "limits": dict(zip(_LIMITS, limits, strict=True)),
                "features": features,
            }
            for code, name, price, limits in _PLANS
        ]
    )


def _limits_of(world: World) -> JsonObject:
    account = world.account
    values = (5, 5, 15, account.monthly_outbound, account.monthly_api_requests)
    return dict(zip(_LIMITS, values, strict=True))


def _features_of(world: World) -> JsonObject:
    return {
        "campaigns": world.account.campaigns,
        "statuses": False,
        "voiceNotes": True,
        "webhooks": True,
        "numberLookups": True,
    }


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


def _period_of(world: World) -> JsonObject:
    start = world.now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    next_start = (start + timedelta(days=32)).replace(day=1)
    return {"start": spell(start), "end": spell(next_start - timedelta(milliseconds=1))}
