"""
What only shows when all campaigns are seen together: one address twice, one mailing twice, one past claimed twice.

Each of these would end in a second mailing to the same people, or in a campaign that is paused by mistake. Read
`clashes` first.
"""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import TypeVar

from msgflash_apply.campaign import Address, Desired
from msgflash_apply.files.positions import Placed
from msgflash_apply.findings import Code, Finding, ValuePath

Clash = tuple[Placed, Finding]


def clashes(campaigns: Sequence[Placed]) -> Iterator[Clash]:
    """Find what stands between campaigns; each finding with the campaign it is about, both sides of a clash."""
    yield from _same_address(campaigns)
    usable = [(placed, placed.desired) for placed in campaigns if placed.desired is not None]
    yield from _same_mailing(usable)
    movers = [(placed, wanted) for placed, wanted in usable if wanted.moved_from]
    if movers:
        yield from _same_past(movers)
        yield from _still_in_use(movers, {placed.address for placed in campaigns})


Wanted = tuple[Placed, Desired]

Key = TypeVar("Key", bound=Hashable)

One = TypeVar("One")


def _groups(pairs: Iterable[tuple[Key, One]]) -> Iterator[tuple[Key, list[One]]]:
    """Keys that more than one has."""
    pairs = list(pairs)
    if len({key for key, _ in pairs}) == len(pairs):  # the usual case
        return
    first: dict[Key, One] = {}
    several: dict[Key, list[One]] = {}
    for key, one in pairs:
        if first.setdefault(key, one) is not one:
            several.setdefault(key, [first[key]]).append(one)
    yield from several.items()


def _each(group: Sequence[Placed], code: Code, message: str, hint: str) -> Iterator[Clash]:
    """One finding per member, naming another one in place of `{other}`."""
    for placed in group:
        other = next(one for one in group if one is not placed)
        yield placed, _finding(placed, code, (), message.replace("{other}", other.where), hint)


def _finding(placed: Placed, code: Code, path: ValuePath, message: str, hint: str) -> Finding:
    return Finding(code, path, message, hint, address=placed.address)


def _same_address(campaigns: Iterable[Placed]) -> Iterator[Clash]:
    for address, group in _groups((placed.address, placed) for placed in campaigns):
        message = f"the address `{address}` is taken twice, also by {{other}}"
        yield from _each(group, Code.SAME_ADDRESS, message, "rename one of the files, or give one a `key` of its own")


def _same_mailing(usable: Iterable[Wanted]) -> Iterator[Clash]:
    hint = "delete one, or let them differ in name, start, recipients or content"
    alike = _groups(
        ((wanted.payload["name"], wanted.payload["schedule"]), (placed, wanted)) for placed, wanted in usable
    )
    pairs = ((wanted.fingerprint, placed) for _, group in alike for placed, wanted in group)
    for _, group in _groups(pairs):
        if len({placed.address for placed in group}) > 1:  # one address twice is told already
            yield from _each(group, Code.SAME_MAILING, "it would be the same mailing twice, also by {other}", hint)


def _same_past(movers: Iterable[Wanted]) -> Iterator[Clash]:
    claims = [(former, placed) for placed, wanted in movers for former in dict.fromkeys(wanted.moved_from)]
    for former, group in _groups(claims):
        message = f"the former address `{former}` is claimed twice, also by {{other}}"
        yield from _each(group, Code.FORMER_ADDRESS_TAKEN, message, "only one campaign can be what it was")


def _still_in_use(movers: Iterable[Wanted], addresses: set[Address]) -> Iterator[Clash]:
    """A record cannot move away from under a campaign that stays: it would be created, and sent, again."""
    moving = {placed.address for placed, _ in movers}
    for placed, wanted in movers:
        for index, former in enumerate(wanted.moved_from):
            if former in addresses and former not in moving:
                message = f"the former address `{former}` is still in use, and that campaign would be sent again"
                hint = f"delete `{former}` from the files, or this entry"
                yield placed, _finding(placed, Code.FORMER_ADDRESS_TAKEN, ("moved_from", index), message, hint)
