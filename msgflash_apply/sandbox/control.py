"""
The control endpoints `/_sandbox/...`, listed in the package: what tests and people can do beside the API.

JSON in, the same envelopes out. No key is needed; rate limit and faults do not apply.
"""

import json
from collections.abc import Callable
from typing import Final, TypeAlias

from msgflash_apply.sandbox.account import usage_this_month
from msgflash_apply.sandbox.assumptions import ASSUMPTIONS
from msgflash_apply.sandbox.campaigns import campaign_with_stats
from msgflash_apply.sandbox.clock import format_instant
from msgflash_apply.sandbox.exchange import (
    JsonObject,
    RefusedError,
    Request,
    Response,
    invalid_field,
    look_up,
    success,
)
from msgflash_apply.sandbox.faults import parse_fault
from msgflash_apply.sandbox.service import Route, Service, find_route
from msgflash_apply.sandbox.validation import Fields, instant, one_of, read_instant, text
from msgflash_apply.sandbox.world import World

Control: TypeAlias = Callable[[Service, Request, dict[str, str]], object]
"""One control endpoint; gets the parameters of its path and returns `data`."""

CONTROL_PREFIX: Final = "/_sandbox/"
_STATUSES = ("connected", "connecting", "disconnected", "suspended")


def control(service: Service, request: Request) -> Response:
    """Answer one control request."""
    with service.lock:
        service.world.advance(service.clock.now())
        try:
            run, parameters = find_route(CONTROLS, request.method, request.path.removeprefix(CONTROL_PREFIX))
            return success(run(service, request, parameters))
        except RefusedError as refused:
            # Without its header: an answer of the control endpoints assumes nothing about MsgFlash.
            return Response(refused.response.status, refused.response.document)


def campaigns_shape(world: World) -> list[JsonObject]:
    """Show every campaign as GET does, with its `payload` as accepted, in order of creation."""
    return [
        campaign_with_stats(world, campaign) | {"payload": campaign.payload} for campaign in world.campaigns.values()
    ]


def show_world(service: Service, _request: Request, _parameters: dict[str, str]) -> object:
    """Show everything at once. A payload with a count above 1 is a campaign that was created twice."""
    world = service.world
    ids: dict[str, list[str]] = {}
    for campaign in world.campaigns.values():
        ids.setdefault(json.dumps(campaign.payload, sort_keys=True), []).append(campaign.id)
    return {
        "now": format_instant(world.now),
        "usage": usage_this_month(world),
        "campaigns": campaigns_shape(world),
        "creates": [{"payload": json.loads(payload), "count": len(each), "ids": each} for payload, each in ids.items()],
        "messages": len(world.messages),
        "requests": [{"method": s.method, "path": s.path, "status": s.status} for s in service.seen],
    }


def move_clock(service: Service, request: Request, _parameters: dict[str, str]) -> object:
    """Advance the clock by seconds or to an instant."""
    fields = Fields(request.json(), strict=True)
    seconds, moment = fields.take("advance", _nonnegative_number), fields.take("to", instant)
    fields.close()
    try:
        if moment is not None:
            seconds = (read_instant(str(moment)) - service.clock.now()).total_seconds()
        return {"now": format_instant(service.advance(seconds if isinstance(seconds, int | float) else 0))}
    except ValueError as error:
        raise invalid_field("advance", str(error)) from error


def list_faults(service: Service, _request: Request, _parameters: dict[str, str]) -> object:
    """List the faults that may still happen."""
    return [
        {"method": fault.method, "path": fault.path, "kind": fault.kind, "status": fault.status}
        for fault in service.faults.left()
    ]


def add_fault(service: Service, request: Request, parameters: dict[str, str]) -> object:
    """Arm one more fault, given as text."""
    fields = Fields(request.json(), strict=True)
    given = fields.take("fault", text(), required=True)
    fields.close()
    try:
        service.faults.add(parse_fault(str(given)))
    except ValueError as error:
        raise invalid_field("fault", str(error)) from error
    return list_faults(service, request, parameters)


def clear_faults(service: Service, request: Request, parameters: dict[str, str]) -> object:
    """Disarm all faults."""
    service.faults.clear()
    return list_faults(service, request, parameters)


def change_account(service: Service, request: Request, _parameters: dict[str, str]) -> object:
    """Change the plan's features and quotas while the sandbox runs."""
    fields = Fields(request.json(), strict=True)
    for name in ("campaigns", "whatsapp_business"):
        fields.take(name, lambda value: None if isinstance(value, bool) else "must be true or false")
    for name in ("monthly_outbound", "monthly_api_requests"):
        fields.take(name, _nonnegative_number)
    accepted = fields.close()
    for name, value in accepted.items():
        setattr(service.world.account, name, value)
    return accepted


def change_instance(service: Service, request: Request, parameters: dict[str, str]) -> object:
    """Change the status of an instance."""
    instance = look_up(service.world.instances, parameters["id"], "Instance")
    fields = Fields(request.json(), strict=True)
    status = fields.take("status", one_of(_STATUSES), required=True)
    fields.close()
    instance.status = str(status)
    service.save()
    return {"id": instance.id, "status": status}


def act_as_console(service: Service, _request: Request, parameters: dict[str, str]) -> object:
    """Cancel or delete a campaign, as only the console can, or make it fail."""
    world, action = service.world, parameters["action"]
    campaign = look_up(world.campaigns, parameters["id"], "Campaign")
    actions = {"cancel": world.cancel, "fail": world.fail, "delete": world.delete}
    look_up(actions, action, "Route")(campaign)
    service.save()
    return {"id": campaign.id, "action": action}


def reset(service: Service, _request: Request, _parameters: dict[str, str]) -> object:
    """Start again with a new demo account."""
    service.reset()
    return {"reset": True}


def show_assumptions(_service: Service, _request: Request, _parameters: dict[str, str]) -> object:
    """List the assumptions."""
    return list(ASSUMPTIONS)


def _nonnegative_number(value: object) -> str | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
    return None if is_number else "must be a number from 0"


CONTROLS: Final[tuple[Route[Control], ...]] = (
    Route("GET", "world", show_world),
    Route("POST", "clock", move_clock),
    Route("GET", "faults", list_faults),
    Route("POST", "faults", add_fault),
    Route("DELETE", "faults", clear_faults),
    Route("POST", "account", change_account),
    Route("POST", "instances/{id}", change_instance),
    Route("POST", "campaigns/{id}/{action}", act_as_console),
    Route("POST", "reset", reset),
    Route("GET", "assumptions", show_assumptions),
)
