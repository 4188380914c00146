"""
From desired state and record to a plan: look up, decide, read, decide again, check.

The order is the point: only what a first decision would act on is read, and the second decision, made on what was
read, is the one that counts (contract section 7, promise 5). A plan in which nothing changes so reads no campaign.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from msgflash_apply.api.client import Client
from msgflash_apply.campaign import Desired
from msgflash_apply.findings import Code, Diagnostic, InvalidFiles, Severity, in_order
from msgflash_apply.models.project import Policy
from msgflash_apply.plan.decide import decide
from msgflash_apply.plan.duplicates import overlaps, refuse_duplicates, same_mailing, taken_addresses
from msgflash_apply.plan.lookup import LookedUp, Lookups, fill_in, table_of_memory, unknown_names
from msgflash_apply.plan.plan import Action, Change, Plan, RequestForecast, finding
from msgflash_apply.plan.preflight import (
    check_sending,
    count_audiences,
    enforce,
    far_starts,
    messages_of,
    requests_needed,
)
from msgflash_apply.plan.refresh import PriorState, Refresh, RemoteStatus, ids_to_read, read_campaigns
from msgflash_apply.plan.renames import unknown_former_addresses
from msgflash_apply.state.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """
    How to plan.

    Attributes:
        environment: whose state it is.
        policy: of msgflash.yaml.
        refresh: which campaigns to read.
        targets: addresses to keep to; `promo/x` includes `promo/x["fr"]`. Empty means all.
        labels: keep to campaigns that carry all of these. Empty means all.
        has_state: False for a preview without any state.
        count_tags: read all contacts to count the people of a tag.
    """

    environment: str
    policy: Policy
    refresh: Refresh = Refresh.CHANGED
    targets: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    has_state: bool = True
    count_tags: bool = False

    @property
    def is_narrowed(self) -> bool:
        """Whether the plan keeps to a part of the campaigns."""
        return bool(self.targets or self.labels)

    def selects(self, change: Change) -> bool:
        """Whether a change belongs to the part that is planned."""
        address = change.address
        by_address = not self.targets or any(
            address == target or address.startswith((f"{target}[", f"{target.rstrip('/')}/")) for target in self.targets
        )
        return by_address and all(change.labels.get(name) == value for name, value in self.labels.items())


class Planner:
    """
    Makes plans from the same files; the second one, under the lock, requests nothing that cannot have changed.

    Args:
        desired: every campaign of the files.
        diagnostics: warnings about the files, carried along.
        options: how to plan.
        client: of MsgFlash; None to send no request at all, and names stay as the state remembers them.
        now: the clock.
    """

    def __init__(
        self,
        desired: Sequence[Desired],
        diagnostics: Sequence[Diagnostic],
        options: PlanOptions,
        client: Client | None,
        now: Callable[[], datetime],
    ) -> None:
        self._desired = desired
        self._diagnostics = tuple(diagnostics)
        self._options = options
        self._client = client
        self._lookups = Lookups(client) if client else None
        self._now = now
        self._readings: dict[str, RemoteStatus | None] = {}

    @property
    def readings(self) -> Mapping[str, RemoteStatus | None]:
        """What the last plan read: by campaign id, None for one that is gone on MsgFlash."""
        return self._readings

    @property
    def environment(self) -> str:
        """Whose state the plans are for."""
        return self._options.environment

    async def plan(self, snapshot: Snapshot) -> Plan:
        """
        Compare the files with the state.

        Raises:
            InvalidFiles: a name that does not exist, a variable that a template misses, a duplicate of a campaign.
            ApiError: MsgFlash could not be asked.
        """
        now = self._now()
        items = await self._look_up(snapshot, now)
        changes = self._decide(items, PriorState(snapshot), now)
        readings: dict[str, RemoteStatus | None] = {}
        while self._client and (unread := ids_to_read(self._options.refresh, changes, snapshot) - readings.keys()):
            readings |= await read_campaigns(self._client, unread)
            changes = self._decide(items, PriorState(snapshot, readings), now)
        self._readings = readings
        changes = enforce(changes, self._options.policy, snapshot)
        return await self._finish(changes, items, snapshot, now)

    def _decide(self, items: Sequence[LookedUp], prior: PriorState, now: datetime) -> tuple[Change, ...]:
        """Decide, and keep to the part that is planned."""
        changes = decide(items, prior, now=now, min_lead_time=self._options.policy.min_lead_time)
        return tuple(filter(self._options.selects, changes)) if self._options.is_narrowed else changes

    async def _look_up(self, snapshot: Snapshot, now: datetime) -> list[LookedUp]:
        """Put ids where the files give names: as MsgFlash has them, or offline as the state remembers them."""
        created, in_doubt = snapshot.campaigns.values(), snapshot.in_doubt.values()
        memory = table_of_memory([*(record.facts for record in created), *(intent.facts for intent in in_doubt)])
        sent = {address: record.facts for address, record in snapshot.campaigns.items()}
        items = [fill_in(desired, memory, sent.get(desired.address)) for desired in self._desired]
        to_ask = [item for item in items if item.desired.names] if self._lookups else []
        if to_ask and self._options.refresh is Refresh.NONE:
            # Memory is enough for a campaign in which nothing changes.
            lead_time = self._options.policy.min_lead_time
            changes = decide(items, PriorState(snapshot), now=now, min_lead_time=lead_time)
            unchanged = {change.address for change in changes if change.action is Action.NO_OP}
            to_ask = [item for item in to_ask if item.missing_names or item.desired.address not in unchanged]
        if to_ask and self._lookups:
            table = await self._lookups.table(field for item in to_ask for field in item.desired.names)
            asked = {
                item.desired.address: fill_in(item.desired, table, sent.get(item.desired.address)) for item in to_ask
            }
            if unknown := [found for item in asked.values() for found in unknown_names(item, table)]:
                raise InvalidFiles([*self._diagnostics, *unknown])
            items = [asked.get(item.desired.address, item) for item in items]
        refuse_duplicates(items)
        return items

    async def _finish(
        self, changes: tuple[Change, ...], items: Sequence[LookedUp], snapshot: Snapshot, now: datetime
    ) -> Plan:
        """Check what is decided, forecast what it costs, and refuse the plan if a check found an error."""
        acting = [change for change in changes if change.action is not Action.NO_OP]
        found = [*same_mailing(acting, snapshot), *taken_addresses(acting, snapshot)]
        found += [*unknown_former_addresses(self._desired, changes, snapshot), *far_starts(acting, now)]
        if self._lookups is not None:
            found += await check_sending(acting, self._lookups)
            count_tags = self._options.count_tags
            changes, more = await count_audiences(changes, self._lookups, count_tags=count_tags)
            found += more
        else:
            found += _not_looked_up(changes, items)
        requests, quota = await self._forecast([change for change in changes if change.action is not Action.NO_OP])
        diagnostics = in_order([*self._diagnostics, *found, *overlaps(changes), *quota])
        if any(diagnostic.is_error for diagnostic in diagnostics):
            raise InvalidFiles(diagnostics)
        return Plan(
            environment=self._options.environment,
            lineage=snapshot.lineage if self._options.has_state else None,
            serial=snapshot.serial if self._options.has_state else None,
            created_at=now,
            complete=self._lookups is not None and not self._options.is_narrowed,
            changes=changes,
            diagnostics=diagnostics,
            requests=requests,
        )

    async def _forecast(self, changes: Sequence[Change]) -> tuple[RequestForecast, list[Diagnostic]]:
        """Say what the month has left and the plan needs; a warning where the messages do not suffice."""
        needed, messages = requests_needed(changes), messages_of(changes)
        usage = await self._lookups.usage() if self._lookups is not None and needed else None
        used = self._client.requests_sent if self._client is not None else 0
        if usage is None:
            return RequestForecast(used, needed, messages=messages), []
        forecast = RequestForecast(used, needed, usage.requests_left, messages, usage.messages_left)
        if messages is None or usage.messages_left is None or messages <= usage.messages_left:
            return forecast, []
        message = f"the plan sends at least {messages} messages, and the month has {usage.messages_left} left"
        hint = "MsgFlash refuses the creates beyond it, or pauses campaigns while they send"
        return forecast, [Diagnostic(Severity.WARNING, Code.OUTBOUND_QUOTA, message, hint)]


def _not_looked_up(changes: Sequence[Change], items: Sequence[LookedUp]) -> list[Diagnostic]:
    """Say which names an offline plan could not look up: each once, at the first campaign that gives it."""
    planned = {change.address for change in changes}
    users: dict[str, list[Desired]] = {}
    for item in items:
        for name in item.missing_names.values() if item.desired.address in planned else ():
            users.setdefault(f"`{name}`" if name else "the only connected instance", []).append(item.desired)
    found = []
    for name, desired in users.items():
        others = f"; {len(desired)} campaigns need it" if len(desired) > 1 else ""
        message, hint = f"{name} was not looked up{others}", "plan without --offline to check it"
        found.append(finding(Severity.WARNING, Code.NOT_LOOKED_UP, desired[0], message, hint))
    return found
