"""The server's side: what people would have got."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from msgflash_apply.campaign import Fingerprint, fingerprint
from msgflash_apply.sandbox.server import Sandbox
from msgflash_apply.sandbox.service import SeenRequest
from msgflash_apply.state.snapshot import Snapshot

CREATE: Final = ("POST", "/api/v1/campaigns")


@dataclass(frozen=True)
class Remote:
    """The server's side: each campaign that was ever created, by id."""

    payloads: dict[str, Fingerprint]

    @classmethod
    def of(cls, sandbox: Sandbox) -> "Remote":
        """Look at a server."""
        found: dict[str, Fingerprint] = {}
        for campaign in sandbox.campaigns():
            payload = campaign["payload"]
            if isinstance(payload, dict):
                found[str(campaign["id"])] = fingerprint(payload)
        return cls(found)

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


def creates_in(requests: Iterable[SeenRequest]) -> int:
    """Count the creates among some requests."""
    return sum((request.method, request.path) == CREATE for request in requests)
