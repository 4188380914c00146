"""
What MsgFlash answers, as values: tolerant when reading, since examples differ by page and edition (reference 10.5).

What is sent needs no model: a payload is checked against the schema before it becomes one.
"""

from collections.abc import Mapping

from pydantic import AwareDatetime, BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from msgflash_apply.campaign import Payload, format_instant, parse_instant

CONTENT_FIELDS = ("type", "body", "mediaUrl", "title", "description", "footer", "buttons")


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True)


class Instance(_Answer):
    """One WhatsApp number of the account (reference 3)."""

    id: str
    name: str = ""
    wa_number: str | None = None
    status: str = ""

    @property
    def is_connected(self) -> bool:
        """Whether it can send now."""
        return self.status == "connected"


class WarmupPolicy(_Answer):
    """What MsgFlash advises for a number that is not warmed up yet."""

    max_campaign_recipients: int | None = None


class Health(_Answer):
    """How much a number should send (reference 3); advice, it never blocks."""

    warmup_policy: WarmupPolicy = WarmupPolicy()


class Contact(_Answer):
    """A contact, as far as it decides who is in an audience."""

    id: str
    tags: tuple[str, ...] = ()


class Template(_Answer):
    """A message template (reference 4); `variables` are dotted paths, None where the answer was abridged."""

    id: str
    name: str = ""
    type: str | None = None
    body: str | None = None
    variables: tuple[str, ...] | None = None


class TemplatePage(_Answer):
    """One page of templates; `total` counts all of them."""

    templates: tuple[Template, ...] = ()
    total: int = 0


class Group(_Answer):
    """A list of contacts (reference 6.2)."""

    id: str
    name: str = ""
    contact_count: int | None = None


class ContactPage(_Answer):
    """One page of contacts; `total` counts all of them, `next_cursor` is opaque."""

    contacts: tuple[Contact, ...] = ()
    total: int | None = None
    next_cursor: str | None = None
    has_more: bool = False


class UsageLimits(_Answer):
    """What the subscription allows in a month."""

    monthly_outbound_quota: int | None = None
    monthly_api_request_quota: int | None = None


class UsageCounts(_Answer):
    """What was used this month."""

    effective_outbound_usage: int = 0
    api_requests_count: int = 0


class Usage(_Answer):
    """The month so far (reference 8)."""

    limits: UsageLimits = UsageLimits()
    usage: UsageCounts = UsageCounts()

    @property
    def requests_left(self) -> int | None:
        """API requests left this month; None where no limit is given."""
        quota = self.limits.monthly_api_request_quota
        return None if quota is None else max(0, quota - self.usage.api_requests_count)

    @property
    def messages_left(self) -> int | None:
        """Messages left this month; None where no limit is given."""
        quota = self.limits.monthly_outbound_quota
        return None if quota is None else max(0, quota - self.usage.effective_outbound_usage)


class Counters(_Answer):
    """How far the sending is (reference 5.7)."""

    planned: int = 0
    queued: int = 0
    sent: int = 0
    delivered: int = 0
    read: int = 0
    failed: int = 0
    cancelled: int = 0

    @property
    def is_moving(self) -> bool:
        """Whether the sending began: before the start all are zero (reference 10.3)."""
        return any((self.planned, self.queued, self.sent, self.delivered, self.read, self.failed, self.cancelled))


class CampaignStats(_Answer):
    """
    How far a campaign is (reference 5.7).

    `progress_percent` is MsgFlash's own; the counters need not add up (reference 5.7).
    """

    status: str
    stats: Counters = Counters()
    progress_percent: float | None = None


class Message(_Answer):
    """What a message tells of its campaign (reference 7)."""

    campaign_id: str | None = None
    created_at: AwareDatetime | None = None


class MessagePage(_Answer):
    """One page of messages; `next_cursor` is opaque."""

    messages: tuple[Message, ...] = ()
    next_cursor: str | None = None
    has_more: bool = False


class RemoteCampaign(_Answer):
    """
    A campaign as MsgFlash has it (reference 5.6).

    `status` stays text, because an unknown one must not break reading (reference 10.3). `safety` is advice.
    """

    id: str
    status: str
    instance_id: str | None = None
    name: str | None = None
    schedule: str | None = None
    repeat: str | None = None
    recipients: Mapping[str, object] | None = None
    template_id: str | None = None
    template_variables: Mapping[str, object] | None = None
    type: str | None = None
    body: str | None = None
    media_url: str | None = None
    stats: Counters | None = None
    safety: Mapping[str, object] | None = None

    @property
    def has_sent(self) -> bool:
        """Whether anybody may have been sent anything: so it is unless every counter is there and says no."""
        return self.stats is None or self.stats.is_moving

    def as_payload(self, like: Payload) -> Payload:
        """
        Spell this campaign as the request that would have made it, so that the two can be compared by meaning.

        Args:
            like: the request to compare with. Fields that answers are not known to echo (`title`, `description`,
                `footer`, `buttons`; reference 5.2) are taken over from it; so is the start of a repeating campaign
                that has moved on, as each run moves it (reference 10.2).
        """
        direct = self.template_id is None
        told: dict[str, object] = {
            "instanceId": self.instance_id,
            "name": self.name,
            "schedule": _instant(self.schedule) if self.schedule else None,
            "repeat": None if self.repeat in {"none", "noe"} else self.repeat,
            "recipients": None if self.recipients is None else _recipients(self.recipients),
            "templateId": self.template_id,
            "variables": None if direct else dict(self.template_variables or {}) or None,
            "type": self.type if direct else None,
            "body": self.body if direct else None,
            "mediaUrl": self.media_url if direct else None,
        }
        if "repeat" in like and str(told["schedule"]) > str(like["schedule"]):
            told["schedule"] = like["schedule"]
        unechoed = {key: like[key] for key in CONTENT_FIELDS[3:] if key in like}
        return {key: value for key, value in told.items() if value is not None} | unechoed


def _instant(text: str) -> str:
    """Spell an instant our way; what is none stays as it is and matches nothing."""
    try:
        return format_instant(parse_instant(text))
    except ValueError:
        return text


def _recipients(recipients: Mapping[str, object]) -> Mapping[str, object]:
    # Console fixtures show `value: []` beside `type: all` (reference 10.4); it means nothing.
    return {"type": "all"} if recipients.get("type") == "all" else dict(recipients)
