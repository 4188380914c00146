"""The template endpoints (reference 4)."""

from typing import TypeVar

from msgflash_apply.sandbox.access import ApiCall
from msgflash_apply.sandbox.clock import format_instant
from msgflash_apply.sandbox.exchange import JsonObject, RefusedError, Response, look_up, success
from msgflash_apply.sandbox.placeholders import check_placeholders, paths_in, render, values_for
from msgflash_apply.sandbox.validation import (
    LARGEST_PAGE,
    LONGEST_BODY,
    Fields,
    flat_map,
    one_of,
    read_number,
    text,
    uuid,
    web_address,
)
from msgflash_apply.sandbox.values import Contact, Instance, Template
from msgflash_apply.sandbox.world import World

Context = TypeVar("Context", Instance, Contact)

TYPES = ("text", "image", "video", "audio", "document")
_LONGEST_NAME = 100


def list_templates(world: World, call: ApiCall) -> Response:
    """List by page, in order of creation."""
    query = call.request.query
    page, limit = read_number(query, "page", 1), read_number(query, "limit", 20, LARGEST_PAGE)
    taken = list(world.templates.values())[(page - 1) * limit : page * limit]
    shapes = [template_shape(template, world.account.id) for template in taken]
    return success({"templates": shapes, "total": len(world.templates)})


def create_template(world: World, call: ApiCall) -> Response:
    """Add a template; placeholders are checked, and `variables` of the client are ignored (4.1)."""
    fields = Fields(call.request.json(), strict=call.rules.strict)
    kind = fields.take("type", one_of(TYPES), required=True)
    fields.take("name", text(_LONGEST_NAME), required=True)
    fields.take("body", text(LONGEST_BODY), required=kind == "text")
    fields.take("mediaUrl", web_address, required=kind not in {None, "text"})
    fields.ignore(("variables",))
    accepted = fields.close()
    template = Template(world.new_id(), "", str(kind), None, None, world.now, world.now)
    _change_template(world, template, accepted)
    world.templates[template.id] = template
    return success(template_shape(template, world.account.id), 201)


def get_template(world: World, call: ApiCall) -> Response:
    """Show one template."""
    return success(template_shape(_find_template(world, call), world.account.id))


def update_template(world: World, call: ApiCall) -> Response:
    """Change name, body or media; the type cannot change."""
    template = _find_template(world, call)
    fields = Fields(call.request.json(), strict=call.rules.strict)
    fields.take("name", text(_LONGEST_NAME))
    fields.take("body", text(LONGEST_BODY))
    fields.take("mediaUrl", web_address)
    fields.ignore(("variables",))
    _change_template(world, template, fields.close())
    return success(template_shape(template, world.account.id))


def delete_template(world: World, call: ApiCall) -> Response:
    """Delete a template, used or not (reference 10.4)."""
    del world.templates[_find_template(world, call).id]
    return success({"deleted": True})


def preview_template(world: World, call: ApiCall) -> Response:
    """Fill in the placeholders that have a value; a missing one is not an error (4.2)."""
    template = _find_template(world, call)
    fields = Fields(call.request.json(), strict=call.rules.strict)
    instance_id = fields.take("instanceId", uuid)
    contact_id = fields.take("contactId", uuid)
    variables = fields.take("variables", flat_map)
    fields.close()
    instance: Instance | None = context(world.instances, instance_id)
    contact: Contact | None = context(world.contacts, contact_id)
    custom = variables if isinstance(variables, dict) else {}
    rendered = render(template.body or "", values_for(world.account, instance=instance, contact=contact, custom=custom))
    shape: JsonObject = {"rendered": rendered.text, "variables": paths_in(template.body)}
    shape |= {"missingVariables": list(rendered.missing), "valid": not rendered.missing}
    return success(shape, assumption="10.4" if rendered.missing else None)


def _find_template(world: World, call: ApiCall) -> Template:
    return look_up(world.templates, call.parameters["id"], "Template")


def _change_template(world: World, template: Template, accepted: JsonObject) -> None:
    body = accepted.get("body", template.body)
    check_placeholders(None if body is None else str(body))
    media_url = accepted.get("mediaUrl", template.media_url)
    template.name = str(accepted.get("name", template.name))
    template.body = None if body is None else str(body)
    template.media_url = None if media_url is None else str(media_url)
    template.updated_at = world.now


def context(known: dict[str, Context], identity: object) -> Context | None:
    """Return the instance or contact of a preview; an unknown id is an unavailable context (reference 10.4)."""
    if identity is None:
        return None
    if identity not in known:
        message = "Requested context is not available"
        raise RefusedError(400, "TEMPLATE_CONTEXT_UNAVAILABLE", message, assumption="10.4")
    return known[str(identity)]


def template_shape(template: Template, user_id: str) -> JsonObject:
    """Write the object of reference 4; `variables` are computed from the body."""
    return {
        "id": template.id,
        "userId": user_id,
        "name": template.name,
        "type": template.type,
        "body": template.body,
        "mediaUrl": template.media_url,
        "variables": paths_in(template.body),
        "createdAt": format_instant(template.created_at),
        "updatedAt": format_instant(template.updated_at),
    }
