"""
Before anything is sent: what the policy forbids, what MsgFlash would not do, how many people and requests it takes.

The policy turns creates into blocked changes. Checks against MsgFlash are diagnostics: errors where the server would
fail silently or on the wrong account, warnings where a person may know better. Audiences are counted where MsgFlash can
count them, and compared with what the number's warm-up advises.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, time
from zoneinfo import ZoneInfo

from msgflash_apply.api.models import Group, Instance
from msgflash_apply.campaign import FAR_AHEAD_HINT, Address, JsonObject, Status, far_ahead, plain_id
from msgflash_apply.findings import Code, Diagnostic, Severity
from msgflash_apply.models.project import Policy, QuietHours
from msgflash_apply.plan.lookup import Lookups
from msgflash_apply.plan.plan import Action, Audience, Change, Reason, finding
from msgflash_apply.state.snapshot import Snapshot

FEW_CAMPAIGNS = 10


def enforce(changes: Sequence[Change], policy: Policy, snapshot: Snapshot) -> tuple[Change, ...]:
    """Block what the policy of msgflash.yaml forbids: quiet hours, and more at once than a plan may hold."""
    quiet = policy.quiet_hours
    if quiet is not None:
        hours = f"{quiet.starts:%H:%M} to {quiet.ends:%H:%M} {quiet.timezone}"
        forbidden = {c.address for c in changes if c.is_sending and is_quiet(c.starts_at, quiet)}
        changes = _block(changes, forbidden, Reason.QUIET_HOURS, f"its start lies in the quiet hours, {hours}")
    creates = {change.address for change in changes if change.is_sending}
    if policy.max_creates is not None and len(creates) > policy.max_creates:
        explanation = f"the plan would create {len(creates)}, and `policy.max_creates` is {policy.max_creates}"
        changes = _block(changes, creates, Reason.LIMIT, explanation)
    retires = {change.address for change in changes if change.action is Action.RETIRE}
    live = sum(not record.retired for record in snapshot.campaigns.values())
    allowed = int(policy.max_retires * live) if isinstance(policy.max_retires, float) else policy.max_retires
    if len(snapshot.campaigns) > FEW_CAMPAIGNS and allowed is not None and len(retires) > allowed:
        explanation = f"the plan would retire {len(retires)} of {live}, and `policy.max_retires` allows {allowed}"
        changes = _block(changes, retires, Reason.LIMIT, explanation)
    return tuple(changes)


FEW_WARNINGS = 3


def far_starts(changes: Sequence[Change], now: datetime) -> list[Diagnostic]:
    """
    Warn of creates whose start is more than a year ahead; one that was created has been looked at.

    Many are one warning: a repo that plans for years does so on purpose.
    """
    found = [
        (change, message) for change in changes if change.is_sending and (message := far_ahead(change.starts_at, now))
    ]
    if len(found) <= FEW_WARNINGS:
        return [finding(Severity.WARNING, Code.FAR_AHEAD, change, message, FAR_AHEAD_HINT) for change, message in found]
    first = min((change for change, _ in found), key=lambda change: (change.starts_at, change.address))
    message = (
        f"{len(found)} campaigns start more than a year ahead, `{first.address}` first, on {first.starts_at:%Y-%m-%d}"
    )
    return [Diagnostic(Severity.WARNING, Code.FAR_AHEAD, message, "check the years")]


def _block(
    changes: Sequence[Change], addresses: Collection[Address], reason: Reason, explanation: str
) -> Sequence[Change]:
    return [change.blocked(reason, explanation) if change.address in addresses else change for change in changes]


def is_quiet(moment: datetime, quiet: QuietHours) -> bool:
    """Whether an instant lies in the quiet hours, in the zone of the policy; the hours may span midnight."""
    local: time = moment.astimezone(ZoneInfo(quiet.timezone)).time()
    if quiet.starts <= quiet.ends:
        return quiet.starts <= local < quiet.ends
    return local >= quiet.starts or local < quiet.ends


async def check_sending(changes: Sequence[Change], lookups: Lookups) -> list[Diagnostic]:
    """Check every create and replace against the account: is its instance there and connected, its template filled."""
    sending = [change for change in changes if change.is_sending]
    if not sending:
        return []
    instances = {plain_id(instance.id): instance for instance in await lookups.instances()}
    templates = {str(c.after["templateId"]) for c in sending if c.after and "templateId" in c.after}
    placeholders = await lookups.template_variables(sorted(templates)) if templates else {}
    found: list[Diagnostic] = []
    for change in sending:
        found += _check_instance(change, instances)
        if change.after and "templateId" in change.after:
            found += _check_template(change, change.after, placeholders[str(change.after["templateId"])])
    return found


def _check_instance(change: Change, instances: Mapping[str, Instance]) -> list[Diagnostic]:
    instance = instances.get(_instance_id(change))
    if instance is None:
        listed = "; ".join(f"{one.name} ({one.id})" for one in instances.values()) or "none"
        message = f"the account has no instance {_instance_id(change)}"
        return [finding(Severity.ERROR, Code.UNKNOWN_INSTANCE, change, message, f"it has: {listed}")]
    if not instance.is_connected:
        message = f"instance `{instance.name}` is {instance.status}, not connected"
        hint = "connect it in the MsgFlash console before the campaign starts, or every message fails"
        return [finding(Severity.WARNING, Code.NOT_CONNECTED, change, message, hint)]
    return []


def _check_template(change: Change, after: JsonObject, placeholders: Sequence[str] | None) -> list[Diagnostic]:
    if placeholders is None:
        message = f"the account has no template {after['templateId']}"
        hint = "give a template of this account, by name or id"
        return [finding(Severity.ERROR, Code.UNKNOWN_TEMPLATE, change, message, hint)]
    variables = after.get("variables")
    given = set(variables) if isinstance(variables, Mapping) else set()
    needed = {path.removeprefix("custom.") for path in placeholders if path.startswith("custom.")}
    found = []
    for name in sorted(needed - given):
        message = f"the template needs the variable `{name}`, and `variables` does not give it"
        hint = f"add `{name}: ...` to `variables`; without it every message of the campaign fails"
        found.append(finding(Severity.ERROR, Code.VARIABLE_MISSING, change, message, hint))
    for name in sorted(given - needed):
        message = f"the template does not use the variable `{name}`"
        found.append(finding(Severity.WARNING, Code.VARIABLE_UNUSED, change, message, "remove it"))
    return found


def requests_needed(changes: Iterable[Change]) -> int:
    """Forecast how many requests an apply of these changes sends when nothing goes wrong."""
    needed = 0
    for change in changes:
        is_live = change.status != Status.PAUSED
        match change.action:
            case Action.CREATE:
                needed += 1 + change.pause_after
            case Action.REPLACE:
                # Pause the old one unless it is paused, read it to be sure that nothing was sent, create the new one.
                needed += 2 + is_live + change.pause_after
            case Action.PAUSE | Action.RESUME:
                needed += 1
            case Action.RETIRE:
                needed += is_live
            case _:
                pass  # the state alone changes, or nothing
    return needed


async def count_audiences(
    changes: Sequence[Change], lookups: Lookups, *, count_tags: bool
) -> tuple[tuple[Change, ...], list[Diagnostic]]:
    """
    Count the audience of every create and replace.

    Args:
        changes: of the whole plan.
        lookups: groups cost a request each, `all` one, warm-up one per instance.
        count_tags: read all contacts, a request per hundred: nothing else counts the people of a tag.

    Returns:
        The changes with their audiences, and findings: unknown groups, no recipients, above the warm-up's advice.
    """
    sending = [change for change in changes if change.is_sending]
    if not sending:
        return tuple(changes), []
    types = {change.recipients.get("type") for change in sending}
    groups = await lookups.groups(str(c.recipients["groupId"]) for c in sending if c.recipients.get("type") == "group")
    total = await lookups.contacts_total() if "all" in types else None
    contacts = await lookups.contacts() if count_tags and "tags" in types else None
    tags_of_contacts = None if contacts is None else [frozenset(contact.tags) for contact in contacts]
    limits = await lookups.warm_up_limits(_instance_id(change) for change in sending)
    audiences: dict[Address, Audience] = {}
    found: list[Diagnostic] = []
    for change in sending:
        count = _count(change.recipients, groups, total, tags_of_contacts)
        audience = Audience(str(change.recipients.get("type")), count, limits.get(_instance_id(change)))
        audiences[change.address] = audience
        found += _check_audience(change, audience, groups)
    return tuple(replace(c, audience=audiences.get(c.address, c.audience)) for c in changes), found


def _count(
    recipients: JsonObject,
    groups: Mapping[str, Group | None],
    total: int | None,
    tags_of_contacts: Sequence[frozenset[str]] | None,
) -> int | None:
    """Count the recipients of one campaign; None where MsgFlash does not say how many, or tags are not counted."""
    value = recipients.get("value")
    members = [str(member) for member in value] if isinstance(value, list) else []
    match recipients.get("type"):
        case "all":
            return total
        case "explicit":
            return len(members)
        case "group":
            group = groups[str(recipients["groupId"])]
            return None if group is None else group.contact_count
        case "tags" if tags_of_contacts is not None:
            # A contact with several of the tags counts once (reference 10.4).
            return sum(not tags.isdisjoint(members) for tags in tags_of_contacts)
        case _:
            return None


def _check_audience(change: Change, audience: Audience, groups: Mapping[str, Group | None]) -> list[Diagnostic]:
    recipients, count = change.recipients, audience.count
    if audience.type == "group" and groups[str(recipients["groupId"])] is None:
        message, hint = f"the account has no group {recipients['groupId']}", "give the id of a group of this account"
        return [finding(Severity.ERROR, Code.UNKNOWN_GROUP, change, message, hint)]
    if count == 0:
        value = recipients.get("value")
        tags = sorted({str(tag) for tag in value}) if isinstance(value, list) else []
        why = {"group": "the group has no contacts", "tags": f"no contact is tagged {' or '.join(tags)}"}
        message = f"the campaign has no recipients: {why.get(audience.type, 'the account has no contacts')}"
        return [finding(Severity.WARNING, Code.NO_RECIPIENTS, change, message, None)]
    if count is not None and audience.limit is not None and count > audience.limit:
        message = f"{count} recipients, and the instance's warm-up advises at most {audience.limit}"
        hint = "split the campaign, or send it from a number that is warmed up"
        return [finding(Severity.WARNING, Code.ABOVE_WARM_UP, change, message, hint)]
    return []


def messages_of(changes: Iterable[Change]) -> int | None:
    """Add up the audiences that were counted; None where none was."""
    counts = [c.audience.count for c in changes if c.audience is not None and c.audience.count is not None]
    return sum(counts) if counts else None


def _instance_id(change: Change) -> str:
    return str((change.after or {}).get("instanceId"))
