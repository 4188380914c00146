"""The server's side: what people would have got."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from msgflash_apply.campaign import Address, Content, Fingerprint, Status, fingerprint
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
        words: by campaign id, what the template says that it sends now, and under which name.
        by_words: by campaign id, what was sent with the template's words in the place of its id.
        templates: names of the repo's templates, one for each copy.
    """

    payloads: Mapping[str, Fingerprint]
    statuses: Mapping[str, str]
    markers: int
    words: Mapping[str, tuple[str, Content]]
    by_words: Mapping[str, Fingerprint]
    templates: tuple[str, ...]

    @classmethod
    def of(cls, sandbox: Sandbox) -> "Remote":
        """Look at a server."""
        found: dict[str, Fingerprint] = {}
        statuses: dict[str, str] = {}
        words: dict[str, tuple[str, Content]] = {}
        by_words: dict[str, Fingerprint] = {}
        templates = dict(sandbox.world.templates)
        for campaign in sandbox.campaigns():
            payload, identifier = campaign["payload"], str(campaign["id"])
            if isinstance(payload, dict):
                found[identifier], statuses[identifier] = fingerprint(payload), str(campaign["status"])
                by_words[identifier] = found[identifier]
                if (one := templates.get(str(payload.get("templateId")))) is not None:
                    words[identifier] = (one.name, Content(one.type, one.body, one.media_url))
                    if not one.name.endswith("@current"):  # its words change under what was sent
                        by_words[identifier] = fingerprint({**payload, "templateId": words[identifier][1].digest})
        markers = sum(is_marker(template.name) for template in templates.values())
        of_repo = tuple(sorted(one.name for one in templates.values() if "@" in one.name))
        return cls(found, statuses, markers, words, by_words, of_repo)

    def duplicates(self) -> list[str]:
        """Name every campaign that was created although its payload was there, with the same words."""
        first = {payload: identifier for identifier, payload in reversed(self.by_words.items())}
        return [identifier for identifier, payload in self.by_words.items() if first[payload] != identifier]

    def in_other_words(self, snapshot: Snapshot) -> list[str]:
        """Name every campaign whose template says something else than was approved; those changed in place may wait."""
        return [
            address
            for address, record in snapshot.campaigns.items()
            if record.id in self.words
            and not self.words[record.id][0].endswith("@current")
            and self.words[record.id][1].digest != (record.facts.seen and record.facts.seen.content)
        ]

    def not_as_written(self, snapshot: Snapshot, words: Mapping[str, str]) -> list[str]:
        """Name every campaign that sends something else than its template's file says, once nothing is left to do."""
        sent = {
            address: self.words[record.id][1].body
            for address, record in snapshot.campaigns.items()
            if record.id in self.words
        }
        return [address for address, body in words.items() if sent.get(Address(address)) != body]

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
