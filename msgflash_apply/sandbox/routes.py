"""The table of endpoints: which operation answers which method and path (reference 1)."""

from dataclasses import dataclass
from typing import Final

from msgflash_apply.sandbox.exchange import Operation
from msgflash_apply.sandbox.operations import billing, campaigns, contacts, groups, instances, messages, templates
from msgflash_apply.sandbox.refusal import not_found

PREFIX: Final = "/api/v1"


@dataclass(frozen=True, slots=True)
class Route:
    """One line of the table; parts of the path in braces are parameters."""

    method: str
    path: str
    operation: Operation

    def match(self, method: str, path: str) -> dict[str, str] | None:
        """Return the parameters if this line is meant, else None."""
        wanted, given = self.path.split("/"), path.removeprefix(PREFIX).split("/")
        if method != self.method or len(wanted) != len(given):
            return None
        pairs = list(zip(wanted, given, strict=True))
        if any(want != have for want, have in pairs if not want.startswith("{")):
            return None
        return {want.strip("{}"): have for want, have in pairs if want.startswith("{")}


ROUTES: Final = (
    Route("POST", "/campaigns", campaigns.create),
    Route("GET", "/campaigns/{id}", campaigns.get),
    Route("GET", "/campaigns/{id}/stats", campaigns.stats),
    Route("POST", "/campaigns/{id}/pause", campaigns.pause),
    Route("POST", "/campaigns/{id}/resume", campaigns.resume),
    Route("GET", "/instances", instances.list_all),
    Route("GET", "/instances/{id}", instances.get),
    Route("GET", "/instances/{id}/state", instances.state),
    Route("GET", "/instances/{id}/health", instances.health),
    Route("GET", "/templates", templates.list_page),
    Route("POST", "/templates", templates.create),
    Route("GET", "/templates/{id}", templates.get),
    Route("PUT", "/templates/{id}", templates.update),
    Route("DELETE", "/templates/{id}", templates.delete),
    Route("POST", "/templates/{id}/preview", templates.preview),
    # Groups stand before contacts: `/contacts/groups` is no contact's id.
    Route("GET", "/contacts/groups", groups.list_by_cursor),
    Route("GET", "/contacts/groups/{groupId}", groups.get),
    Route("GET", "/contacts/groups/{groupId}/members", groups.list_members),
    Route("GET", "/contacts", contacts.list_by_cursor),
    Route("GET", "/contacts/{id}", contacts.get),
    Route("GET", "/contacts/{id}/groups", contacts.list_groups),
    Route("GET", "/messages", messages.list_by_cursor),
    Route("GET", "/messages/{id}", messages.get),
    Route("GET", "/usage", billing.usage),
    Route("GET", "/billing/usage", billing.usage),
)


def find_route(method: str, path: str) -> tuple[Operation, dict[str, str]]:
    """Find the operation and its parameters, or 404 `Route not found` (reference 10.1)."""
    for route in ROUTES if path.startswith(f"{PREFIX}/") else ():
        parameters = route.match(method, path)
        if parameters is not None:
            return route.operation, parameters
    raise not_found("Route", assumption="10.1")
