"""
What would reach the same people twice. Pure.

The same mailing under two addresses, or a record that loses its address, is an error of the plan: nothing is sent at
all until a person says which of the two is meant. Two campaigns to the same people within a day are allowed, and worth
a warning with both names.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import TypeAlias, cast

from msgflash_apply.campaign import Address, Fingerprint, JsonObject, fingerprint, with_plain_ids
from msgflash_apply.findings import Code, Diagnostic, InvalidFiles, Severity
from msgflash_apply.plan.lookup import LookedUp
from msgflash_apply.plan.plan import SENDING, Action, Change, finding
from msgflash_apply.plan.refresh import PriorState
from msgflash_apply.plan.renames import by_words, fingerprints_of
from msgflash_apply.state.snapshot import Snapshot

CLOSE = timedelta(days=1)

GOING_OUT = SENDING | {Action.NO_OP, Action.RESUME, Action.MOVE}
"""Actions after which a campaign goes out, or has gone out."""


def refuse_duplicates(items: Sequence[LookedUp]) -> None:
    """
    Refuse two campaigns that turned out to be the same mailing once their names were looked up.

    Raises:
        InvalidFiles: with a finding for every duplicate but the first by address.
    """
    if len({item.fingerprint for item in items}) == len(items):  # the usual case
        return
    first: dict[Fingerprint, LookedUp] = {}
    found = []
    for item in sorted(items, key=lambda item: item.desired.address):
        other = first.setdefault(item.fingerprint, item).desired
        if other is not item.desired:
            message = f"duplicates campaign `{other.address}` ({other.source.file}:{other.source.line})"
            hint = "remove one of them, or change what is sent"
            found.append(finding(Severity.ERROR, Code.ALREADY_SENT, item.desired, message, hint))
    raise InvalidFiles(found)


def same_mailing(changes: Iterable[Change], prior: PriorState) -> list[Diagnostic]:
    """
    Find creates that would send again what the state has under another address, or what this plan sends already.

    A file that is copied and then edited at its old place looks like the former, contract section 5: never a second
    mailing. The latter comes from `ignore_changes`, by which a payload is not the one of the file. Templates count by
    what they say: one that was deleted is made anew under another id.
    """
    snapshot = prior.snapshot
    sending = [change for change in changes if change.is_sending]
    if not sending:
        return []
    homes: dict[Fingerprint, set[Address]] = {}
    starts = {change.starts_at for change in sending}  # at another time it is another mailing
    known = [(address, record.facts) for address, record in snapshot.campaigns.items()]
    known += [(address, intent.facts) for address, intent in snapshot.in_doubt.items()]
    for address, facts in known:
        for print_ in fingerprints_of(facts) if facts.starts_at in starts else ():
            homes.setdefault(print_, set()).add(address)
    found = []
    for change in sending:
        payload = change.after or {}
        template = prior.template(payload, change.template_address)
        prints = [fingerprint(payload), *([] if template is None else [by_words(payload, template.content.digest)])]
        same = [homes.setdefault(print_, set()) for print_ in prints]
        others = sorted(set().union(*same) - {change.address, change.previous_address})
        if others:
            message = f"duplicates campaign `{others[0]}`: people would get the same messages twice"
            hint = f"change what is sent, or, if this is its new name, write `moved_from: [{others[0]}]`"
            found.append(finding(Severity.ERROR, Code.ALREADY_SENT, change, message, hint))
        for addresses in same:
            addresses.add(change.address)
    return found


def taken_addresses(changes: Sequence[Change], snapshot: Snapshot) -> list[Diagnostic]:
    """
    Find campaigns that come to an address whose record has not left it, because its move is not in this plan.

    That happens where a plan is narrowed to one end of a chain of renames. Carried out, the record would be taken for
    that of the newcomer, and the campaign whose record it is would be new, and sent, again.
    """
    known = snapshot.campaigns.keys() | snapshot.in_doubt.keys()
    left = {change.previous_address for change in changes}
    newcomers = [c for c in changes if c.previous_address is not None or (c.is_sending and c.before is None)]
    return [
        finding(
            Severity.ERROR,
            Code.ALREADY_SENT,
            change,
            f"the campaign that was at `{change.address}` has moved, and this plan leaves its record behind",
            "plan without --target and --select",
        )
        for change in newcomers
        if change.address in known and change.address not in left
    ]


def overlaps(changes: Sequence[Change]) -> list[Diagnostic]:
    """
    Warn of each create that reaches people whom another campaign reaches within a day.

    "The same people" means a tag, group or contact in common, or everybody twice; repeats count by their first start.

    Returns:
        One warning per create, naming the other campaign whose start is nearest; a pair of creates draws one.
    """
    if not any(change.is_sending for change in changes):
        return []
    going_out = sorted((c for c in changes if c.action in GOING_OUT), key=lambda c: (c.starts_at, c.address))
    nearest = _nearest(going_out)
    found = []
    for change in going_out:
        if change.address not in nearest:
            continue
        _, _, people, other = nearest[change.address]
        this, that = (str((one.after or {}).get("name", one.address)) for one in (change, other))
        message = (
            f"`{this}` and `{that}` ({other.address}) reach the same people within a day: {people}, "
            f"{change.starts_at:%Y-%m-%d %H:%M} and {other.starts_at:%Y-%m-%d %H:%M} UTC"
        )
        hint = "move one of them, if that is not meant"
        found.append(finding(Severity.WARNING, Code.OVERLAP, change, message, hint))
    return found


_Near: TypeAlias = tuple[timedelta, Address, str, Change]


def _nearest(going_out: Sequence[Change]) -> Mapping[Address, _Near]:
    """For each create the campaign to the same people whose start is nearest, if it is near."""
    groups = _groups(going_out)
    nearest: dict[Address, _Near] = {}
    for is_forward in (True, False):  # the one before it, and the one after it
        last: dict[str, Change] = {}
        for change, reached in list(zip(going_out, groups, strict=True))[:: 1 if is_forward else -1]:
            for people in reached:
                other = last.get(people)
                last[people] = change
                # Of two creates the earlier one warns; the later one would say the same again.
                if other is None or not change.is_sending or (is_forward and other.is_sending):
                    continue
                near = (abs(other.starts_at - change.starts_at), other.address, people, other)
                if near[0] < CLOSE and (change.address not in nearest or near[:3] < nearest[change.address][:3]):
                    nearest[change.address] = near
    return nearest


def _groups(changes: Sequence[Change]) -> list[Sequence[str]]:
    """
    Name the groups of people whom each campaign reaches; of groups that the same campaigns reach, the first by name.

    A thousand campaigns to the same thousand tags have one group in common, and no million.
    """
    audiences = [_audience(change) for change in changes]
    numbers = {audience: number for number, audience in enumerate(dict.fromkeys(audiences))}
    reached: dict[str, list[int]] = {}
    for audience, number in numbers.items():
        for people in set(audience):
            reached.setdefault(people, []).append(number)
    first: dict[tuple[int, ...], str] = {}
    for people, reaching in reached.items():
        key = tuple(reaching)
        first[key] = min(people, first.get(key, people))
    groups: list[list[str]] = [[] for _ in numbers]
    for key, people in first.items():
        for number in key:
            groups[number].append(people)
    return [groups[numbers[audience]] for audience in audiences]


def _audience(change: Change) -> tuple[str, ...]:
    """Name the groups of people whom a campaign reaches."""
    recipients = cast("JsonObject", with_plain_ids({"recipients": change.recipients})["recipients"])
    value = recipients.get("value")
    members = value if isinstance(value, list) else ()
    match recipients.get("type"):
        case "all":
            return ("everybody",)
        case "group":
            return (f"group {recipients.get('groupId')}",)
        case "tags":
            return tuple([f"tag {tag}" for tag in members])
        case _:
            return tuple([f"contact {one}" for one in members])
