"""
From desired state and record to a plan: look up, decide, read, decide again, check.

The order is the point: only what a first decision would act on is read, and the second decision, made on what was
read, is the one that counts (contract section 7, promise 5). A plan in which nothing changes so reads no campaign.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from msgflash_apply.api.access import DEFAULT_BASE_URL
from msgflash_apply.api.client import Client
from msgflash_apply.api.models import Usage
from msgflash_apply.campaign import GONE, INSTANCE, TEMPLATE, TERMINAL, Address, Desired, id_in, plain_id, plain_id_in
from msgflash_apply.errors import StateBehind
from msgflash_apply.findings import Code, Diagnostic, InvalidFiles, Severity, in_order
from msgflash_apply.models.project import Policy
from msgflash_apply.plan.audience import Counting, count_audiences, count_people, messages_of, uncounted
from msgflash_apply.plan.decide import decide
from msgflash_apply.plan.duplicates import overlaps, refuse_duplicates, same_mailing, taken_addresses
from msgflash_apply.plan.lookup import LookedUp, Lookups, as_sent, fill_in, table_of_memory, unknown_names
from msgflash_apply.plan.marker import REQUESTS as MARKER_REQUESTS
from msgflash_apply.plan.marker import Marker, compare
from msgflash_apply.plan.plan import (
    REACHING,
    Action,
    Change,
    Plan,
    RequestForecast,
    Sender,
    TemplateChange,
    UsedTemplate,
    finding,
)
from msgflash_apply.plan.preflight import (
    check_clock,
    check_created,
    check_sending,
    differing_answers,
    enforce,
    far_starts,
    requests_needed,
)
from msgflash_apply.plan.refresh import PriorState, Refresh, RemoteStatus, ids_to_read, read_campaigns
from msgflash_apply.plan.renames import unknown_former_addresses
from msgflash_apply.plan.templates import (
    Listed,
    Resolved,
    requests_for,
    resolve,
    same_names,
    template_changes,
    users_of,
    wait_for_templates,
    with_made,
    with_template,
)
from msgflash_apply.state.reading import refuse_other_server
from msgflash_apply.state.snapshot import NO_STATE, Snapshot
from msgflash_apply.template import DesiredTemplate

NOT_OFFLINE: Final = "plan without --offline to check it"


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
        counting: how many requests may be spent on counting people.
        server: origin of MsgFlash.
        place: gives findings about fields their line and column.
    """

    environment: str
    policy: Policy
    refresh: Refresh = Refresh.CHANGED
    targets: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    has_state: bool = True
    counting: Counting = Counting.AUTO
    server: str = DEFAULT_BASE_URL
    place: Callable[[Iterable[Diagnostic]], Iterable[Diagnostic]] = iter

    @property
    def is_narrowed(self) -> bool:
        """Whether the plan keeps to a part of the campaigns."""
        return bool(self.targets or self.labels)

    def selects(self, change: Change | TemplateChange) -> bool:
        """Whether a change belongs to the part that is planned."""
        address = change.address
        by_address = not self.targets or any(
            address == target or address.startswith((f"{target}[", f"{target.rstrip('/')}/")) for target in self.targets
        )
        return by_address and all(change.labels.get(name) == value for name, value in self.labels.items())


