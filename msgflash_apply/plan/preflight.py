"""
Before anything leaves: what the policy forbids, what MsgFlash would not do, and what it will cost.

The policy turns creates into blocked changes. Checks against MsgFlash are diagnostics: errors where the server would
fail silently or on the wrong account, warnings where a person may know better.

Who would get each create: counted where MsgFlash can tell, and held against what the number's warm-up advises.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, time
from zoneinfo import ZoneInfo

from msgflash_apply.campaign import Status
from msgflash_apply.files.settings import Policy, QuietHours
from msgflash_apply.findings import Code, Diagnostic, Severity
from msgflash_apply.plan.lookup import Lookups
from msgflash_apply.plan.plan import Action, Audience, Change, Reason
from msgflash_apply.state.snapshot import Snapshot

FEW_CAMPAIGNS = 10


def enforce(changes: Sequence[Change], policy: Policy, snapshot: Snapshot) -> tuple[Change, ...]:
    """Block what the policy of msgflash.yaml forbids: quiet hours, and more at once than a plan may hold."""
    quiet = policy.quiet_hours
    if quiet is not None:
        changes = [_block_if_quiet(change, quiet) for change in changes]
    changes = _limit_creates(changes, policy)
    return tuple(_limit_retires(changes, policy, snapshot))


def _block_if_quiet(change: Change, quiet: QuietHours) -> Change:
    if not change.is_sending or not is_quiet(change.starts_at, quiet):
        return change
    told = f"its start lies in the quiet hours, {quiet.starts:%H:%M} to {quiet.ends:%H:%M} {quiet.timezone}"
    return replace(change, action=Action.BLOCKED, reason=Reason.QUIET_HOURS, explanation=told)


def is_quiet(moment: datetime, quiet: QuietHours) -> bool:
    """Say whether an instant lies in the quiet hours, in the zone of the policy; the hours may span midnight."""
    local: time = moment.astimezone(ZoneInfo(quiet.timezone)).time()
    if quiet.starts <= quiet.ends:
        return quiet.starts <= local < quiet.ends
    return local >= quiet.starts or local < quiet.ends


def _limit_creates(changes: Sequence[Change], policy: Policy) -> Sequence[Change]:
    count = sum(change.is_sending for change in changes)
    if policy.max_creates is None or count <= policy.max_creates:
        return changes
    told = f"the plan would create {count}, and `policy.max_creates` is {policy.max_creates}"
    return [_block_by_limit(change, told) if change.is_sending else change for change in changes]


def _limit_retires(changes: Sequence[Change], policy: Policy, snapshot: Snapshot) -> Sequence[Change]:
    managed = len(snapshot.campaigns)
    live = sum(not record.retired for record in snapshot.campaigns.values())
    allowed = _allowed_retires(policy, live)
    count = sum(change.action is Action.RETIRE for change in changes)
    if managed <= FEW_CAMPAIGNS or allowed is None or count <= allowed:
        return changes
    told = f"the plan would retire {count} of {live}, and `policy.max_retires` allows {allowed}"
    return [_block_by_limit(change, told) if change.action is Action.RETIRE else change for change in changes]


def _allowed_retires(policy: Policy, live: int) -> int | None:
    limit = policy.max_retires
    return int(limit * live) if isinstance(limit, float) else limit


def _block_by_limit(change: Change, told: str) -> Change:
    return replace(change, action=Action.BLOCKED, reason=Reason.LIMIT, explanation=told)


async def check_sending(changes: Sequence[Change], lookups: Lookups) -> list[Diagnostic]:
    """Check every create and replace against the account: is its instance there and connected, its template filled."""
    sending = [change for change in changes if change.is_sending]
    if not sending:
        return []
    return [*await _check_instances(sending, lookups), *await _check_templates(sending, lookups)]


async def _check_instances(sending: Sequence[Change], lookups: Lookups) -> list[Diagnostic]:
    known = {instance.id: instance for instance in await lookups.instances()}
    found = []
    for change in sending:
        identifier = str((change.after or {}).get("instanceId"))
        instance = known.get(identifier)
        if instance is None:
            listed = "; ".join(f"{one.name} ({one.id})" for one in known.values()) or "none"
            message = f"the account has no instance {identifier}"
            found.append(finding(Severity.ERROR, Code.UNKNOWN_INSTANCE, change, message, f"it has: {listed}"))
        elif not instance.is_connected:
            message = f"instance `{instance.name}` is {instance.status}, not connected"
            hint = "connect it in the MsgFlash console before the campaign starts, or every message fails"
            found.append(finding(Severity.WARNING, Code.NOT_CONNECTED, change, message, hint))
    return found


async def _check_templates(sending: Sequence[Change], lookups: Lookups) -> list[Diagnostic]:
    by_template = {str(c.after["templateId"]): c for c in sending if c.after and "templateId" in c.after}
    if not by_template:
        return []
    known = await lookups.template_variables(by_template)
    found: list[Diagnostic] = []
    for change in sending:
        if change.after and "templateId" in change.after:
            found += _check_variables(change, known[str(change.after["templateId"])])
    return found


def _check_variables(change: Change, placeholders: Sequence[str] | None) -> Iterable[Diagnostic]:
    after = change.after or {}
    if placeholders is None:
        message = f"the account has no template {after['templateId']}"
        return [
            finding(
                Severity.ERROR, Code.UNKNOWN_TEMPLATE, change, message, "give a template of this account, by name or id"
            )
        ]
    variables = after.get("variables")
    given = set(variables) if isinstance(variables, Mapping) else set()
    needed = {path.removeprefix("custom.") for path in placeholders if path.startswith("custom.")}
    missing = [
        finding(
            Severity.ERROR,
            Code.VARIABLE_MISSING,
            change,
            f"the template needs the variable `{name}`, and `variables` does not give it",
            f"add `{name}: ...` to `variables`; without it every message of the campaign fails",
        )
        for name in sorted(needed - given)
    ]
    unused = [
        finding(
            Severity.WARNING,
            Code.VARIABLE_UNUSED,
            change,
            f"the template does not use the variable `{name}`",
            "remove it",
        )
        for name in sorted(given - needed)
    ]
    return missing + unused


def finding(severity: Severity, code: str, change: Change, message: str, hint: str | None) -> Diagnostic:
    """Make a diagnostic about a change, at the place its campaign is written."""
    source = change.source
    return Diagnostic(
        severity,
        code,
        message,
        hint,
        file=source.file if source else None,
        line=source.line if source else None,
        address=change.address,
    )


def requests_needed(changes: Iterable[Change]) -> int:
    """Forecast how many requests an apply of these changes sends when nothing goes wrong."""
    return sum(_requests_for(change) for change in changes)


def _requests_for(change: Change) -> int:
    is_live = change.status != Status.PAUSED
    # A replace pauses the old one unless it is paused, reads it to be sure that nothing was sent, creates the new one.
    costs = {
        Action.CREATE: 1 + change.pause_after,
        Action.REPLACE: 2 + is_live + change.pause_after,
        Action.PAUSE: 1,
        Action.RESUME: 1,
        Action.RETIRE: int(is_live),
    }
    return costs.get(change.action, 0)


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
        The changes with their audiences, and findings: unknown groups, nobody, above the warm-up's advice.
    """
    sending = [change for change in changes if change.is_sending]
    if not sending:
        return tuple(changes), []
    counts, found = await _counts(sending, lookups, count_tags=count_tags)
    limits = await lookups.warm_up_limits(_instance(change) for change in sending)
    audiences = {
        change.address: Audience(_kind(change), counts[change.address], limits.get(_instance(change)))
        for change in sending
    }
    counted = [replace(c, audience=audiences[c.address]) if c.address in audiences else c for c in changes]
    for change in counted:
        found += _findings(change)
    return tuple(counted), found


