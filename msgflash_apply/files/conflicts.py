"""
Conflicts between campaigns, or templates: one address, mailing or former address twice, or one still in use.

They show only once all files are read, and each would end in a second mailing to the same people, or in a campaign
that is paused by mistake. Read `find_conflicts` first.
"""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from msgflash_apply.campaign import Desired
from msgflash_apply.files.expand import Expanded, Wanted
from msgflash_apply.findings import Code, Finding, Severity
from msgflash_apply.models.project import Settings

Conflict = tuple[Expanded[Any], Finding]

Key = TypeVar("Key", bound=Hashable)

One = TypeVar("One")


def find_conflicts(campaigns: Sequence[Expanded[Desired]], settings: Settings) -> Iterator[Conflict]:
    """Find what is wrong between campaigns; each finding with the campaign that it is about, both sides of a pair."""
    yield from address_conflicts(campaigns, "campaign")
    usable = [(one, one.desired) for one in campaigns if one.desired is not None]
    alike = _shared(((wanted.payload["name"], wanted.payload["schedule"]), (one, wanted)) for one, wanted in usable)
    for _, group in _shared((wanted.fingerprint, one) for _, pairs in alike for one, wanted in pairs):
        if len({one.address for one in group}) > 1:  # one address twice has its own finding
            hint = "delete one, or let them differ in name, start, recipients or content"
            if settings.recipients is not None:
                where = f"environment `{settings.environment}`"
                hint = f"let them differ in name, start or content: in {where} both go to its `recipients`"
            yield from _on_each(group, Code.SAME_MAILING, "duplicates campaign", hint)


def address_conflicts(every: Sequence[Expanded[Wanted]], noun: str) -> Iterator[Conflict]:
    """Find what is wrong with the addresses of campaigns, or of templates: the two are called by `noun`."""
    for address, group in _shared((one.address, one) for one in every):
        hint = "rename one of the files, or give one a `key` of its own"
        yield from _on_each(group, Code.SAME_ADDRESS, f"the address `{address}` is taken twice, also by", hint)
    yield from _only_case_differs(every)
    usable = ((one, one.desired) for one in every if one.desired is not None)
    yield from _former_addresses([(one, wanted.moved_from) for one, wanted in usable if wanted.moved_from], every, noun)


def _only_case_differs(campaigns: Sequence[Expanded[Any]]) -> Iterator[Conflict]:
    """A folder of macOS or Windows holds one of two such files, and a plan made there would retire the other."""
    warned: set[tuple[str, str]] = set()
    for _, group in _shared((one.address.casefold(), one) for one in campaigns):
        for one in group:
            other = next((member for member in group if member.address != one.address), None)
            pair = (one.address.partition("[")[0], other.address.partition("[")[0] if other is not None else "")
            # Two files with a `for_each` are one case, not one per entry.
            if other is None or pair in warned:
                continue
            if pair[0] != pair[1]:
                warned.add(pair)
            place = f"`{other.address}` ({other.source.file}:{other.source.line})"
            message = f"the address `{one.address}` differs only in letter case from {place}"
            hint = "rename one of them: on macOS and Windows their files would be one"
            finding = Finding(Code.ONLY_CASE_DIFFERS, (), message, hint, severity=Severity.WARNING, address=one.address)
            yield one, finding


def _former_addresses(
    renamed: Sequence[tuple[Expanded[Any], Sequence[str]]], campaigns: Sequence[Expanded[Any]], noun: str
) -> Iterator[Conflict]:
    """A record cannot move away from a campaign that remains: that one would be created, and sent, again."""
    claims = ((former, one) for one, moved_from in renamed for former in dict.fromkeys(moved_from))
    for former, group in _shared(claims):
        message = f"the former address `{former}` is claimed twice, also by"
        yield from _on_each(group, Code.FORMER_ADDRESS_TAKEN, message, f"only one {noun} can be what it was")
    remaining = {one.address for one in campaigns} - {one.address for one, _ in renamed} if renamed else ()
    for one, moved_from in renamed:
        for index, former in enumerate(moved_from):
            if former in remaining:
                then = "and that campaign would be sent again" if noun == "campaign" else "by a template that remains"
                message = f"the former address `{former}` is still in use, {then}"
                hint = f"delete `{former}` from the files, or this entry"
                path = ("moved_from", index)
                yield one, Finding(Code.FORMER_ADDRESS_TAKEN, path, message, hint, address=one.address)


def _shared(pairs: Iterable[tuple[Key, One]]) -> Iterator[tuple[Key, list[One]]]:
    """Keys that more than one has, with those who have it."""
    pairs = list(pairs)
    if len({key for key, _ in pairs}) == len(pairs):  # the usual case
        return
    first: dict[Key, One] = {}
    several: dict[Key, list[One]] = {}
    for key, one in pairs:
        if first.setdefault(key, one) is not one:
            several.setdefault(key, [first[key]]).append(one)
    yield from several.items()


def _on_each(group: Sequence[Expanded[Any]], code: Code, message: str, hint: str) -> Iterator[Conflict]:
    """One finding per member of a group, whose message ends in another member and its file."""
    for one in group:
        other = next(member for member in group if member is not one)
        text = f"{message} `{other.address}` ({other.source.file}:{other.source.line})"
        yield one, Finding(code, (), text, hint, address=one.address)
