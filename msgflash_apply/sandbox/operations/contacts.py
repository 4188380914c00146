"""Recipients (reference 6.1)."""

from msgflash_apply.sandbox.checks import Fields, any_object, list_of, one_of, phone, text
from msgflash_apply.sandbox.clock import spell
from msgflash_apply.sandbox.exchange import DELETED, Answer, Call, look_up
from msgflash_apply.sandbox.paging import cut, read_search
from msgflash_apply.sandbox.refusal import JsonObject, conflict, invalid
from msgflash_apply.sandbox.shapes import contact_shape
from msgflash_apply.sandbox.values import Contact
from msgflash_apply.sandbox.world import World

_SORTS = ("createdAt_desc", "name_asc")


def list_by_cursor(world: World, call: Call) -> Answer:
    """List with `search`, `sort`, `limit` and `cursor`; there is no filter by tag."""
    query = call.request.query
    sort = query.get("sort", _SORTS[0])
    if one_of(_SORTS)(sort):
        raise invalid([{"path": "sort", "message": f"must be one of {', '.join(_SORTS)}"}])
    search = read_search(query)
    found = [contact for contact in world.contacts.values() if contact.matches(search)]
    by_name = sort == "name_asc"
    page = cut(found, query, _name_key if by_name else _age_key, is_descending=not by_name)
    shapes = [contact_shape(contact) for contact in page.items]
    return Answer({"contacts": shapes, "total": len(found), "limit": page.limit, "sort": sort, **page.position})


def create(world: World, call: Call) -> Answer:
    """Add a contact; 409 for a phone that is taken."""
    accepted = _read(call, required=True)
    _check_phone(world, accepted, None)
    contact = Contact(world.new_id(), "", "", world.now, world.now)
    _change(world, contact, accepted)
    world.contacts[contact.id] = contact
    return Answer(contact_shape(contact), 201)


def get(world: World, call: Call) -> Answer:
    """Show one contact."""
    return Answer(contact_shape(_find(world, call)))


def update(world: World, call: Call) -> Answer:
    """Change a contact; `tags` and `meta` replace."""
    contact = _find(world, call)
    accepted = _read(call, required=False)
    _check_phone(world, accepted, contact)
    _change(world, contact, accepted)
    return Answer(contact_shape(contact))


def delete(world: World, call: Call) -> Answer:
    """Remove a contact, from its groups too."""
    contact = _find(world, call)
    del world.contacts[contact.id]
    for group in world.groups.values():
        group.members.pop(contact.id, None)
    return DELETED


def list_groups(world: World, call: Call) -> Answer:
    """List the groups a contact is in."""
    contact = _find(world, call)
    groups = [group for group in world.groups.values() if contact.id in group.members]
    return Answer({"groups": [{"id": group.id, "name": group.name, "color": group.color} for group in groups]})


def _find(world: World, call: Call) -> Contact:
    return look_up(world.contacts, call.parameters["id"], "Contact")


def _read(call: Call, *, required: bool) -> JsonObject:
    fields = Fields(call.request.json(), strict=call.rules.strict)
    fields.take("name", text(), required=required)
    fields.take("phone", phone, required=required)
    fields.take("tags", list_of(text(), shortest=0))
    fields.take("meta", any_object)
    return fields.close()


def _check_phone(world: World, accepted: JsonObject, myself: Contact | None) -> None:
    taken = {contact.phone for contact in world.contacts.values() if contact is not myself}
    if accepted.get("phone") in taken:
        raise conflict("Contact with this phone already exists for this user")


def _change(world: World, contact: Contact, accepted: JsonObject) -> None:
    tags, meta = accepted.get("tags"), accepted.get("meta")
    contact.name = str(accepted.get("name", contact.name))
    contact.phone = str(accepted.get("phone", contact.phone))
    contact.tags = [str(tag) for tag in tags] if isinstance(tags, list) else contact.tags
    contact.meta = meta if isinstance(meta, dict) else contact.meta
    contact.updated_at = world.now


def _age_key(contact: Contact) -> tuple[str, str]:
    return spell(contact.created_at), contact.id


def _name_key(contact: Contact) -> tuple[str, str]:
    return contact.name.casefold(), contact.id
