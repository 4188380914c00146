"""What the account has, to write into files: names with their ids. Changes nothing."""

from collections import Counter
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from msgflash_apply.api.client import CONTACTS_PER_PAGE, Client
from msgflash_apply.errors import MsgflashApplyError
from msgflash_apply.plan.audience import MOST_REQUESTS
from msgflash_apply.plan.lookup import Lookups
from msgflash_apply.plan.marker import is_marker

Kind: TypeAlias = Literal["instances", "templates", "groups", "tags"]

KINDS: Final[tuple[Kind, ...]] = ("instances", "templates", "groups", "tags")


@dataclass(frozen=True, slots=True)
class Item:
    """
    One thing of the account.

    Attributes:
        name: as files give it.
        id: on MsgFlash; None for a tag.
        number: of an instance, None before pairing.
        status: of an instance.
        type: of a template.
        variables: of a template, dotted paths.
        contacts: in a group, None where MsgFlash does not say; with a tag.
    """

    name: str
    id: str | None = None
    number: str | None = None
    status: str | None = None
    type: str | None = None
    variables: tuple[str, ...] = ()
    contacts: int | None = None


async def list_account(kind: Kind, client: Client) -> tuple[Item, ...]:
    """
    List one kind of thing, by name.

    Raises:
        MsgflashApplyError: reading all contacts, which tags need, takes more requests than counting an audience may.
        ApiError: MsgFlash could not be asked.
    """
    lookups = Lookups(client)
    match kind:
        case "instances":
            instances = (await lookups.instances()).values()
            found = [Item(one.name, one.id, number=one.wa_number, status=one.status) for one in instances]
        case "templates":
            templates = [one for one in (await lookups.templates()).values() if not is_marker(one.name)]
            found = [Item(one.name, one.id, type=one.type, variables=one.variables or ()) for one in templates]
        case "groups":
            groups = (await lookups.groups()).values()
            found = [Item(one.name, one.id, contacts=one.contact_count) for one in groups]
        case _:
            found = await _tags(lookups)
    return tuple(sorted(found, key=lambda one: (one.name, one.id or "")))


async def _tags(lookups: Lookups) -> list[Item]:
    contacts = await lookups.contacts(most_requests=MOST_REQUESTS)
    if contacts is None:
        total = await lookups.contacts_total()
        needed = f"{-(-total // CONTACTS_PER_PAGE)} requests" if total is not None else "too many requests"
        detail = f"The tags are those of all contacts. Reading them takes {needed}; at most {MOST_REQUESTS} are sent."
        raise MsgflashApplyError("The account has too many contacts to list their tags.", detail)
    counts = Counter(tag for contact in contacts.values() for tag in dict.fromkeys(contact.tags))
    return [Item(tag, contacts=count) for tag, count in counts.items()]
