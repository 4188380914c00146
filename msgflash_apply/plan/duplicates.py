"""
What would make one mailing two: the same payload under two addresses, or a record that loses its address. Pure.

Each finding is an error of the plan: nothing is sent at all until a person says which of the two is meant.

Two campaigns to the same people within a day: allowed, and worth a warning with both names. Pure.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta

from msgflash_apply.campaign import Address, Fingerprint, fingerprint
from msgflash_apply.findings import Code, Diagnostic, InvalidFiles, Severity
from msgflash_apply.plan.lookup import LookedUp
from msgflash_apply.plan.plan import SENDING, Action, Change
from msgflash_apply.plan.preflight import finding
from msgflash_apply.plan.renames import fingerprints_at
from msgflash_apply.state.snapshot import Snapshot


def refuse_twins(items: Sequence[LookedUp]) -> None:
    """
    Refuse two campaigns that turned out to be the same mailing once their names were looked up.

    Raises:
        InvalidFiles: with a finding for every twin but the first by address.
    """
    if len({item.fingerprint for item in items}) == len(items):  # the usual case
        return
    first: dict[Fingerprint, LookedUp] = {}
    found = []
    for item in sorted(items, key=lambda item: item.desired.address):
        twin = first.setdefault(item.fingerprint, item)
        if twin is not item:
            found.append(_twin(item, twin))
    raise InvalidFiles(found)


def _twin(item: LookedUp, twin: LookedUp) -> Diagnostic:
    source = item.desired.source
    message = f"this is the same mailing as `{twin.desired.address}`: it would reach people twice"
    hint = "remove one of them, or change what is sent"
    return Diagnostic(
        Severity.ERROR, "MF510", message, hint, file=source.file, line=source.line, address=item.desired.address
    )


def same_mailing(changes: Iterable[Change], snapshot: Snapshot) -> list[Diagnostic]:
    """
    Find creates that would send again what the state has under another address, or what this plan sends already.

    A file that is copied and then edited at its old place looks like the former, contract section 5: never a second
    mailing. The latter comes from `ignore_changes`, by which a payload is not the one of the file.
    """
    sending = [change for change in changes if change.is_sending]
    if not sending:
        return []
    homes: dict[Fingerprint, set[Address]] = {}
    for address in snapshot.campaigns.keys() | snapshot.in_doubt.keys():
        for print_ in fingerprints_at(snapshot, address):
            homes.setdefault(print_, set()).add(address)
    found = []
    for change in sending:
        others = homes.setdefault(fingerprint(change.after or {}), set())
        twins = sorted(others - {change.address, change.previous_address})
        if twins:
            message = f"this is the mailing that `{twins[0]}` already stands for: it would reach people twice"
            hint = f"change what is sent, or, if this is its new name, write `moved_from: [{twins[0]}]`"
            found.append(finding(Severity.ERROR, "MF510", change, message, hint))
        others.add(change.address)
    return found


def taken_addresses(changes: Sequence[Change], snapshot: Snapshot) -> list[Diagnostic]:
    """
    Find campaigns that come to an address whose record has not left it, because its move is not in this plan.

    That happens where a plan is narrowed to one end of a chain of renames. Carried out, the record would be taken for
    that of the newcomer, and the campaign it stands for would be new, and sent, again.
    """
    known = snapshot.campaigns.keys() | snapshot.in_doubt.keys()
    left = {change.previous_address for change in changes}
    newcomers = [c for c in changes if c.previous_address is not None or (c.is_sending and c.before is None)]
    return [
        finding(
            Severity.ERROR,
            "MF510",
            change,
            f"the campaign that was at `{change.address}` has moved, and this plan leaves its record behind",
            "plan without --target and --select",
        )
        for change in newcomers
        if change.address in known and change.address not in left
    ]


CLOSE = timedelta(days=1)

STANDING = SENDING | {Action.NO_OP, Action.RESUME, Action.MOVE}


def overlaps(changes: Sequence[Change]) -> list[Diagnostic]:
    """
    Warn of each create that reaches people whom another campaign reaches within a day.

    "The same people" means a tag, group or contact in common, or everybody twice; repeats count by their first start.

    Returns:
        One warning per create, naming the other campaign whose start is nearest; a pair of creates draws one.
    """
    if not any(change.is_sending for change in changes):
        return []
    standing = sorted((c for c in changes if c.action in STANDING), key=lambda c: (c.starts_at, c.address))
    by_people: dict[str, list[Change]] = {}
    for change in standing:
        for people in set(_people(change)):
            by_people.setdefault(people, []).append(change)
    near = ((change, _nearest(change, by_people)) for change in standing if change.is_sending)
    return [_warning(change, *other) for change, other in near if other is not None]


def _nearest(change: Change, by_people: Mapping[str, Sequence[Change]]) -> tuple[str, Change] | None:
    candidates = [
        (abs(other.starts_at - change.starts_at), people, other)
        for people in sorted(set(_people(change)))
        for other in _around(change, by_people[people])
    ]
    if not candidates:
        return None
    _, people, other = min(candidates, key=lambda entry: (entry[0], entry[2].address, entry[1]))
    return people, other


def _around(change: Change, line: Sequence[Change]) -> Iterator[Change]:
    """Give the neighbours in time, one on either side: the nearest is among them."""
    index = bisect_left(line, (change.starts_at, change.address), key=lambda other: (other.starts_at, other.address))
    earlier = (other for other in reversed(line[max(0, index - 1) : index]))
    # Of two creates the earlier one warns; the later one would say the same again.
    yield from (o for o in earlier if not o.is_sending and change.starts_at - o.starts_at < CLOSE)
    yield from (o for o in line[index + 1 : index + 2] if o.starts_at - change.starts_at < CLOSE)


def _people(change: Change) -> Iterator[str]:
    recipients = (change.after or {}).get("recipients")
    if not isinstance(recipients, Mapping):
        return
    value = recipients.get("value")
    match recipients.get("type"):
        case "all":
            yield "everybody"
        case "group":
            yield f"group {recipients.get('groupId')}"
        case "tags":
            yield from (f"tag {tag}" for tag in (value if isinstance(value, list) else ()))
        case _:
            yield from (f"contact {one}" for one in (value if isinstance(value, list) else ()))


def _warning(change: Change, people: str, other: Change) -> Diagnostic:
    this, that = (str((one.after or {}).get("name", one.address)) for one in (change, other))
    message = (
        f"`{this}` and `{that}` ({other.address}) reach the same people within a day: {people}, "
        f"{change.starts_at:%Y-%m-%d %H:%M} and {other.starts_at:%Y-%m-%d %H:%M} UTC"
    )
    return finding(Severity.WARNING, Code.OVERLAP, change, message, "move one of them, if that is not meant")