class Planner:
    """
    Makes plans from the same files.

    Each asks MsgFlash anew, so that the one under the lock finds what has changed since the approved one was made.

    Args:
        desired: every campaign of the files.
        diagnostics: warnings about the files, carried along.
        options: how to plan.
        client: of MsgFlash; None to send no request at all, and names stay as the state remembers them.
        now: the clock.
        templates: every template of the files.
    """

    def __init__(
        self,
        desired: Sequence[Desired],
        diagnostics: Sequence[Diagnostic],
        options: PlanOptions,
        client: Client | None,
        now: Callable[[], datetime],
        templates: Sequence[DesiredTemplate] = (),
    ) -> None:
        self._desired = desired
        self._desired_templates = templates
        self._diagnostics = tuple(diagnostics)
        self._options = options
        self._client = client
        self._now = now
        self._prior = PriorState(NO_STATE)
        self._instances: Mapping[str, Sender] = {}
        self._lookups: Lookups | None = None
        self._marker: Marker | None = None

    @property
    def marker(self) -> Marker | None:
        """The marker of the state, for an apply to fill in; None where the last plan creates nothing, or by policy."""
        return self._marker

    @property
    def prior(self) -> PriorState:
        """The state and what the last plan read of MsgFlash."""
        return self._prior

    @property
    def instances(self) -> Mapping[str, Sender]:
        """The account's instances by id, as far as the last plan and recount read them."""
        return self._instances

    async def recount(self, snapshot: Snapshot) -> Mapping[Address, int | None]:
        """Count the people of the campaigns whose start is ahead, after a plan; None where they are not counted."""
        now, lookups = self._now(), self._lookups
        if lookups is None:
            return {}
        ahead = [
            Change(address, Action.RESUME, record.facts.starts_at, after=record.facts.payload)
            for address, record in snapshot.campaigns.items()
            if record.facts.starts_at > now and not record.retired and record.status not in {*TERMINAL, GONE}
        ]
        counted = await count_people(ahead, lookups, self._options.counting)
        self._instances = {i: Sender(i, one.name, one.wa_number) for i, one in (await lookups.instances()).items()}
        return counted

    @property
    def readings(self) -> Mapping[str, RemoteStatus | None]:
        """What the last plan read: by campaign id, None for one that is gone on MsgFlash."""
        return self._prior.readings

    @property
    def environment(self) -> str:
        """Whose state the plans are for."""
        return self._options.environment

    async def plan_without_lock(self, snapshot: Snapshot, read: Callable[[], Snapshot]) -> Plan:
        """Plan as `plan` does; where an apply has begun since the state was read, on what `read` gives then."""
        try:
            return await self.plan(snapshot)
        except StateBehind:
            return await self.plan(read())

    async def plan(self, snapshot: Snapshot) -> Plan:
        """
        Compare the files with the state.

        Raises:
            InvalidFiles: every name that does not exist, variable that a template misses, contact that is unknown, and
                duplicate of a campaign, in one go.
            ApiError: MsgFlash could not be asked.
            StateError: the state's campaigns are on another server, or the state is an older copy.
        """
        if self._client is not None:
            refuse_other_server(snapshot, self._options.server)
        now = self._now()
        lookups = self._lookups = Lookups(self._client) if self._client is not None else None
        listed = await self._listed(snapshot, lookups)
        resolved = resolve(self._desired_templates, PriorState(snapshot), listed, self._options.policy, now)
        items, unknown = await self._look_up(snapshot, lookups, resolved, now)
        prior = PriorState(snapshot, templates=await self._templates(items, snapshot, lookups))
        readings: dict[str, RemoteStatus | None] = {}
        while True:
            # Whether a template may be changed in place depends on what is read.
            resolved = resolve(self._desired_templates, prior, listed, self._options.policy, now)
            current = with_made(prior, resolved)
            every = decide(items, current, now=now, policy=self._options.policy)
            changes = self._selected(every, resolved)
            wanted = ids_to_read(self._options.refresh, changes, snapshot) | users_of(resolved, snapshot)
            if self._client is None or not (unread := wanted - readings.keys()):
                break
            readings |= await read_campaigns(self._client, unread)
            prior = replace(prior, readings=readings)
        self._prior = prior = current
        changes = wait_for_templates(enforce(changes, self._options.policy, snapshot), resolved)
        templates = self._narrowed(template_changes(resolved, prior, listed, items, changes, every), changes)
        if lookups is not None and listed is not None and self._desired_templates:
            names = ((one.name, identifier) for identifier, one in (await lookups.templates()).items())
            unknown += same_names(items, names, snapshot)
        return await self._finish(changes, templates, items, unknown, prior, now, lookups)

    def _selected(self, every: tuple[Change, ...], resolved: Mapping[Address, Resolved]) -> tuple[Change, ...]:
        """Keep to the part that is planned, and to the new words that it gives to other campaigns."""
        selects = self._options.selects
        if not self._options.is_narrowed:
            return every
        used = {change.template_address for change in every if selects(change)}
        shared = [
            one for address, one in resolved.items() if one.is_in_place and (address in used or selects(one.change))
        ]
        return tuple(
            change
            for change in every
            if selects(change)
            or (change.action is Action.ACCEPT and any(one.changes_words_of(change) for one in shared))
        )

    def _narrowed(self, templates: tuple[TemplateChange, ...], changes: Sequence[Change]) -> tuple[TemplateChange, ...]:
        """Keep to the part that is planned, and to what its campaigns send."""
        if not self._options.is_narrowed:
            return templates
        used = {change.template_address for change in changes}
        return tuple(one for one in templates if one.address in used or self._options.selects(one))

    async def _listed(self, snapshot: Snapshot, lookups: Lookups | None) -> Listed | None:
        """Read the templates that are the repo's, or have a name that its files want; None where the state suffices."""
        if lookups is None:
            return None
        versions = [version for record in snapshot.templates.values() for version in record.versions]
        if self._options.refresh is Refresh.NONE:
            known = {version.content for version in versions}
            if all(one.content.digest in known for one in self._desired_templates):
                return None
        return await lookups.of_repo(self._desired_templates, snapshot)

    async def _look_up(
        self, snapshot: Snapshot, lookups: Lookups | None, resolved: Mapping[Address, Resolved], now: datetime
    ) -> tuple[list[LookedUp], list[Diagnostic]]:
        """Put ids where the files give names: as MsgFlash has them, or offline as the state remembers them."""
        created, in_doubt = snapshot.campaigns.values(), snapshot.in_doubt.values()
        memory = table_of_memory([*(record.facts for record in created), *(intent.facts for intent in in_doubt)])
        sent = {address: record.facts for address, record in snapshot.campaigns.items()}
        every = [with_template(desired, resolved, sent.get(desired.address), now) for desired in self._desired]
        items = [fill_in(desired, memory, sent.get(desired.address)) for desired in every]
        to_ask = [item for item in items if item.desired.names] if lookups else []
        if to_ask and self._options.refresh is Refresh.NONE:
            # Memory is enough for a campaign that is what was sent.
            prints = {address: facts.fingerprint for address, facts in sent.items()}
            to_ask = [
                item for item in to_ask if item.missing_names or prints.get(item.desired.address) != item.fingerprint
            ]
        unknown: list[Diagnostic] = []
        if to_ask and lookups:
            table = await lookups.table(
                field
                for item in to_ask
                for field in item.desired.names
                if field != TEMPLATE or item.desired.template is None
            )
            asked = {
                item.desired.address: fill_in(item.desired, table, sent.get(item.desired.address)) for item in to_ask
            }
            for address, item in asked.items():
                # Of a campaign that was created its ids are known, whatever became of what its file calls them.
                remembered = as_sent(item, sent.get(address))
                unknown += unknown_names(item, table, is_sent=remembered is not None)
                asked[address] = remembered or item
            items = [asked.get(item.desired.address, item) for item in items]
        refuse_duplicates([item for item in items if not item.missing_names])
        return items, unknown

    async def _templates(
        self, items: Sequence[LookedUp], snapshot: Snapshot, lookups: Lookups | None
    ) -> Mapping[str, UsedTemplate | None]:
        """Read what the templates say that are sent, or were and are not over; one request per hundred."""
        if lookups is None:
            return {}
        live = {
            identifier
            for record in snapshot.campaigns.values()
            if record.status not in {*TERMINAL, GONE} and (identifier := id_in(record.facts.payload, TEMPLATE))
        }
        wanted = {identifier for item in items if (identifier := id_in(item.payload, TEMPLATE))}
        if self._options.refresh is Refresh.NONE:
            known = {record.facts.fingerprint for record in snapshot.campaigns.values()}
            wanted = {id_in(i.payload, TEMPLATE) or "" for i in items if i.fingerprint not in known} & wanted
            live = set()
        used = {plain_id(identifier) for identifier in wanted | live}
        return await lookups.used_templates(sorted(used)) if used else {}

    async def _finish(
        self,
        changes: tuple[Change, ...],
        templates: tuple[TemplateChange, ...],
        items: Sequence[LookedUp],
        unknown: list[Diagnostic],
        prior: PriorState,
        now: datetime,
        lookups: Lookups | None,
    ) -> Plan:
        """Check what is decided, forecast what it costs, and refuse the plan if a check found an error."""
        snapshot = prior.snapshot
        acting = [change for change in changes if change.action is not Action.NO_OP]
        found = [*unknown, *same_mailing(acting, prior), *taken_addresses(acting, snapshot)]
        found += [*unknown_former_addresses(self._desired, changes, snapshot), *far_starts(acting, now)]
        found += differing_answers(snapshot, prior)
        usage = None
        marks = self._options.policy.account_marker and self._options.has_state and any(c.is_sending for c in changes)
        self._marker = None
        if lookups is not None:
            if marks:
                is_trusted = self._options.policy.trust_state
                self._marker, gone = compare(snapshot, await lookups.markers(), is_trusted=is_trusted)
                found += gone
            changes = await _with_account(changes, prior, lookups)
            acting = [change for change in changes if change.action is not Action.NO_OP]
            changes, more = await count_audiences(changes, lookups, self._options.counting)
            # Read last: what the month has left is then without the requests of this plan.
            usage = await lookups.usage() if requests_needed(acting) or requests_for(templates) else None
            found += await check_sending(acting, lookups, prior.templates, usage)
            found += check_created(snapshot, prior, acting)
            clock_error = self._client.clock_error if self._client is not None else None
            changes, clock = check_clock(changes, clock_error, self._options.policy)
            found += [*more, *clock]
            if self._options.counting is not Counting.NEVER:
                found += uncounted(changes)
        else:
            found += _not_looked_up(changes, items)
            if marks:
                message, hint = "whether this state is the latest was not looked up", NOT_OFFLINE
                found.append(Diagnostic(Severity.WARNING, Code.NOT_LOOKED_UP, message, hint))
        acting = [change for change in changes if change.action is not Action.NO_OP]
        requests, quota = self._forecast(acting, templates, usage)
        diagnostics = in_order([*self._diagnostics, *found, *overlaps(changes), *quota])
        if any(diagnostic.is_error for diagnostic in diagnostics):
            raise InvalidFiles(self._options.place(diagnostics))
        return Plan(
            environment=self._options.environment,
            server=self._options.server,
            lineage=snapshot.lineage if self._options.has_state else None,
            serial=snapshot.serial if self._options.has_state else None,
            created_at=now,
            complete=lookups is not None and not self._options.is_narrowed,
            changes=changes,
            diagnostics=in_order(self._options.place(diagnostics)),
            requests=requests,
            templates=templates,
        )

    def _forecast(
        self, changes: Sequence[Change], templates: Sequence[TemplateChange], usage: Usage | None
    ) -> tuple[RequestForecast, list[Diagnostic]]:
        """Say what the month has left and the plan needs; a warning where the messages do not suffice."""
        needed, messages = requests_needed(changes) + requests_for(templates), messages_of(changes)
        if self._options.policy.account_marker and any(change.is_sending for change in changes):
            needed += MARKER_REQUESTS
        used = self._client.requests_sent if self._client is not None else 0
        if usage is None:
            return RequestForecast(used, needed, messages=messages), []
        forecast = RequestForecast(used, needed, usage.requests_left, messages, usage.messages_left)
        if messages is None or usage.messages_left is None or messages <= usage.messages_left:
            return forecast, []
        message = f"the plan sends at least {messages} messages, and the month has {usage.messages_left} left"
        hint = "MsgFlash refuses the creates beyond it, or pauses campaigns while they send"
        return forecast, [Diagnostic(Severity.WARNING, Code.OUTBOUND_QUOTA, message, hint)]


