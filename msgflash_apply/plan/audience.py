"""
Whom the changes of a plan reach: how many people, and whether that is more than was allowed.

Groups are counted by MsgFlash, `all` too; contact ids are looked for, and the people of tags are found by reading all
contacts, which a plan does as long as it takes few requests. Contract section 7, "Audience".
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from msgflash_apply.api.models import Contact, Group
from msgflash_apply.campaign import GROUP, INSTANCE, Address, JsonObject, Status, id_in, plain_id, plain_id_in
from msgflash_apply.findings import Code, Diagnostic, Severity
from msgflash_apply.models.project import MaxMessages
from msgflash_apply.plan.lookup import Lookups, place_of
from msgflash_apply.plan.plan import Action, Audience, Change, Plan, Reason, finding
from msgflash_apply.state.snapshot import Snapshot

MOST_REQUESTS: Final = 20
"""To count people where nothing else was asked for."""

MOST_UNKNOWN_NAMED: Final = 5


class Counting(StrEnum):
    """How far a plan goes to count people: a few requests, whatever it takes, or none."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class _Account:
    """What counting needs: groups by id, how many contacts there are, and all of them; None for what was not read."""

    groups: Mapping[str, Group] | None
    total: int | None
    contacts: Mapping[str, Contact] | None
    known: Mapping[str, bool]


async def count_audiences(
    changes: Sequence[Change], lookups: Lookups, counting: Counting
) -> tuple[tuple[Change, ...], list[Diagnostic]]:
    """
    Count the audience of every change that reaches people, and block it where that is more than its limit.

    Args:
        changes: of the whole plan.
        lookups: what the account has.
        counting: how many requests that may take.

    Returns:
        The changes with their audiences, and findings: unknown groups and contacts, no recipients, more than the
        number's warm-up advises.
    """
    reaching = [change for change in changes if change.is_sending or change.action is Action.RESUME]
    if not reaching:
        return tuple(changes), []
    account = await _read_account(reaching, lookups, counting)
    limits: Mapping[str, int | None] = {}
    if counting is not Counting.NEVER:
        limits = await lookups.warm_up_limits(i for c in reaching if (i := id_in(c.after or {}, INSTANCE)) is not None)
    counted: dict[Address, Change] = {}
    found: list[Diagnostic] = []
    for change in reaching:
        group = (account.groups or {}).get(plain_id_in(change.after, GROUP))
        audience = Audience(
            type=str(change.recipients.get("type")),
            count=_count(change.recipients, account),
            limit=limits.get(id_in(change.after or {}, INSTANCE) or ""),
            name=group.name if group is not None else None,
        )
        found += _check(change, audience, account)
        counted[change.address] = _within_limit(replace(change, audience=audience))
    return tuple(counted.get(change.address, change) for change in changes), found


async def count_people(changes: Sequence[Change], lookups: Lookups, counting: Counting) -> Mapping[Address, int | None]:
    """Count the recipients of some campaigns, without a check; None where they were not counted."""
    account = await _read_account(changes, lookups, counting)
    return {change.address: _count(change.recipients, account) for change in changes}


async def _read_account(changes: Sequence[Change], lookups: Lookups, counting: Counting) -> _Account:
    types = {change.recipients.get("type") for change in changes}
    if counting is Counting.NEVER:
        return _Account(None, None, None, {})
    most = None if counting is Counting.ALWAYS else MOST_REQUESTS
    explicit = {member for change in changes for member in _members(change.recipients, "explicit")}
    one_by_one = len(explicit) <= MOST_REQUESTS and "tags" not in types
    contacts = None
    if "tags" in types or (explicit and not one_by_one):
        contacts = await lookups.contacts(most_requests=most)
    known: Mapping[str, bool] = {}
    if explicit and contacts is None and one_by_one:
        known = await lookups.has_contacts(sorted(explicit))
    return _Account(
        groups=await lookups.groups() if "group" in types else None,
        total=await lookups.contacts_total() if "all" in types else None,
        contacts=contacts,
        known={member: member in contacts for member in explicit} if contacts is not None else known,
    )


