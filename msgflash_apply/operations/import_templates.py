"""
`import --templates`: where the templates of an account go in the repo, and how they are recorded. Pure.

No campaign may come to send other words by it. A campaign that names a template on MsgFlash sends the one of the repo
once an address is that name; so no template gets an address that is the name of another one.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain, count
from typing import Final, NamedTuple
from unicodedata import normalize

from msgflash_apply.campaign import Address, JsonObject, plain_id
from msgflash_apply.plan.marker import is_marker
from msgflash_apply.plan.plan import UsedTemplate
from msgflash_apply.state.journal import Entry, Kept, Templated
from msgflash_apply.state.snapshot import Snapshot
from msgflash_apply.template import DesiredTemplate, TemplateRecord, Version

_VERSION: Final = re.compile(r"@(?:[0-9a-f]{8}|current)$")
"""What another state added to an address: see `version_name`."""

_LIKE_A_FILE: Final = re.compile(r"\.(ya?ml)$", re.IGNORECASE)
"""The end of a folder's name that would be in the place of a file."""

_LONGEST_SEGMENT: Final = 60

TAKEN: Final = "the repo has a template of this name, which is another one: rename one of the two"


class Placed(NamedTuple):
    """
    A template of MsgFlash, and where it goes.

    Attributes:
        template: as MsgFlash has it.
        address: that it gets, or has by a file that says the same.
        own: the template of that file; None where there is none yet.
    """

    template: UsedTemplate
    address: Address
    own: DesiredTemplate | None


def unknown_templates(snapshot: Snapshot, names: Mapping[str, str]) -> Sequence[str]:
    """Give the ids of the templates that a state does not know, of names by id; markers of states are none."""
    known = {plain_id(version.id) for record in snapshot.templates.values() for version in record.versions}
    return [
        identifier
        for identifier, name in sorted(names.items(), key=lambda one: (one[1], one[0]))
        if identifier not in known and not is_marker(name)
    ]


def place_templates(
    found: Iterable[UsedTemplate],
    names: Iterable[str],
    desired: Sequence[DesiredTemplate],
    snapshot: Snapshot,
    is_file: Callable[[Address], bool],
) -> Iterator[Placed | tuple[UsedTemplate, str]]:
    """
    Choose where each template goes, in their order.

    Args:
        found: what the state does not know, as MsgFlash has it.
        names: of every template of the account.
        desired: the templates of the files.
        snapshot: the state.
        is_file: whether there is something in the place of an address's file.

    Returns:
        For each its place, or why it has none. What this state announced is left to the next plan, which finds it.
    """
    addresses = {one.address for one in desired} | snapshot.templates.keys()
    with_name = Counter(name.casefold() for name in names)
    of_repo = {address.casefold() for address in addresses}
    taken = of_repo | with_name.keys()
    free = [one for one in desired if one.address not in snapshot.templates]
    announced = {
        (effect.name, effect.content)
        for record in snapshot.templates.values()
        for effect in record.effects
        if effect.verb == "create"
    }
    for one in found:
        if (one.name, one.content.digest) in announced:
            continue
        base = _address_for(one.name)
        own = next((each for each in free if each.content == one.content and _is_for(each.address, one.name)), None)
        if own is not None:
            free.remove(own)
            yield Placed(one, own.address, own)
        elif one.name in addresses:
            yield one, TAKEN
        else:
            # Where several have the name, none gets it: a campaign that gives it must go on being refused.
            has_own_name = base == one.name and with_name[base.casefold()] == 1
            numbered = (Address(f"{base}-{number}") for number in count(1))
            address = next(
                each
                for each in chain([base], numbered)
                if not is_file(each) and each.casefold() not in (of_repo if each == base and has_own_name else taken)
            )
            taken.add(address.casefold())
            of_repo.add(address.casefold())
            yield Placed(one, address, None)


def _address_for(name: str) -> Address:
    """Make an address of a name: the same where it can be one."""
    text = _VERSION.sub("", name)
    segments = []
    for part in normalize("NFC", text).split("/"):
        word = re.sub(r"-*[^\w.-][^\w.]*", "-", part)
        # What can be part of an address is kept as it is.
        kept = word if word == part else word.rstrip("-")
        segments.append(_LIKE_A_FILE.sub(r"-\1", kept.lstrip("-.")[:_LONGEST_SEGMENT]))
    return Address("/".join(filter(None, segments)) or "template")


def _is_for(address: Address, name: str) -> bool:
    """Whether an address is one that a template of this name gets, or had in the repo of another state."""
    is_numbered = re.fullmatch(re.escape(_address_for(name)) + r"(-\d+)?", address) is not None
    return is_numbered or address == _VERSION.sub("", name)


def fields_of_template(template: UsedTemplate) -> JsonObject:
    """Write a template of MsgFlash as the fields of a template file."""
    content = template.content
    fields = {"type": content.type, "mediaUrl": content.media_url, "body": content.body}
    return {name: value for name, value in fields.items() if value is not None}


def entries_for(template: UsedTemplate, own: DesiredTemplate, now: datetime) -> tuple[Entry, ...]:
    """Record that a template of the files is one on MsgFlash, which this state did not create, and never deletes."""
    version = Version(template.id, template.name, own.content.digest, now, is_ours=False)
    record = TemplateRecord(
        own.source.file, own.source.line, own.lifecycle.on_remove, (version,), labels=dict(own.labels)
    )
    return Kept(own.content.digest, own.content), Templated(own.address, record)
