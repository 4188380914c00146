"""
What MsgFlash answers, as values: tolerant when reading, since examples differ by page and edition (reference 10.5).

Read `RemoteCampaign` first. What is sent needs no model here: it is made from those of the files.
At the end the first step of reading: from the bytes and headers of an answer to JSON, whatever they hold.
"""

import json
import re
from collections.abc import Mapping
from math import isinf

from pydantic import AwareDatetime, BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from msgflash_apply.campaign import Content, JsonObject, Payload, with_plain_ids
from msgflash_apply.models.campaign_file import DIRECT_CONTENT, WIRE_ORDER

NOT_ECHOED = ("title", "description", "footer", "buttons")
"""Fields of a request that answers are not known to return (reference 5.2)."""

ECHOED_AS = {"variables": "templateVariables"}
"""Fields of a request that answers call otherwise (reference 5.6)."""

ONCE = ("none", "noe")
"""How answers say that a campaign does not repeat (reference 5.3); a request says nothing."""

LONGEST_WAIT_SECONDS = 3600

MOST_LEVELS = 50

_HALF = re.compile("[\ud800-\udfff]")

_HALF_ESCAPE = re.compile(rb"\\ud[89a-f]", re.IGNORECASE)


class _Model(BaseModel):
    # Built with the first answer: most plans ask for one or two of these.
    model_config = ConfigDict(
        frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True, defer_build=True
    )


class Instance(_Model):
    """One WhatsApp number of the account (reference 3)."""

    id: str
    name: str = ""
    wa_number: str | None = None
    status: str = ""

    @property
    def is_connected(self) -> bool:
        """Whether it can send now."""
        return self.status == "connected"


class WarmupPolicy(_Model):
    """What MsgFlash advises for a number that is not warmed up yet."""

    max_campaign_recipients: int | None = None


class Health(_Model):
    """How much a number should send (reference 3); advice, it never blocks."""

    warmup_policy: WarmupPolicy = WarmupPolicy()


class Contact(_Model):
    """A contact, as far as it decides who is in an audience."""

    id: str
    tags: tuple[str, ...] = ()


class Template(_Model):
    """A message template (reference 4); `variables` are dotted paths, None where the answer was abridged."""

    id: str
    name: str = ""
    type: str | None = None
    body: str | None = None
    media_url: str | None = None
    variables: tuple[str, ...] | None = None

    @property
    def is_whole(self) -> bool:
        """Whether its words are known: answers of the list may be abridged."""
        return self.variables is not None and self.type is not None and not (self.type == "text" and self.body is None)

    @property
    def content(self) -> Content:
        """What it says, as far as it is known."""
        return Content(self.type, self.body, self.media_url)


class Preview(_Model):
    """A template filled in for one contact (reference 4.2); `rendered` counts only where nothing is missing."""

    rendered: str | None = None
    missing_variables: tuple[str, ...] = ()
    valid: bool = True


class TemplatePage(_Model):
    """One page of templates; `total` counts all of them."""

    templates: tuple[Template, ...] = ()
    total: int = 0


class Group(_Model):
    """A list of contacts (reference 6.2)."""

    id: str
    name: str = ""
    contact_count: int | None = None


class Cursor(_Model):
    """Where a list goes on; `next_cursor` is opaque (reference 2.5)."""

    next_cursor: str | None = None
    has_more: bool = False


class GroupPage(Cursor):
    """One page of groups."""

    groups: tuple[Group, ...] = ()


class ContactPage(Cursor):
    """One page of contacts; `total` counts all of them."""

    contacts: tuple[Contact, ...] = ()
    total: int | None = None


class UsageLimits(_Model):
    """What the subscription allows in a month."""

    monthly_outbound_quota: int | None = None
    monthly_api_request_quota: int | None = None


class UsageCounts(_Model):
    """What was used this month."""

    effective_outbound_usage: int = 0
    api_requests_count: int = 0