def _members(recipients: JsonObject, kind: str) -> list[str]:
    """The tags, or the contact ids, of recipients of this kind."""
    value = recipients.get("value") if recipients.get("type") == kind else None
    return [plain_id(str(member)) for member in value] if isinstance(value, list) else []


def _count(recipients: JsonObject, account: _Account) -> int | None:
    """Count the recipients of one campaign; None where MsgFlash does not say how many, or they were not counted."""
    match recipients.get("type"):
        case "all":
            return account.total
        case "explicit" if account.known:
            return sum(account.known[member] for member in dict.fromkeys(_members(recipients, "explicit")))
        case "group" if account.groups is not None:
            group = account.groups.get(plain_id(str(recipients.get(GROUP))))
            return None if group is None else group.contact_count
        case "tags" if account.contacts is not None:
            # A contact with several of the tags counts once (reference 10.4).
            tags = set(_members(recipients, "tags"))
            return sum(not tags.isdisjoint(contact.tags) for contact in account.contacts.values())
        case _:
            return None


def _check(change: Change, audience: Audience, account: _Account) -> Iterator[Diagnostic]:
    identifier = id_in(change.after or {}, GROUP)
    if audience.type == "group" and account.groups is not None and identifier is not None and audience.name is None:
        message, hint = f"the account has no group {identifier}", "give a group of this account, by name or id"
        yield finding(Severity.ERROR, Code.UNKNOWN_GROUP, change, message, hint, place_of(change, GROUP))
        return
    unknown = [
        (index, member)
        for index, member in enumerate(_members(change.recipients, "explicit"))
        if account.known.get(member) is False
    ]
    for index, member in unknown[:MOST_UNKNOWN_NAMED]:
        more = f"; {len(unknown)} of this list are unknown" if len(unknown) > MOST_UNKNOWN_NAMED else ""
        message, hint = f"the account has no contact {member}{more}", "give ids of contacts of this account"
        path = ("recipients", "value", index)
        yield finding(Severity.ERROR, Code.UNKNOWN_CONTACT, change, message, hint, path)
    if audience.count == 0 and not unknown:
        tags = sorted(set(_members(change.recipients, "tags")))
        why = {"group": "the group has no contacts", "tags": f"no contact is tagged {' or '.join(tags)}"}
        message = f"the campaign has no recipients: {why.get(audience.type, 'the account has no contacts')}"
        yield finding(Severity.WARNING, Code.NO_RECIPIENTS, change, message, None, ("recipients",))
    elif audience.count is not None and audience.limit is not None and audience.count > audience.limit:
        message = f"{audience.count} recipients, and the instance's warm-up advises at most {audience.limit}"
        hint = "split the campaign, or send it from a number that is warmed up"
        yield finding(Severity.WARNING, Code.ABOVE_WARM_UP, change, message, hint, ("recipients",))


def _within_limit(change: Change) -> Change:
    """Block a change that reaches more people than it may, or of which that cannot be said."""
    most, count = change.max_people, change.audience.count if change.audience is not None else None
    if most is None or (count is not None and count <= most):
        return change
    if count is None:
        how = "its people were not counted (--audience always does)"
        return change.blocked(Reason.LIMIT, f"at most {most} people may receive it, and {how}")
    return change.blocked(Reason.LIMIT, f"{count} people would receive it, and at most {most} may")


def uncounted(changes: Iterable[Change]) -> list[Diagnostic]:
    """Warn once of the changes whose people were not counted: a reviewer cannot know how many they are."""
    blind = [
        change
        for change in changes
        if change.is_sending
        and change.audience is not None
        and change.audience.count is None
        # One whose group is not known is an error of its own.
        and not (change.audience.type == "group" and change.audience.name is None)
    ]
    if not blind:
        return []
    others = f"; {len(blind)} campaigns are not counted" if len(blind) > 1 else ""
    is_too_much = any(change.audience is not None and change.audience.type in {"tags", "explicit"} for change in blind)
    why = f"that takes more than {MOST_REQUESTS} requests" if is_too_much else "MsgFlash does not say"
    message = f"how many people would receive it was not counted: {why}{others}"
    hint = "to count them all the same: --audience always" if is_too_much else None
    return [finding(Severity.WARNING, Code.NOT_COUNTED, blind[0], message, hint, ("recipients",))]


