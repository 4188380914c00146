"""
Which record belongs to which desired campaign: by `moved_from`, by address, or after a rename by what was sent.

A rename is never a second mailing (contract section 5), and that holds for what is in doubt as well: an intent without
an outcome follows its file to the new address, so that the new address cannot be created meanwhile.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from msgflash_apply.campaign import (
    TEMPLATE,
    Address,
    Desired,
    Facts,
    Fingerprint,
    Intent,
    Payload,
    Record,
    fingerprint,
)
from msgflash_apply.findings import Code, Diagnostic, Severity, listed, nearest
from msgflash_apply.plan.lookup import LookedUp
from msgflash_apply.plan.plan import Change, finding
from msgflash_apply.plan.refresh import PriorState
from msgflash_apply.state.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Match:
    """
    What the state knows of one desired campaign; nothing of a new one.

    Attributes:
        record: of a created campaign; None where there is none.
        intent: of a create in doubt; None where there is none.
        previous_address: the address at which the state has them, if it is not the campaign's own.
    """

    record: Record | None = None
    intent: Intent | None = None
    previous_address: Address | None = None


def match_records(desired: Sequence[LookedUp], prior: PriorState) -> dict[Address, Match]:
    """
    Find the record of each desired campaign.

    Explicit `moved_from` wins over the same address, the same address over what was sent. A `moved_from`
    whose own address is already on record has done its work and is ignored, unless that record moves on itself: of
    `a` to `b` and `b` to `c` both are moves. No chain of moves is ever closed: it begins at an address that was free.

    Returns:
        Matches by desired address; an address without one is new.
    """
    snapshot = prior.snapshot
    known = snapshot.campaigns.keys() | snapshot.in_doubt.keys()
    homes = _follow_moved_from(desired, known)
    taken = set(homes.values())
    stay = {item.desired.address for item in desired} & known - taken - homes.keys()
    homes |= {address: address for address in stay}
    homes |= dict(_find_renamed(desired, prior, homes, known - taken - stay))
    return {
        address: Match(snapshot.campaigns.get(home), snapshot.in_doubt.get(home), home if home != address else None)
        for address, home in homes.items()
    }


def _follow_moved_from(desired: Sequence[LookedUp], known: set[Address]) -> dict[Address, Address]:
    """Follow `moved_from`, from addresses that are free to those that become so."""
    movers = {item.desired.address: item.desired.moved_from for item in desired if item.desired.moved_from}
    homes: dict[Address, Address] = {}
    free = sorted((address for address in movers if address not in known), reverse=True)
    while free:
        address = free.pop()
        former = next((one for one in movers[address] if one in known and one not in homes.values()), None)
        if former is not None:
            homes[address] = former
            free += [former] if former in movers else []
    return homes


def _find_renamed(
    desired: Sequence[LookedUp], prior: PriorState, homes: dict[Address, Address], vanished: set[Address]
) -> Iterator[tuple[Address, Address]]:
    """Match the campaigns without a home to what vanished from the files: by fingerprint, then by their words."""
    if not vanished:
        return
    snapshot = prior.snapshot
    by_fingerprint: dict[Fingerprint, list[Address]] = {}
    for former in sorted(vanished, reverse=True):
        known = (snapshot.campaigns.get(former), snapshot.in_doubt.get(former))
        for print_ in {print_ for entry in known if entry is not None for print_ in fingerprints_of(entry.facts)}:
            by_fingerprint.setdefault(print_, []).append(former)
    new = sorted((item for item in desired if item.desired.address not in homes), key=lambda item: item.desired.address)
    exact = [(item.desired.address, item.fingerprint) for item in new]
    words = [(item.desired.address, print_) for item in new for print_ in _by_words(item, prior)]
    gone: set[Address] = set()
    found: set[Address] = set()
    for address, print_ in exact + words:
        free = [former for former in by_fingerprint.get(print_, []) if former not in gone]
        if free and address not in found:
            gone.add(free[-1])
            found.add(address)
            yield address, free[-1]


def _by_words(item: LookedUp, prior: PriorState) -> Iterator[Fingerprint]:
    template = prior.template(item.payload, item.desired.template)
    if template is not None:
        yield by_words(item.payload, template.content.digest)


def unknown_former_addresses(
    desired: Sequence[Desired], changes: Sequence[Change], snapshot: Snapshot
) -> Iterator[Diagnostic]:
    """
    Warn of each new campaign whose `moved_from` names nothing, while a campaign is gone whose new name it may be.

    Left alone, the one is retired and the other sent, to the same people.
    """
    gone = [change.address for change in changes if change.source is None]
    if not gone:
        return
    new = {change.address for change in changes if change.before is None}
    known = snapshot.campaigns.keys() | snapshot.in_doubt.keys() | snapshot.history.keys()
    claims = [(one, former) for one in desired if one.address in new for former in one.moved_from]
    for one, former in [claim for claim in claims if claim[1] not in known]:
        message = f"`moved_from` names `{former}`, which the state does not know; this campaign is new"
        meant = nearest(former, gone)
        hint = f"did you mean `{meant}`?" if meant else f"gone from the files: {listed(gone)}"
        yield finding(Severity.WARNING, Code.UNKNOWN_FORMER_ADDRESS, one, message, hint)


def fingerprints_of(facts: Facts) -> Iterator[Fingerprint]:
    """Give the fingerprint of what was sent, and the one by its words: its template may be back under another id."""
    yield facts.fingerprint
    if facts.seen is not None and facts.seen.content is not None:
        yield by_words(facts.payload, facts.seen.content)


def by_words(payload: Payload, content: str) -> Fingerprint:
    """Digest a payload with what its template says in the place of the template's id."""
    return fingerprint({**payload, TEMPLATE: content})
