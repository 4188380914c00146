"""
One account, what it holds, and its campaigns as time passes.

No I/O and no clock of its own: time comes in through `advance`, ids through `new_id`. Not thread-safe: callers hold the
service's lock. The life of a campaign is reference 5.8 and 5.9; what had to be invented is 10.2 and 10.3.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import heappop, heappush

from msgflash_apply.sandbox.clock import month_of
from msgflash_apply.sandbox.delivery import PACE, Stats, count_stats, queue_message, reason_to_fail, send_message
from msgflash_apply.sandbox.exchange import JsonObject, RefusedError, bad_request
from msgflash_apply.sandbox.values import Account, Campaign, Contact, Group, Instance, Message, Template

PAUSED = frozenset({"paused", "paused_quota", "paused_plan"})
OVER = frozenset({"completed", "cancelled", "failed"})
_REPEATS = {"daily": timedelta(days=1), "weekly": timedelta(days=7)}


@dataclass
class World:
    """
    Everything that the server knows, by id.

    Attributes:
        now: the time up to which everything due has happened; only `advance` moves it.
        api_requests: requests by month, refused ones included (reference 10.5).
        outbound: messages sent, by month.
    """

    account: Account
    now: datetime
    new_id: Callable[[], str]
    instances: dict[str, Instance] = field(default_factory=dict)
    templates: dict[str, Template] = field(default_factory=dict)
    contacts: dict[str, Contact] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    campaigns: dict[str, Campaign] = field(default_factory=dict)
    messages: dict[str, Message] = field(default_factory=dict)
    api_requests: Counter[str] = field(default_factory=Counter)
    outbound: Counter[str] = field(default_factory=Counter)
    _agenda: list[tuple[datetime, str]] = field(default_factory=list, init=False, repr=False)

    def __post_init__(self) -> None:
        for campaign in self.campaigns.values():
            self._plan_step(campaign, campaign.next_at)

    def advance(self, now: datetime) -> None:
        """Let everything happen that is due until `now`, in order of time; an earlier `now` changes nothing."""
        while self._agenda and self._agenda[0][0] <= now:
            at, identity = heappop(self._agenda)
            campaign = self.campaigns.get(identity)
            if campaign is not None and campaign.next_at == at:
                self.now = max(self.now, at)
                if not self.account.campaigns:
                    self._set_status(campaign, "paused_plan")
                elif campaign.is_started:
                    self._hand_out(campaign)
                else:
                    self._start(campaign)
        self.now = max(self.now, now)

    def create_campaign(self, payload: JsonObject, schedule: datetime) -> Campaign:
        """Add a scheduled campaign. Creating is not idempotent: equal payloads make two (reference 10.1)."""
        campaign = Campaign(self.new_id(), payload, "scheduled", schedule, self.now, self.now)
        self.campaigns[campaign.id] = campaign
        self._plan_step(campaign, max(schedule, self.now))
        return campaign

    def pause(self, campaign: Campaign) -> None:
        """Stop sending and keep the queue; 400 unless scheduled or running (reference 5.8)."""
        if campaign.status not in {"scheduled", "running"}:
            raise bad_request(f"Cannot pause a campaign with status {campaign.status}")
        self._set_status(campaign, "paused")

    def resume(self, campaign: Campaign) -> None:
        """Continue where it stopped; 400 unless paused, 403 or 429 while the cause lasts (reference 10.3)."""
        if campaign.status not in PAUSED:
            raise bad_request(f"Cannot resume a campaign with status {campaign.status}")
        self.check_campaigns_feature()
        if campaign.status == "paused_quota":
            self.check_outbound_quota()
        is_ahead = not campaign.is_started and campaign.schedule > self.now
        if is_ahead:
            self._set_status(campaign, "scheduled", next_at=campaign.schedule)
        else:
            self._set_status(campaign, "running", next_at=self.now)

    def cancel(self, campaign: Campaign) -> None:
        """Cancel a campaign as the console does: queued messages become cancelled (reference 5.9)."""
        if campaign.status in OVER:
            raise bad_request(f"Cannot cancel a campaign with status {campaign.status}")
        for message in self.queue_of(campaign):
            message.cancelled_at = self.now
            message.error = "Campaign cancelled"
        campaign.handed_out = len(campaign.messages)
        campaign.cancelled_at = self.now
        self._set_status(campaign, "cancelled")

    def fail(self, campaign: Campaign) -> None:
        """Fail a campaign, and its queued messages with it."""
        for message in self.queue_of(campaign):
            message.failed_at = self.now
            message.error = "Campaign failed"
        campaign.handed_out = len(campaign.messages)
        self._set_status(campaign, "failed")

    def delete(self, campaign: Campaign) -> None:
        """Delete a campaign as the console does, whatever its status; its messages stay."""
        del self.campaigns[campaign.id]

    def send_single(self, message: Message) -> None:
        """Add a message that is no campaign's; it leaves soon, or fails where its instance is not connected then."""
        self.messages[message.id] = message
        message.error = reason_to_fail(message, self.instances[message.instance_id])
        if message.error is not None:
            message.failed_at = self.now + PACE
        else:
            send_message(message, 0, self.now + PACE)
            message.read_at = None
            self.outbound[month_of(self.now)] += 1

    def stats_of(self, campaign: Campaign) -> Stats:
        """Count the messages of all its runs, now."""
        return count_stats([self.messages[identity] for identity in campaign.messages], self.now)

    def queue_of(self, campaign: Campaign) -> list[Message]:
        """List its messages that are not sent yet, in the order of sending."""
        return [self.messages[identity] for identity in campaign.messages[campaign.handed_out :]]

    def audience_of(self, recipients: JsonObject) -> list[Contact]:
        """
        Return the contacts that a selector selects now, each once; unknown ids are left out.

        Several tags mean any of them, compared exactly (reference 10.4).
        """
        value = recipients.get("value")
        wanted = [str(item) for item in value] if isinstance(value, list) else []
        match recipients.get("type"):
            case "all":
                return list(self.contacts.values())
            case "tags":
                return [c for c in self.contacts.values() if set(wanted).intersection(c.tags)]
            case "group":
                group = self.groups.get(str(recipients["groupId"]))
                wanted = [] if group is None else list(group.members)
            case _:
                pass
        return [self.contacts[identity] for identity in dict.fromkeys(wanted) if identity in self.contacts]

    def check_campaigns_feature(self) -> None:
        """Raise 403 if the plan has no campaigns."""
        if not self.account.campaigns:
            raise RefusedError(403, "CAMPAIGNS_NOT_AVAILABLE_ON_PLAN", "Campaigns are not available on your plan")

    def check_buttons_feature(self, content: JsonObject) -> None:
        """Raise 403 for buttons where the account is not one of WhatsApp Business (reference 5.5)."""
        if content.get("type") == "buttons" and not self.account.whatsapp_business:
            raise RefusedError(403, "UNSUPPORTED_FEATURE", "Buttons need a WhatsApp Business account")

    def check_outbound_quota(self) -> None:
        """Raise 429 once this month's messages are used up."""
        if self._is_outbound_used_up():
            raise RefusedError(429, "MONTHLY_OUTBOUND_QUOTA_EXCEEDED", "Monthly outbound quota exceeded")

    def count_request(self) -> None:
        """Count one API request in this month, refused ones too (reference 10.5)."""
        self.api_requests[month_of(self.now)] += 1

    def check_request_quota(self) -> None:
        """Raise 429 once more requests were counted than the month's quota (reference 2.6)."""
        if self.api_requests[month_of(self.now)] > self.account.monthly_api_requests:
            code = "MONTHLY_API_REQUEST_QUOTA_EXCEEDED"
            raise RefusedError(429, code, "Monthly API request quota exceeded", assumption="10.5")

    def _is_outbound_used_up(self) -> bool:
        return self.outbound[month_of(self.now)] >= self.account.monthly_outbound

    def _start(self, campaign: Campaign) -> None:
        template = None if campaign.template_id is None else self.templates.get(campaign.template_id)
        if campaign.template_id is not None and template is None:
            self.fail(campaign)
            return
        instance = self.instances[campaign.instance_id]
        for contact in self.audience_of(campaign.recipients):
            message = queue_message(
                self.account, campaign, instance, template, contact, identity=self.new_id(), at=self.now
            )
            self.messages[message.id] = message
            campaign.messages.append(message.id)
        campaign.is_started = True
        campaign.processing_started_at = campaign.last_enqueued_at = self.now
        self._set_status(campaign, "running")
        self._go_on(campaign)

    def _hand_out(self, campaign: Campaign) -> None:
        message = self.messages[campaign.messages[campaign.handed_out]]
        message.error = reason_to_fail(message, self.instances[campaign.instance_id])
        if message.error is not None:
            message.failed_at = self.now
        elif self._is_outbound_used_up():
            self._set_status(campaign, "paused_quota")
            return
        else:
            send_message(message, campaign.handed_out, self.now)
            self.outbound[month_of(self.now)] += 1
        campaign.handed_out += 1
        campaign.updated_at = self.now
        self._go_on(campaign)

    def _go_on(self, campaign: Campaign) -> None:
        """Plan the next message; after the last one the campaign is completed, or waits for its next run."""
        if campaign.handed_out < len(campaign.messages):
            self._plan_step(campaign, self.now + PACE)
        elif campaign.repeat in _REPEATS:
            # The next run that lies ahead: same id, counters go on (invented, reference 10.2).
            interval = _REPEATS[campaign.repeat]
            runs = max(0, (self.now - campaign.schedule) // interval) + 1
            campaign.schedule += runs * interval
            campaign.is_started = False
            self._set_status(campaign, "scheduled", next_at=campaign.schedule)
        else:
            campaign.completed_at = self.now
            self._set_status(campaign, "completed")

    def _set_status(self, campaign: Campaign, status: str, *, next_at: datetime | None = None) -> None:
        campaign.status = status
        campaign.updated_at = self.now
        self._plan_step(campaign, next_at)

    def _plan_step(self, campaign: Campaign, at: datetime | None) -> None:
        campaign.next_at = at
        if at is not None:
            heappush(self._agenda, (at, campaign.id))