# How often one audience is written to.


def too_often(changes: Sequence[Change], limit: MaxMessages, snapshot: Snapshot) -> Iterator[tuple[Address, str]]:
    """
    Find the changes by which more campaigns of this state reach one audience than the policy allows.

    One audience is a tag, a group, or all contacts; a campaign to all counts for each of the others. Repetitions count
    as often as they fall into the time.

    Returns:
        Addresses, and why.
    """
    going_out = {change.address: change for change in changes if change.is_sending}
    former = [
        (record.facts.starts_at, record.facts.payload)
        for address, record in snapshot.records()
        if address not in going_out and record.status not in {Status.CANCELLED, Status.FAILED} and not record.retired
    ]
    former += [
        (intent.facts.starts_at, intent.facts.payload)
        for address, intent in snapshot.in_doubt.items()
        if address not in going_out
    ]
    starts: dict[str, list[datetime]] = {}
    for start, payload in former:
        _note(starts, start, payload, limit)
    for change in sorted(going_out.values(), key=lambda change: (change.starts_at, change.address)):
        payload = change.after or {}
        _note(starts, change.starts_at, payload, limit)
        for audience in _audiences(payload):
            also = starts.get("all contacts", []) if audience != "all contacts" else []
            near = [at for at in (*starts[audience], *also) if abs(at - change.starts_at) < limit.per]
            count = max(sum(at <= other < at + limit.per for other in near) for at in near)
            if count > limit.count:
                days = f"{limit.per / timedelta(days=1):g} days"
                why = f"{count} campaigns would reach {audience} within {days}, and `policy.max_messages` allows "
                yield change.address, f"{why}{limit.count}"
                break


def _note(starts: dict[str, list[datetime]], start: datetime, payload: JsonObject, limit: MaxMessages) -> None:
    step = {"daily": timedelta(days=1), "weekly": timedelta(days=7)}.get(str(payload.get("repeat")))
    rounds = 1 if step is None else max(1, -(-limit.per // step))
    for audience in _audiences(payload):
        starts.setdefault(audience, []).extend(start + (step or timedelta()) * number for number in range(rounds))


def _audiences(payload: JsonObject) -> list[str]:
    """Name the audiences that a campaign is written to; contact ids, and groups that were not looked up, are none."""
    match payload.get("recipients"):
        case {"type": "all"}:
            return ["all contacts"]
        case {"type": "group", "groupId": str(identifier)}:
            return [f"group {plain_id(identifier)}"]
        case {"type": "tags", "value": list(tags)}:
            return [f"tag {tag}" for tag in dict.fromkeys(tags)]
        case _:
            return []


# Growth between the approval and the apply.

TOLERATED_SHARE: Final = 1.1

TOLERATED_PEOPLE: Final = 10


def has_grown(before: int | None, after: int | None) -> bool:
    """Whether an audience is a tenth, and ten people, larger than the one that was approved."""
    return before is not None and after is not None and after > before * TOLERATED_SHARE + TOLERATED_PEOPLE


def grown(approved: Plan, now: Plan) -> Iterator[str]:
    """Say of each change whose audience has grown since it was approved, how much."""
    before = {change.address: change.audience for change in approved.changes}
    for change in now.changes:
        shown, counted = before.get(change.address), change.audience
        if shown is not None and counted is not None and has_grown(shown.count, counted.count):
            yield f"{change.address}: {shown.count} people were shown, {counted.count} would receive it now"


def messages_of(changes: Iterable[Change]) -> int | None:
    """Add up the audiences that were counted, of what is not blocked; None where none was."""
    going_out = (c.audience for c in changes if c.audience is not None and c.action is not Action.BLOCKED)
    counts = [audience.count for audience in going_out if audience.count is not None]
    return sum(counts) if counts else None
