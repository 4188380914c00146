"""Who would get each create: counted where MsgFlash can tell, and held against what the number's warm-up advises."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from msgflash_apply.config.codes import Code
from msgflash_apply.engine.lookup import Lookups
from msgflash_apply.engine.plan import Audience, Change
from msgflash_apply.engine.preflight import finding
from msgflash_apply.errors import Diagnostic, Severity


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
