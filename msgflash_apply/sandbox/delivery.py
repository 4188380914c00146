"""
From a campaign and a contact to a message: its text and its delivery; and the counters of a campaign's messages.

Pure. The pace and the shares of delivered and read messages are invented, so that counters move plausibly and in the
same way every time. Counters are counted from the messages, so that they always add up:
`planned = queued + sent + failed + cancelled` and `sent >= delivered >= read` (reference 5.7).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from msgflash_apply.sandbox.placeholders import render, values_for
from msgflash_apply.sandbox.values import Account, Campaign, Contact, Instance, Message, Template

PACE = timedelta(seconds=1)
"""Between two messages of one campaign."""

_DELIVERED_AFTER = timedelta(seconds=2)
_READ_AFTER = timedelta(seconds=30)
_NEVER_DELIVERED_EVERY = 20
_NEVER_READ_EVERY = 3


def queue_message(
    account: Account,
    campaign: Campaign,
    instance: Instance,
    template: Template | None,
    contact: Contact,
    *,
    identity: str,
    at: datetime,
) -> Message:
    """Make a queued message to one contact, with its final text and the variables it lacks (reference 4.2)."""
    message = Message(
        id=identity,
        campaign_id=campaign.id,
        contact_id=contact.id,
        instance_id=campaign.instance_id,
        to=contact.phone,
        sender=instance.wa_number,
        type=template.type if template else str(campaign.payload["type"]),
        created_at=at,
    )
    if template is None:
        # Direct content goes out as written, placeholders included (reference 10.4).
        body = campaign.payload.get("body", campaign.payload.get("description"))
        media_url = campaign.payload.get("mediaUrl")
        message.body = None if body is None else str(body)
        message.media_url = None if media_url is None else str(media_url)
    else:
        values = values_for(account, instance=instance, contact=contact, custom=campaign.variables)
        rendered = render(template.body or "", values)
        message.body = rendered.text or None
        message.media_url = template.media_url
        message.missing = list(rendered.missing)
    return message


def send_message(message: Message, position: int, at: datetime) -> None:
    """Hand a message to WhatsApp; `position` in its campaign decides whether and when it is delivered and read."""
    message.sent_at = at
    if position % _NEVER_DELIVERED_EVERY == _NEVER_DELIVERED_EVERY - 1:
        return
    message.delivered_at = at + _DELIVERED_AFTER
    if position % _NEVER_READ_EVERY != _NEVER_READ_EVERY - 1:
        message.read_at = at + _READ_AFTER


def reason_to_fail(message: Message, instance: Instance) -> str | None:
    """Return why a message cannot be sent, or None; a disconnected instance fails its messages (reference 10.3)."""
    if instance.status != "connected":
        return "Instance is not connected"
    if message.missing:
        return f"Missing template variables: {', '.join(message.missing)}"
    return None


@dataclass(frozen=True, slots=True)
class Stats:
    """The seven counters, and when something last happened (None before the start)."""

    planned: int
    queued: int
    sent: int
    delivered: int
    read: int
    failed: int
    cancelled: int
    last_activity_at: datetime | None

    @property
    def counters(self) -> dict[str, object]:
        """The seven counters under the API's names."""
        names = ("planned", "queued", "sent", "delivered", "read", "failed", "cancelled")
        return {name: getattr(self, name) for name in names}

    @property
    def progress_percent(self) -> int:
        """`round((total - queued) / total * 100)`; 0 without messages (reference 5.7)."""
        return round((self.planned - self.queued) / self.planned * 100) if self.planned else 0


def count_stats(messages: Sequence[Message], now: datetime) -> Stats:
    """Count how many messages have reached each status at a moment."""
    reached: Counter[str] = Counter()
    last_activity_at: datetime | None = None
    for message in messages:
        changes = message.changes_until(now)
        reached.update(status for status, _ in changes)
        last_activity_at = max(last_activity_at or changes[-1][1], changes[-1][1])
    over = reached["sent"] + reached["failed"] + reached["cancelled"]
    return Stats(
        planned=len(messages),
        queued=len(messages) - over,
        sent=reached["sent"],
        delivered=reached["delivered"],
        read=reached["read"],
        failed=reached["failed"],
        cancelled=reached["cancelled"],
        last_activity_at=last_activity_at,
    )