def messages_of(changes: Iterable[Change]) -> int | None:
    """Add up the audiences that were counted; None where none was."""
    counts = [c.audience.count for c in changes if c.audience is not None and c.audience.count is not None]
    return sum(counts) if counts else None


async def _counts(
    sending: Sequence[Change], lookups: Lookups, *, count_tags: bool
) -> tuple[dict[str, int | None], list[Diagnostic]]:
    of_group = {change.address: str(_recipients(change)["groupId"]) for change in sending if _kind(change) == "group"}
    groups = await lookups.groups(of_group.values())
    total = await lookups.contacts_total() if any(_kind(change) == "all" for change in sending) else None
    tagged = await _tagged(sending, lookups) if count_tags else {}
    counts: dict[str, int | None] = {}
    found = []
    for change in sending:
        value = _recipients(change).get("value")
        group = groups.get(of_group.get(change.address, ""))
        counts[change.address] = {
            "all": total,
            "explicit": len(value) if isinstance(value, list) else None,
            "group": group.contact_count if group else None,
            "tags": tagged.get(change.address),
        }.get(_kind(change))
        if change.address in of_group and group is None:
            message = f"the account has no group {of_group[change.address]}"
            hint = "give the id of a group of this account"
            found.append(finding(Severity.ERROR, Code.UNKNOWN_GROUP, change, message, hint))
    return counts, found


async def _tagged(sending: Sequence[Change], lookups: Lookups) -> dict[str, int]:
    """Count the contacts that have any of a campaign's tags, each once (reference 10.4)."""
    wanted = {change.address: _tags(change) for change in sending if _kind(change) == "tags"}
    if not wanted:
        return {}
    tags_of_contacts = [frozenset(contact.tags) for contact in await lookups.contacts()]
    return {address: sum(not tags.isdisjoint(one) for one in tags_of_contacts) for address, tags in wanted.items()}


def _findings(change: Change) -> list[Diagnostic]:
    audience = change.audience
    if audience is None or audience.count is None:
        return []
    if audience.count == 0:
        message = {
            "group": "nobody would get it: the group has no contacts",
            "tags": f"nobody would get it: no contact is tagged {' or '.join(sorted(_tags(change)))}",
        }.get(audience.type, "nobody would get it: the account has no contacts")
        return [finding(Severity.WARNING, Code.NOBODY, change, message, None)]
    if audience.limit is not None and audience.count > audience.limit:
        message = f"{audience.count} recipients, and the instance's warm-up advises at most {audience.limit}"
        hint = "split the campaign, or send it from a number that is warmed up"
        return [finding(Severity.WARNING, Code.ABOVE_WARM_UP, change, message, hint)]
    return []


def _recipients(change: Change) -> Mapping[str, object]:
    recipients = (change.after or {}).get("recipients")
    return recipients if isinstance(recipients, Mapping) else {}


def _kind(change: Change) -> str:
    return str(_recipients(change).get("type"))


def _tags(change: Change) -> frozenset[str]:
    value = _recipients(change).get("value")
    return frozenset(str(tag) for tag in value) if isinstance(value, list) else frozenset()


def _instance(change: Change) -> str:
    return str((change.after or {}).get("instanceId"))
