"""Lists of contacts (reference 6.2); MsgFlash's own, not WhatsApp groups."""

from msgflash_apply.sandbox.checks import Fields, list_of, text, uuid
from msgflash_apply.sandbox.clock import spell
from msgflash_apply.sandbox.exchange import Answer, Call, look_up
from msgflash_apply.sandbox.paging import cut, read_search
from msgflash_apply.sandbox.refusal import RefusedError, conflict
from msgflash_apply.sandbox.shapes import contact_shape, group_shape
from msgflash_apply.sandbox.values import Contact, Group
from msgflash_apply.sandbox.world import World

_MOST_IDS = 10_000


def list_by_cursor(world: World, call: Call) -> Answer:
    """List with `search` (name or description), `limit` and `cursor`."""
    search = read_search(call.request.query)
    found = [
        g for g in world.groups.values() if search in g.name.casefold() or search in (g.description or "").casefold()
    ]
    page = cut(found, call.request.query, lambda group: (spell(group.created_at), group.id), is_descending=True)
    shapes = [group_shape(group) for group in page.items]
    return Answer({"groups": shapes, "total": len(found), "limit": page.limit, **page.position})


def create(world: World, call: Call) -> Answer:
    """Add an empty group; 409 for a name that is taken, 403 at the plan's limit."""
    fields = Fields(call.request.json(), strict=call.rules.strict)
    name = str(fields.take("name", text(), required=True))
    description, color = fields.take("description", text()), fields.take("color", text())
    fields.close()
    if len(world.groups) >= world.account.contact_groups:
        raise RefusedError(403, "MAX_CONTACT_GROUPS_REACHED", "Maximum number of contact groups reached")
    if any(group.name == name for group in world.groups.values()):
        raise conflict("A group with this name already exists")
    group = Group(world.new_id(), name, world.now, _text(description), _text(color))
    world.groups[group.id] = group
    return Answer(group_shape(group), 201)


def get(world: World, call: Call) -> Answer:
    """Show one group."""
    return Answer(group_shape(_find(world, call)))


def list_members(world: World, call: Call) -> Answer:
    """List the members, the first added first, under `contacts` as the reference page and the console have it."""
    group = _find(world, call)
    search = read_search(call.request.query)
    found = [contact for contact in map(world.contacts.__getitem__, group.members) if contact.matches(search)]

    def key(contact: Contact) -> tuple[str, str]:
        return spell(group.members[contact.id]), contact.id

    page = cut(found, call.request.query, key)
    shapes = [contact_shape(contact) | {"addedAt": spell(group.members[contact.id])} for contact in page.items]
    return Answer({"contacts": shapes, "total": len(found), "limit": page.limit, **page.position})


def add_members(world: World, call: Call) -> Answer:
    """Add contacts at once, however many (the API makes it a job from 100 up)."""
    group = _find(world, call)
    wanted = _read_ids(call)
    known = [identity for identity in wanted if identity in world.contacts]
    new = [identity for identity in known if identity not in group.members]
    group.members |= dict.fromkeys(new, world.now)
    return Answer(
        {
            "added": len(new),
            "alreadyInGroup": len(known) - len(new),
            "notFound": len(wanted) - len(known),
            "total": len(wanted),
        }
    )


def remove_members(world: World, call: Call) -> Answer:
    """Take contacts out at once."""
    group = _find(world, call)
    wanted = _read_ids(call)
    removed = [identity for identity in wanted if group.members.pop(identity, None) is not None]
    return Answer({"removed": len(removed), "notInGroup": len(wanted) - len(removed)})


def _find(world: World, call: Call) -> Group:
    return look_up(world.groups, call.parameters["groupId"], "Group")


def _read_ids(call: Call) -> list[str]:
    fields = Fields(call.request.json(), strict=call.rules.strict)
    given = fields.take("contactIds", list_of(uuid, longest=_MOST_IDS), required=True)
    fields.close()
    return list(dict.fromkeys(map(str, given))) if isinstance(given, list) else []


def _text(value: object) -> str | None:
    return None if value is None else str(value)
