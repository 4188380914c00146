"""The table of endpoints: which operation answers which method and path (reference 1)."""

from dataclasses import dataclass
from typing import Final

from msgflash_apply.sandbox.exchange import Operation
from msgflash_apply.sandbox.operations import billing, campaigns, contacts, groups, instances, messages, templates
from msgflash_apply.sandbox.refusal import not_found

API_PREFIX: Final = "/api/v1"


@dataclass(frozen=True, slots=True)
class Route:
    """One line of the table; parts of the path in braces are parameters."""

    method: str
    path: str
    operation: Operation

    def match(self, method: str, path: str) -> dict[str, str] | None:
        """Return the parameters if this line is meant, else None."""
        wanted, given = self.path.split("/"), path.removeprefix(API_PREFIX).split("/")
        if method != self.method or len(wanted) != len(given):
            return None
        pairs = list(zip(wanted, given, strict=True))
        if any(want != have for want, have in pairs if not want.startswith("{")):
            return None
        return {want.strip("{}"): have for want, have in pairs if want.startswith("{")}


ROUTES: Final = (
    Route("POST", "/campaigns", campaigns.create_campaign),
    Route("GET", "/campaigns/{id}", campaigns.get_campaign),
    Route("GET", "/campaigns/{id}/stats", campaigns.get_campaign_stats),
    Route("POST", "/campaigns/{id}/pause", campaigns.pause_campaign),
    Route("POST", "/campaigns/{id}/resume", campaigns.resume_campaign),
    Route("GET", "/instances", instances.list_instances),
    Route("GET", "/instances/{id}", instances.get_instance),
    Route("GET", "/instances/{id}/state", instances.get_instance_state),
    Route("GET", "/instances/{id}/health", instances.get_instance_health),
    Route("GET", "/templates", templates.list_templates),
    Route("POST", "/templates", templates.create_template),
    Route("GET", "/templates/{id}", templates.get_template),
    Route("PUT", "/templates/{id}", templates.update_template),
    Route("DELETE", "/templates/{id}", templates.delete_template),
    Route("POST", "/templates/{id}/preview", templates.preview_template),
    # Groups stand before contacts: `/contacts/groups` is no contact's id.
    Route("GET", "/contacts/groups", groups.list_groups),
    Route("GET", "/contacts/groups/{groupId}", groups.get_group),
    Route("GET", "/contacts/groups/{groupId}/members", groups.list_group_members),
    Route("GET", "/contacts", contacts.list_contacts),
    Route("GET", "/contacts/{id}", contacts.get_contact),
    Route("GET", "/contacts/{id}/groups", contacts.list_groups_of_contact),
    Route("GET", "/messages", messages.list_messages),
    Route("GET", "/messages/{id}", messages.get_message),
    Route("GET", "/usage", billing.get_usage),
    Route("GET", "/billing/usage", billing.get_usage),
)


def find_route(method: str, path: str) -> tuple[Operation, dict[str, str]]:
    """Find the operation and its parameters, or 404 `Route not found` (reference 10.1)."""
    for route in ROUTES if path.startswith(f"{API_PREFIX}/") else ():
        parameters = route.match(method, path)
        if parameters is not None:
            return route.operation, parameters
    raise not_found("Route", assumption="10.1")
