"""The server's side: what people would have got."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from msgflash_apply.campaign import Fingerprint, Status, fingerprint
from msgflash_apply.plan.marker import is_marker
from msgflash_apply.sandbox.server import Sandbox
from msgflash_apply.sandbox.service import SeenRequest
from msgflash_apply.state.snapshot import Snapshot

CAMPAIGNS: Final = "/api/v1/campaigns"


@dataclass(frozen=True)
class Remote:
    """
    The server's side: each campaign that was ever created, by id, and how it is.

    Attributes:
        payloads: what was sent.
        statuses: of now.
        markers: how many templates keep what the account remembers of states.
    """

    payloads: Mapping[str, Fingerprint]
    statuses: Mapping[str, str]
    markers: int

    @classmethod
    def of(cls, sandbox: Sandbox) -> "Remote":
        """Look at a server."""
        found: dict[str, Fingerprint] = {}
        statuses: dict[str, str] = {}
        for campaign in sandbox.campaigns():
            payload, identifier = campaign["payload"], str(campaign["id"])
            if isinstance(payload, dict):
                found[identifier], statuses[identifier] = fingerprint(payload), str(campaign["status"])
        markers = sum(is_marker(template.name) for template in sandbox.world.templates.values())
        return cls(found, statuses, markers)

    def duplicates(self) -> list[str]:
        """Name every campaign that was created although its payload was there."""
        first = {payload: identifier for identifier, payload in reversed(self.payloads.items())}
        return [identifier for identifier, payload in self.payloads.items() if first[payload] != identifier]

    def lost(self, snapshot: Snapshot) -> list[str]:
        """Name every campaign that the state neither has nor doubts."""
        records = [*snapshot.campaigns.values(), *(each for many in snapshot.history.values() for each in many)]
        known = {identifier for record in records for identifier in (record.id, *record.former_ids)}
        doubtful = {intent.facts.fingerprint for intent in snapshot.in_doubt.values()}
        return [i for i, payload in self.payloads.items() if i not in known and payload not in doubtful]

    def strangers(self, snapshot: Snapshot) -> list[str]:
        """Name every record whose campaign is not on the server, or is another one."""
        records = snapshot.campaigns.items()
        return [a for a, record in records if self.payloads.get(record.id) != record.facts.fingerprint]

    def mistaken(self, snapshot: Snapshot) -> list[str]:
        """Name every record whose status is not the server's, although nothing says that it may not be."""
        settled = ((a, record) for a, record in snapshot.campaigns.items() if not record.is_unsettled)
        return [address for address, record in settled if self.statuses.get(record.id) != record.status]

    def in_wrong_status(self, snapshot: Snapshot, wanted: Mapping[str, Status]) -> list[str]:
        """Name every campaign that sends and should be paused, or the other way round; all that are not wanted are."""
        by_id = {record.id: address for address, record in snapshot.campaigns.items()}
        right = {identifier: wanted.get(by_id.get(identifier, ""), Status.PAUSED) for identifier in self.statuses}
        return [f"{i} is {status}" for i, status in self.statuses.items() if status != right[i]]


def writes_in(requests: Iterable[SeenRequest]) -> Iterable[str]:
    """Name what was wanted of campaigns in some requests: `create`, `pause`, `resume`."""
    for request in requests:
        if request.method == "POST" and request.path.startswith(CAMPAIGNS):
            yield request.path.removeprefix(CAMPAIGNS).rpartition("/")[2] or "create"
