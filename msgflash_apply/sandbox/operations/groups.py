"""Lists of contacts (reference 6.2); MsgFlash's own, not WhatsApp groups."""

from msgflash_apply.sandbox.clock import spell
from msgflash_apply.sandbox.exchange import Answer, Call, look_up
from msgflash_apply.sandbox.paging import paginate, read_search
from msgflash_apply.sandbox.shapes import contact_shape, group_shape
from msgflash_apply.sandbox.values import Contact, Group
from msgflash_apply.sandbox.world import World


def list_groups(world: World, call: Call) -> Answer:
    """List with `search` (name or description), `limit` and `cursor`."""
    search = read_search(call.request.query)
    found = [
        g for g in world.groups.values() if search in g.name.casefold() or search in (g.description or "").casefold()
    ]
    page = paginate(found, call.request.query, lambda group: (spell(group.created_at), group.id), is_descending=True)
    shapes = [group_shape(group) for group in page.items]
    return Answer({"groups": shapes, "total": len(found), "limit": page.limit, **page.position})


def get_group(world: World, call: Call) -> Answer:
    """Show one group."""
    return Answer(group_shape(_find_group(world, call)))


def list_group_members(world: World, call: Call) -> Answer:
    """List the members, the first added first, under `contacts` as the reference page and the console have it."""
    group = _find_group(world, call)
    search = read_search(call.request.query)
    found = [contact for contact in map(world.contacts.__getitem__, group.members) if contact.matches(search)]

    def key(contact: Contact) -> tuple[str, str]:
        return spell(group.members[contact.id]), contact.id

    page = paginate(found, call.request.query, key)
    shapes = [contact_shape(contact) | {"addedAt": spell(group.members[contact.id])} for contact in page.items]
    return Answer({"contacts": shapes, "total": len(found), "limit": page.limit, **page.position})


def _find_group(world: World, call: Call) -> Group:
    return look_up(world.groups, call.parameters["groupId"], "Group")
