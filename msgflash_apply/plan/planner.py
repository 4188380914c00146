"""
From desired state and record to a plan: look up, decide, read, decide again, check.

The order is the point: only what a first decision would act on is read, and the second decision, made on what was
read, is the one that counts (contract section 7, promise 5).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from msgflash_apply.api.client import Client
from msgflash_apply.campaign import Address, Desired, Facts
from msgflash_apply.files.settings import Policy
from msgflash_apply.findings import Code, Diagnostic, InvalidFiles, Severity, in_order
from msgflash_apply.plan.decide import Moment, Prior, Reading, decide
from msgflash_apply.plan.duplicates import overlaps, refuse_twins, same_mailing, taken_addresses
from msgflash_apply.plan.lookup import LookedUp, Lookups, NameTable, fill_in, table_of_memory, unknown_names
from msgflash_apply.plan.plan import Action, Change, Plan, RequestForecast
from msgflash_apply.plan.preflight import check_sending, count_audiences, enforce, messages_of, requests_needed
from msgflash_apply.plan.refresh import Refresh, ids_to_read, read
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
        by_address = not self.targets or any(_is_under(change.address, target) for target in self.targets)
        return by_address and all(change.labels.get(name) == value for name, value in self.labels.items())


class Planner:
    """
    Makes plans from the same files; the second one, under the lock, asks for nothing that cannot have changed.

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
        self._readings: dict[str, Reading | None] = {}

    @property
    def readings(self) -> Mapping[str, Reading | None]:
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
            InvalidFiles: a name that does not exist, a variable that a template misses, the same mailing twice.
            ApiError: MsgFlash could not be asked.
        """
        moment = Moment(self._now(), self._options.policy.min_lead_time)
        items, changes = await self._look_up(snapshot, moment)
        readings: dict[str, Reading | None] = {}
        while unread := ids_to_read(self._options.refresh, changes, snapshot) - readings.keys():
            if self._client is None:
                break
            readings |= await read(self._client, unread)
            changes = self._selected(decide(items, Prior(snapshot, readings), moment))
        self._readings = readings
        changes = enforce(changes, self._options.policy, snapshot)
        return await self._finish(changes, items, snapshot, moment)

    def _selected(self, changes: tuple[Change, ...]) -> tuple[Change, ...]:
        return tuple(filter(self._options.selects, changes)) if self._options.is_narrowed else changes

    async def _look_up(self, snapshot: Snapshot, moment: Moment) -> tuple[list[LookedUp], tuple[Change, ...]]:
        """Put ids where the files give names, as MsgFlash has them or as the state remembers them, and decide."""
        prior = Prior(snapshot)
        if self._lookups is None or not any(item.names for item in self._desired):
            items = self._remembered(snapshot)
        elif self._options.refresh is not Refresh.NONE:
            items = await self._asked(self._desired, self._lookups, snapshot)
        else:
            items = self._remembered(snapshot)
            changes = decide(items, prior, moment)
            if not (unsettled := _unsettled(items, changes)):
                refuse_twins(items)
                return items, self._selected(changes)
            asked = {item.desired.address: item for item in await self._asked(unsettled, self._lookups, snapshot)}
            items = [asked.get(item.desired.address, item) for item in items]
        refuse_twins(items)
        return items, self._selected(decide(items, prior, moment))

    async def _asked(self, desired: Sequence[Desired], lookups: Lookups, snapshot: Snapshot) -> list[LookedUp]:
        table = await lookups.table({name for item in desired for name in item.names})
        items = [fill_in(item, table, _sent(item, snapshot)) for item in desired]
        self._refuse_unknown(items, table)
        return items

    def _remembered(self, snapshot: Snapshot) -> list[LookedUp]:
        memory = table_of_memory(_all_facts(snapshot))
        return [fill_in(item, memory, _sent(item, snapshot)) for item in self._desired]

    def _refuse_unknown(self, items: Sequence[LookedUp], table: NameTable) -> None:
        found = [diagnostic for item in items if not item.is_complete for diagnostic in unknown_names(item, table)]
        if found:
            raise InvalidFiles([*self._diagnostics, *found])

    async def _finish(
        self, changes: tuple[Change, ...], items: Sequence[LookedUp], snapshot: Snapshot, moment: Moment
    ) -> Plan:
        acting = [change for change in changes if change.action is not Action.NO_OP]
        found = [*same_mailing(acting, snapshot), *taken_addresses(acting, snapshot)]
        if self._lookups is not None:
            found += await check_sending(acting, self._lookups)
            count_tags = self._options.count_tags
            changes, more = await count_audiences(changes, self._lookups, count_tags=count_tags)
            found += more
        else:
            found += _unchecked(changes, items)
        requests, quota = await self._forecast([change for change in changes if change.action is not Action.NO_OP])
        diagnostics = in_order([*self._diagnostics, *found, *overlaps(changes), *quota])
        if any(diagnostic.is_error for diagnostic in diagnostics):
            raise InvalidFiles(diagnostics)
        return Plan(
            environment=self._options.environment,
            lineage=snapshot.lineage if self._options.has_state else None,
            serial=snapshot.serial if self._options.has_state else None,
            created_at=moment.now,
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


def _all_facts(snapshot: Snapshot) -> list[Facts]:
    created, doubtful = snapshot.campaigns.values(), snapshot.in_doubt.values()
    return [record.facts for record in created] + [intent.facts for intent in doubtful]


def _unsettled(items: Sequence[LookedUp], changes: Sequence[Change]) -> list[Desired]:
    """Select the campaigns with names that change, or whose names the state does not know."""
    unchanged = {change.address for change in changes if change.action is Action.NO_OP}
    return [
        item.desired
        for item in items
        if item.desired.names and not (item.is_complete and item.desired.address in unchanged)
    ]


def _sent(desired: Desired, snapshot: Snapshot) -> Facts | None:
    record = snapshot.campaigns.get(desired.address)
    return record.facts if record is not None else None


def _is_under(address: Address, target: str) -> bool:
    return address == target or address.startswith((f"{target}[", f"{target.rstrip('/')}/"))


def _unchecked(changes: Sequence[Change], items: Sequence[LookedUp]) -> list[Diagnostic]:
    """Say which names an offline plan could not look up: each once, at the first campaign that gives it."""
    incomplete = [item for item in items if not item.is_complete]
    planned = {change.address for change in changes} if incomplete else set()
    users: dict[str, list[Desired]] = {}
    for item in incomplete:
        if item.desired.address in planned:
            for name in _missing(item):
                users.setdefault(name, []).append(item.desired)
    return [_not_looked_up(name, desired) for name, desired in users.items()]


def _not_looked_up(name: str, desired: Sequence[Desired]) -> Diagnostic:
    first = desired[0]
    others = f"; {len(desired)} campaigns need it" if len(desired) > 1 else ""
    return Diagnostic(
        Severity.WARNING,
        Code.NOT_LOOKED_UP,
        f"{name} was not looked up{others}",
        "plan without --offline to check it",
        file=first.source.file,
        line=first.source.line,
        address=first.address,
    )


def _missing(item: LookedUp) -> list[str]:
    missing = [name for name_field, name in item.desired.names.items() if name_field not in item.payload]
    return [f"`{name}`" if name else "the only connected instance" for name in missing]
