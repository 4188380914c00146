"""
What the account holds: plain data, named as in the API.

Every `*_at` is an aware UTC datetime. Sources: reference 3 (instances), 4 (templates), 5 (campaigns), 6 (contacts,
groups), 7 (messages), 8 (plan and quotas).
"""

from dataclasses import dataclass, field
from datetime import datetime

from msgflash_apply.sandbox.exchange import JsonObject


@dataclass(slots=True)
class Account:
    """The owner, and the plan with its features and quotas."""

    id: str
    full_name: str
    email: str
    phone: str
    campaigns: bool = True
    whatsapp_business: bool = True
    monthly_outbound: int = 50_000
    monthly_api_requests: int = 150_000


@dataclass(slots=True)
class Instance:
    """One WhatsApp number, with the limits of its warm-up (reference 3)."""

    id: str
    name: str
    wa_number: str | None
    status: str
    created_at: datetime
    safety_state: str = "stable"
    safety_score: int = 92
    max_campaign_recipients: int = 1000
    max_cold_ratio: float = 0.4
    hourly_cap: int = 500
    daily_cap: int = 5000


@dataclass(slots=True)
class Template:
    """A stored text; its `variables` are always computed from `body`, never stored (reference 4.1)."""

    id: str
    name: str
    type: str
    body: str | None
    media_url: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(slots=True)
class Contact:
    """A recipient; `temperature` is `warm`, `cold` or None, and matters only to the safety advice."""

    id: str
    name: str
    phone: str
    created_at: datetime
    updated_at: datetime
    tags: list[str] = field(default_factory=list)
    meta: JsonObject = field(default_factory=dict)
    temperature: str | None = None

    def matches(self, search: str) -> bool:
        """Say whether name or phone contains a search, which is case-folded; an empty search is in all."""
        return search in self.name.casefold() or search in self.phone


@dataclass(slots=True)
class Group:
    """A list of contacts; `members` maps a contact's id to when it was added."""

    id: str
    name: str
    created_at: datetime
    description: str | None = None
    color: str | None = None
    members: dict[str, datetime] = field(default_factory=dict)


@dataclass(slots=True)
class Message:
    """
    One message: of a campaign to one contact, or a single one to any number.

    The times of delivery and reading are fixed when it is sent and may be in the future, so its status depends on the
    moment: see `status_at`.
    """

    id: str
    campaign_id: str | None
    contact_id: str | None
    instance_id: str
    to: str
    sender: str | None
    type: str
    created_at: datetime
    body: str | None = None
    media_url: str | None = None
    sent_at: datetime | None = None
    delivered_at: datetime | None = None
    read_at: datetime | None = None
    failed_at: datetime | None = None
    cancelled_at: datetime | None = None
    error: str | None = None
    missing: list[str] = field(default_factory=list)

    def changes_until(self, now: datetime) -> list[tuple[str, datetime]]:
        """List the statuses it has had, each with its time, in order (reference 7)."""
        steps = (
            ("queued", self.created_at),
            ("sent", self.sent_at),
            ("delivered", self.delivered_at),
            ("read", self.read_at),
            ("failed", self.failed_at),
            ("cancelled", self.cancelled_at),
        )
        return [(status, at) for status, at in steps if at is not None and at <= now]

    def status_at(self, now: datetime) -> str:
        """Return its status at a moment, which is not before its creation."""
        return self.changes_until(now)[-1][0]


@dataclass(slots=True)
class Campaign:
    """
    One campaign and its progress.

    Attributes:
        payload: the create body as accepted; the content and the recipients are read from it.
        is_started: whether its present run has started; the start fixes the audience (reference 10.3).
        messages: ids of its messages of all runs, in the order they go out.
        handed_out: how many of them have left the queue.
        next_at: when its next step is due; None while it is paused or over.
    """

    id: str
    payload: JsonObject
    status: str
    schedule: datetime
    created_at: datetime
    updated_at: datetime
    next_at: datetime | None = None
    is_started: bool = False
    messages: list[str] = field(default_factory=list)
    handed_out: int = 0
    processing_started_at: datetime | None = None
    last_enqueued_at: datetime | None = None
    completed_at: datetime | None = None
    cancelled_at: datetime | None = None

    @property
    def instance_id(self) -> str:
        """The instance it goes out on."""
        return str(self.payload["instanceId"])

    @property
    def template_id(self) -> str | None:
        """The template, or None in direct mode."""
        given = self.payload.get("templateId")
        return None if given is None else str(given)

    @property
    def variables(self) -> JsonObject:
        """The `custom.*` values it gives to its template."""
        given = self.payload.get("variables")
        return given if isinstance(given, dict) else {}

    @property
    def recipients(self) -> JsonObject:
        """The selector (reference 5.4)."""
        given = self.payload["recipients"]
        return given if isinstance(given, dict) else {}

    @property
    def repeat(self) -> str:
        """`none`, `daily` or `weekly`; `noe` reads as `none` (reference 5.3)."""
        given = str(self.payload.get("repeat", "none"))
        return given if given in {"daily", "weekly"} else "none"
