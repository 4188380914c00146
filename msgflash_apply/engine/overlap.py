"""Two campaigns to the same people within a day: allowed, and worth a warning with both names. Pure."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

from msgflash_apply.config.codes import Code
from msgflash_apply.engine.plan import SENDING, Action, Change
from msgflash_apply.engine.preflight import finding
from msgflash_apply.errors import Diagnostic, Severity

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
