"""The message endpoints: one message to one number, and what was sent (reference 7). Nothing reaches anyone."""

import re
from typing import Final

from msgflash_apply.sandbox.access import ApiCall
from msgflash_apply.sandbox.campaigns import check_content
from msgflash_apply.sandbox.clock import format_instant
from msgflash_apply.sandbox.exchange import JsonObject, RefusedError, Response, look_up, success
from msgflash_apply.sandbox.placeholders import render, values_for
from msgflash_apply.sandbox.templates import context
from msgflash_apply.sandbox.validation import Fields, Rules, paginate, text, uuid
from msgflash_apply.sandbox.values import Contact, Message
from msgflash_apply.sandbox.world import World

_E164: Final = re.compile(r"\+[1-9]\d{6,14}")


def check_send(body: object, rules: Rules) -> JsonObject:
    """Return the body as accepted, or raise 400 with one detail per mistake (reference 7)."""
    fields = Fields(body, strict=rules.strict)
    fields.take("instanceId", uuid, required=True)
    fields.take("to", text(), required=True)
    fields.take("contactId", uuid)
    check_content(fields, body="text", kind_key="title")
    return fields.close()


def send_message(world: World, call: ApiCall) -> Response:
    """Send one message; the checks run in the order of reference 10.1."""
    body = check_send(call.request.json(), call.rules)
    instance = look_up(world.instances, str(body["instanceId"]), "Instance")
    call.key.check_instance(instance.id)
    template = look_up(world.templates, str(body["templateId"]), "Template") if "templateId" in body else None
    contact: Contact | None = context(world.contacts, body.get("contactId"))
    if not _E164.fullmatch(str(body["to"])):
        raise RefusedError(422, "INVALID_DESTINATION", "The destination is not a number in E.164 format")
    message = Message(
        id=world.new_id(),
        campaign_id=None,
        contact_id=None if contact is None else contact.id,
        instance_id=instance.id,
        to=str(body["to"]),
        sender=instance.wa_number,
        type=str(body["type"]) if template is None else template.type,
        created_at=world.now,
    )
    if template is None:
        said, media_url = body.get("text", body.get("description")), body.get("mediaUrl")
    else:
        variables = body.get("variables")
        custom = variables if isinstance(variables, dict) else {}
        values = values_for(world.account, instance=instance, contact=contact, custom=custom)
        rendered = render(template.body or "", values)
        if rendered.missing:
            missing = f"Missing template variables: {', '.join(rendered.missing)}"
            raise RefusedError(400, "TEMPLATE_VARIABLES_MISSING", missing)
        said, media_url = rendered.text or None, template.media_url
    message.body = None if said is None else str(said)
    message.media_url = None if media_url is None else str(media_url)
    world.check_buttons_feature(body)
    world.check_outbound_quota()
    world.send_single(message)
    return success(message_shape(world, message), 201, "10.4")


def list_messages(world: World, call: ApiCall) -> Response:
    """List the newest first, filtered by `instanceId` and `status`."""
    query = call.request.query
    instance_id, status = query.get("instanceId"), query.get("status")
    found = [
        message
        for message in world.messages.values()
        if instance_id in {None, message.instance_id} and status in {None, message.status_at(world.now)}
    ]
    page = paginate(found, query, lambda message: (format_instant(message.created_at), message.id), is_descending=True)
    return success({"messages": [message_shape(world, message) for message in page.items], **page.position})


def get_message(world: World, call: ApiCall) -> Response:
    """Show one message."""
    return success(message_shape(world, look_up(world.messages, call.parameters["id"], "Message")))


def message_shape(world: World, message: Message) -> JsonObject:
    """Write the object of reference 7, with its status now."""
    status, changed_at = message.changes_until(world.now)[-1]
    return {
        "id": message.id,
        "userId": world.account.id,
        "instanceId": message.instance_id,
        "contactId": message.contact_id,
        "campaignId": message.campaign_id,
        "direction": "outbound",
        "type": message.type,
        "from": message.sender,
        "to": message.to,
        "body": message.body,
        "mediaUrl": message.media_url,
        "status": status,
        "error": message.error,
        "meta": {"missingVariables": message.missing} if message.missing else None,
        "providerMessageId": f"wamid.{message.id}" if message.sent_at else None,
        "createdAt": format_instant(message.created_at),
        "updatedAt": format_instant(changed_at),
    }