async def _with_account(changes: tuple[Change, ...], prior: PriorState, lookups: Lookups) -> tuple[Change, ...]:
    """Show of each change the number that it goes out from, and the words that it sends."""
    if any(change.action in REACHING for change in changes):
        await lookups.instances()
    instances = lookups.known_instances
    if not instances and not prior.templates and not prior.made:
        return changes
    shown = []
    for change in changes:
        payload = change.before if change.after is None else change.after
        if payload is None or not (change.action is not Action.NO_OP or _lacks_facts(change, prior)):
            shown.append(change)
            continue
        instance = instances.get(plain_id_in(payload, INSTANCE))
        sender = None if instance is None else Sender(instance.id, instance.name, instance.wa_number)
        template = prior.template(payload, change.template_address)
        shown.append(replace(change, instance=sender, template=template))
    return tuple(shown)


def _lacks_facts(change: Change, prior: PriorState) -> bool:
    """Whether the record of an unchanged campaign was made by an earlier version, which kept less."""
    record = prior.snapshot.campaigns.get(change.previous_address or change.address)
    return record is not None and record.facts.seen is None


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
        message, hint = f"{name} was not looked up{others}", NOT_OFFLINE
        found.append(finding(Severity.WARNING, Code.NOT_LOOKED_UP, desired[0], message, hint))
    return found