class Usage(_Model):
    """The month so far (reference 8); `features` are the plan's, by name."""

    limits: UsageLimits = UsageLimits()
    usage: UsageCounts = UsageCounts()
    features: Mapping[str, object] = {}

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


class Counters(_Model):
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


class CampaignStats(_Model):
    """
    How far a campaign is (reference 5.7).

    `progress_percent` is MsgFlash's own; the counters need not add up (reference 5.7).
    """

    status: str
    stats: Counters = Counters()
    progress_percent: float | None = None


class SentMessage(_Model):
    """Which campaign a message belongs to, and when it was made (reference 7)."""

    campaign_id: str | None = None
    created_at: AwareDatetime | None = None


class MessagePage(Cursor):
    """One page of messages."""

    messages: tuple[SentMessage, ...] = ()


class RemoteCampaign(_Model):
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
    title: object = None
    description: object = None
    footer: object = None
    buttons: object = None
    stats: Counters | None = None
    safety: Mapping[str, object] | None = None

    @property
    def has_sent(self) -> bool:
        """Whether anyone may have been sent anything: yes, unless every counter is there and says no."""
        return self.stats is None or self.stats.is_moving

    def as_payload(self) -> Payload:
        """Spell this campaign as the request that would have made it; see `as_request`."""
        return as_request(self.model_dump(by_alias=True))


def as_request(campaign: JsonObject) -> Payload:
    """
    Spell a campaign of an answer as the request that would have made it, as far as the answer says it.

    The mode is read from `templateId` first, then `type` (reference 5.2): beside a template no direct content counts.
    """
    left_out = DIRECT_CONTENT if campaign.get("templateId") else {"variables"}
    payload = {name: campaign.get(ECHOED_AS.get(name, name)) for name in WIRE_ORDER if name not in left_out}
    if payload["repeat"] in ONCE:
        del payload["repeat"]
    if isinstance(recipients := payload["recipients"], Mapping):
        # Console fixtures show `value: []` beside `type: all` (reference 10.4), and `groupId: null` was seen.
        payload["recipients"] = {name: value for name, value in recipients.items() if value not in (None, [])}
    return with_plain_ids({name: value for name, value in payload.items() if value not in (None, "", {}, [])})


def decoded(content: bytes) -> object:
    """
    Read JSON; None where it is none, or nested deeper than any answer of MsgFlash.

    Half a character, as JavaScript makes by cutting a text, becomes U+FFFD: it could be neither printed nor stored.
    """
    try:
        document: object = json.loads(content, parse_constant=_refuse_constant, parse_float=_finite)
    except (ValueError, RecursionError):
        return None
    if not _is_shallow(document):
        return None
    return _whole(document) if _HALF_ESCAPE.search(content) else document


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    """Read a number; one beyond all bounds would be written as `Infinity`, which is no JSON, into reports."""
    number = float(text)
    if isinf(number):
        raise ValueError(f"{text} is too large")
    return number


def _is_shallow(document: object) -> bool:
    level = [document]
    for _ in range(MOST_LEVELS):
        containers = [value for value in level if isinstance(value, (dict, list))]
        level = [inner for one in containers for inner in (one.values() if isinstance(one, dict) else one)]
        if not level:
            return True
    return False


def _whole(value: object) -> object:
    if isinstance(value, str):
        return _HALF.sub("\ufffd", value)
    if isinstance(value, dict):
        return {_HALF.sub("\ufffd", name): _whole(inner) for name, inner in value.items()}
    return [_whole(inner) for inner in value] if isinstance(value, list) else value


def seconds_in(retry_after: str) -> float | None:
    """Read a `Retry-After`; None where it is no number of seconds, or too many to wait."""
    try:
        seconds = float(retry_after)
    except ValueError:
        return None
    return seconds if 0 <= seconds <= LONGEST_WAIT_SECONDS else None
