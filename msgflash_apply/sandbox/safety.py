"""The advice that comes with a create and a resume; in V1 it never blocks anything (reference 5.10)."""

from collections import Counter
from collections.abc import Sequence

from msgflash_apply.sandbox.refusal import JsonObject
from msgflash_apply.sandbox.values import Contact, Instance


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
