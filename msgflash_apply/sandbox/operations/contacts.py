"""Recipients (reference 6.1)."""

from msgflash_apply.sandbox.checks import one_of
from msgflash_apply.sandbox.clock import spell
from msgflash_apply.sandbox.exchange import Answer, Call, look_up
from msgflash_apply.sandbox.paging import paginate, read_search
from msgflash_apply.sandbox.refusal import invalid
from msgflash_apply.sandbox.shapes import contact_shape
from msgflash_apply.sandbox.values import Contact
from msgflash_apply.sandbox.world import World

_SORTS = ("createdAt_desc", "name_asc")


def list_contacts(world: World, call: Call) -> Answer:
    """List with `search`, `sort`, `limit` and `cursor`; there is no filter by tag."""
    query = call.request.query
    sort = query.get("sort", _SORTS[0])
    if one_of(_SORTS)(sort):
        raise invalid([{"path": "sort", "message": f"must be one of {', '.join(_SORTS)}"}])
    search = read_search(query)
    found = [contact for contact in world.contacts.values() if contact.matches(search)]
    by_name = sort == "name_asc"
    page = paginate(found, query, _name_key if by_name else _age_key, is_descending=not by_name)
    shapes = [contact_shape(contact) for contact in page.items]
    return Answer({"contacts": shapes, "total": len(found), "limit": page.limit, "sort": sort, **page.position})


def get_contact(world: World, call: Call) -> Answer:
    """Show one contact."""
    return Answer(contact_shape(_find_contact(world, call)))


def list_groups_of_contact(world: World, call: Call) -> Answer:
    """List the groups a contact is in."""
    contact = _find_contact(world, call)
    groups = [group for group in world.groups.values() if contact.id in group.members]
    return Answer({"groups": [{"id": group.id, "name": group.name, "color": group.color} for group in groups]})


def _find_contact(world: World, call: Call) -> Contact:
    return look_up(world.contacts, call.parameters["id"], "Contact")


def _age_key(contact: Contact) -> tuple[str, str]:
    return spell(contact.created_at), contact.id


def _name_key(contact: Contact) -> tuple[str, str]:
    return contact.name.casefold(), contact.id
