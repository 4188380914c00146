"""
The control path `/_sandbox/...`: what a person or a test may do that no client of MsgFlash can. Listed in the package.

JSON in, the same envelopes out. Neither key nor limit nor fault applies here.
"""

import json
from collections.abc import Callable
from typing import Final

from msgflash_apply.sandbox.account import used_in
from msgflash_apply.sandbox.assumptions import ASSUMPTIONS
from msgflash_apply.sandbox.campaigns import campaign_shape, campaign_stats, template_variables
from msgflash_apply.sandbox.clock import spell
from msgflash_apply.sandbox.exchange import JsonObject, RefusedError, Request, invalid, look_up, not_found
from msgflash_apply.sandbox.faults import parse_fault
from msgflash_apply.sandbox.service import Reply, Service
from msgflash_apply.sandbox.validation import Fields, instant, one_of, read_instant, text
from msgflash_apply.sandbox.world import World

CONTROL_PREFIX: Final = "/_sandbox/"
_STATUSES = ("connected", "connecting", "disconnected", "suspended")


def control(service: Service, request: Request) -> Reply:
    """Carry out one control request."""
    with service.lock:
        service.world.advance(service.clock.now())
        try:
            return Reply(200, {"data": _dispatch(service, request)})
        except RefusedError as refused:
            return Reply(refused.status, refused.document())


def campaigns_shape(world: World) -> list[JsonObject]:
    """Show every campaign as GET does, with its payload as it was accepted, in order of creation."""
    return [
        {
            **campaign_shape(world, campaign),
            **template_variables(campaign),
            "stats": campaign_stats(world, campaign),
            "payload": campaign.payload,
        }
        for campaign in world.campaigns.values()
    ]


def creates_shape(world: World) -> list[JsonObject]:
    """Count creates by payload: more than 1 means that one campaign became two."""
    ids: dict[str, list[str]] = {}
    for campaign in world.campaigns.values():
        ids.setdefault(json.dumps(campaign.payload, sort_keys=True), []).append(campaign.id)
    return [{"payload": json.loads(payload), "count": len(each), "ids": each} for payload, each in ids.items()]


def _dispatch(service: Service, request: Request) -> object:
    parts = request.path.removeprefix(CONTROL_PREFIX).split("/")
    match (request.method, *parts):
        case ("POST", "campaigns", identity, action):
            return _act_as_console(service, identity, action)
        case ("POST", "instances", identity):
            return _set_instance(service, identity, request)
        case (method, name) if (method, name) in _PLAIN:
            return _PLAIN[method, name](service, request)
        case _:
            raise not_found("Route")


def _show_world(service: Service, _request: Request) -> object:
    world = service.world
    return {
        "now": spell(world.now),
        "usage": used_in(world),
        "campaigns": campaigns_shape(world),
        "creates": creates_shape(world),
        "messages": len(world.messages),
        "requests": [{"method": s.method, "path": s.path, "status": s.status} for s in service.seen],
    }


def _move_clock(service: Service, request: Request) -> object:
    fields = _fields(request)
    seconds, moment = fields.take("advance", _nonnegative_number), fields.take("to", instant)
    fields.close()
    try:
        if moment is not None:
            seconds = (read_instant(str(moment)) - service.clock.now()).total_seconds()
        return {"now": spell(service.advance(seconds if isinstance(seconds, int | float) else 0))}
    except ValueError as error:
        raise invalid([{"path": "advance", "message": str(error)}]) from error


def _list_faults(service: Service, _request: Request) -> object:
    return [
        {"method": fault.method, "path": fault.path, "kind": fault.kind, "status": fault.status}
        for fault in service.faults.left()
    ]


def _add_fault(service: Service, request: Request) -> object:
    fields = _fields(request)
    given = fields.take("fault", text(), required=True)
    fields.close()
    try:
        service.faults.add(parse_fault(str(given)))
    except ValueError as error:
        raise invalid([{"path": "fault", "message": str(error)}]) from error
    return _list_faults(service, request)


def _clear_faults(service: Service, request: Request) -> object:
    service.faults.clear()
    return _list_faults(service, request)


def _set_account(service: Service, request: Request) -> object:
    fields = _fields(request)
    for name in ("campaigns", "whatsapp_business"):
        fields.take(name, _truth)
    for name in ("monthly_outbound", "monthly_api_requests"):
        fields.take(name, _nonnegative_number)
    accepted = fields.close()
    for name, value in accepted.items():
        setattr(service.world.account, name, value)
    return accepted


def _reset_sandbox(service: Service, _request: Request) -> object:
    service.reset()
    return {"reset": True}


def _show_assumptions(_service: Service, _request: Request) -> object:
    return list(ASSUMPTIONS)


def _set_instance(service: Service, identity: str, request: Request) -> object:
    instance = look_up(service.world.instances, identity, "Instance")
    fields = _fields(request)
    status = fields.take("status", one_of(_STATUSES), required=True)
    fields.close()
    instance.status = str(status)
    service.remember()
    return {"id": identity, "status": status}


def _act_as_console(service: Service, identity: str, action: str) -> object:
    world = service.world
    campaign = look_up(world.campaigns, identity, "Campaign")
    actions = {"cancel": world.cancel, "fail": world.fail, "delete": world.delete}
    look_up(actions, action, "Route")(campaign)
    service.remember()
    return {"id": identity, "action": action}


def _fields(request: Request) -> Fields:
    return Fields(request.json(), strict=True)


def _nonnegative_number(value: object) -> str | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
    return None if is_number else "must be a number from 0"


def _truth(value: object) -> str | None:
    return None if isinstance(value, bool) else "must be true or false"


_PLAIN: Final[dict[tuple[str, str], Callable[[Service, Request], object]]] = {
    ("GET", "world"): _show_world,
    ("POST", "clock"): _move_clock,
    ("GET", "faults"): _list_faults,
    ("POST", "faults"): _add_fault,
    ("DELETE", "faults"): _clear_faults,
    ("POST", "account"): _set_account,
    ("POST", "reset"): _reset_sandbox,
    ("GET", "assumptions"): _show_assumptions,
}
