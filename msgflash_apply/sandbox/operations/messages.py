"""What campaigns sent, one by one (reference 7). There is no filter by campaign."""

from msgflash_apply.sandbox.clock import spell
from msgflash_apply.sandbox.exchange import Answer, Call, look_up
from msgflash_apply.sandbox.paging import paginate
from msgflash_apply.sandbox.shapes import message_shape
from msgflash_apply.sandbox.values import Message
from msgflash_apply.sandbox.world import World


def list_messages(world: World, call: Call) -> Answer:
    """List the newest first, filtered by `instanceId` and `status`."""
    query = call.request.query
    instance_id, status = query.get("instanceId"), query.get("status")
    found = [
        message
        for message in world.messages.values()
        if instance_id in {None, message.instance_id} and status in {None, message.status_at(world.now)}
    ]
    page = paginate(found, query, _message_key, is_descending=True)
    return Answer({"messages": [message_shape(world, message) for message in page.items], **page.position})


def get_message(world: World, call: Call) -> Answer:
    """Show one message."""
    return Answer(message_shape(world, look_up(world.messages, call.parameters["id"], "Message")))


def _message_key(message: Message) -> tuple[str, str]:
    return spell(message.created_at), message.id
