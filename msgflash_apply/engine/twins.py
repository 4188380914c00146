"""
What would make one mailing two: the same payload under two addresses, or a record that loses its address. Pure.

Each finding is an error of the plan: nothing is sent at all until a person says which of the two is meant.
"""

from collections.abc import Iterable, Sequence

from msgflash_apply.campaign import Address, Fingerprint, fingerprint
from msgflash_apply.engine.moves import fingerprints_at
from msgflash_apply.engine.names import LookedUp
from msgflash_apply.engine.plan import Change
from msgflash_apply.engine.preflight import finding
from msgflash_apply.errors import Diagnostic, InvalidFiles, Severity
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
