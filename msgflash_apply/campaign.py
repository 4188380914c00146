"""
The noun of the program: a campaign as files describe it, as it goes on the wire, and as the record keeps it.

Read `Desired` (what the files say), `Record` (what was sent) and `fingerprint` (when two of them mean the same). An
`Address` is the key of everything that is remembered, so it is spelt one way only: NFC, forward slashes, the key of a
`for_each` entry quoted as in JSON (contract section 5). Pure: no I/O, no clock.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256
from typing import Final, Literal, NewType, TypeAlias
from unicodedata import normalize

Address = NewType("Address", str)
"""Where a campaign is among the files: `promo/black-friday`, `promo/black-friday["fr"]`. Never its id."""

Fingerprint = NewType("Fingerprint", str)
"""`sha256:` and 64 hex digits over a payload by meaning. Equal means: the same mailing."""

JsonObject: TypeAlias = Mapping[str, object]
"""A JSON object; never changed once made."""

Payload: TypeAlias = JsonObject
"""The body of `POST /campaigns` as it goes on the wire (reference 5.1). `instanceId`, `templateId` and the `groupId` of
`recipients` are absent while only a name is known."""

INSTANCE, TEMPLATE, GROUP = "instanceId", "templateId", "groupId"
"""What files may give by name: fields of a payload, the last one of its `recipients`."""

Names: TypeAlias = Mapping[str, str]
"""What the files say instead of an id: `INSTANCE`, `TEMPLATE` or `GROUP` -> name, number or "" for "the account's only
connected instance"."""


class Status(StrEnum):
    """Statuses that MsgFlash documents (reference 5.9). A record keeps an unknown one as plain text."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    RUNNING = "running"
    PAUSED = "paused"
    PAUSED_QUOTA = "paused_quota"
    PAUSED_PLAN = "paused_plan"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    FAILED = "failed"


TERMINAL = frozenset({Status.COMPLETED, Status.CANCELLED, Status.FAILED})

PAUSABLE = frozenset({Status.SCHEDULED, Status.RUNNING})

PAUSED_BY_SYSTEM = frozenset({Status.PAUSED_QUOTA, Status.PAUSED_PLAN})


_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)

UNKNOWN = "unknown"
"""Of a campaign for which something was sent that has no outcome; never a status of MsgFlash's."""

GONE = "gone"
"""Status on record of a campaign that MsgFlash does not know any more; never a status of MsgFlash's."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a campaign is written: a path relative to the repo, and the line its document begins at, from 1."""

    file: str
    line: int = 1


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """What may happen to a campaign after its creation; `ignore_changes` names payload fields. Contract section 2."""

    on_change: Literal["block", "replace", "ignore"] = "block"
    on_remove: Literal["pause", "keep"] = "pause"
    ignore_changes: tuple[str, ...] = ()


DEFAULT_LIFECYCLE = Lifecycle()


@dataclass(frozen=True, slots=True)
class Content:
    """
    What a template says, before anything is filled in (reference 4).

    Attributes:
        type: text, image, video, audio, document; None where MsgFlash does not say.
        body: text or caption; None for none.
        media_url: of a media type; None for none.
    """

    type: str | None = None
    body: str | None = None
    media_url: str | None = None

    @property
    def digest(self) -> str:
        """`sha256:` and 64 hex digits: equal for the same words and media."""
        text = _CANONICAL.encode([self.type, self.body, self.media_url])
        return "sha256:" + sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Seen:
    """
    What was approved beside the payload: what MsgFlash had behind its ids when the plan was made.

    Attributes:
        content: digest of the template's `Content`; None in direct mode, or where it was not recorded.
        number: WhatsApp number of the instance; None where MsgFlash did not say.
        people: how many would have received it; None where they were not counted.
        max_people: the limit that was set for it; None for none.
    """

    content: str | None = None
    number: str | None = None
    people: int | None = None
    max_people: int | None = None


@dataclass(frozen=True, slots=True)
class Desired:
    """
    One campaign as the files want it, rendered and expanded.

    Attributes:
        address: unique among all desired campaigns.
        source: where it is written.
        payload: as it will go on the wire; an id of which `names` has the name is absent until looked up.
        names: names still to be looked up, by payload field; empty when the files give ids.
        starts_at: the instant of `payload["schedule"]`, aware, UTC.
        timezone: IANA zone in which people read the start; None for UTC.
        paused: True and False are orders, None leaves it as people left it.
        lifecycle: on_change, on_remove, ignore_changes.
        labels: never sent.
        moved_from: former addresses.
        max_people: more recipients than this block the create; None for no limit of its own.
        template: the template of this repo that `names` has under `TEMPLATE`; None where that is a name on MsgFlash.
    """

    address: Address
    source: Source
    payload: Payload
    names: Names
    starts_at: datetime
    timezone: str | None = None
    paused: bool | None = None
    lifecycle: Lifecycle = DEFAULT_LIFECYCLE
    labels: Mapping[str, str] = field(default_factory=dict)
    moved_from: tuple[Address, ...] = ()
    max_people: int | None = None
    template: Address | None = None

    @property
    def fingerprint(self) -> Fingerprint:
        """Of payload and names together: two campaigns that share it are the same mailing, whatever the names mean."""
        return fingerprint(self.payload, self.names)


@dataclass(frozen=True, slots=True)
class Facts:
    """
    What the record keeps of a campaign as it was sent, whether or not its creation was confirmed.

    Attributes:
        payload: as sent.
        fingerprint: of the payload with every name looked up.
        names: the names the files gave, by payload field, so that an offline plan can compare.
        file: where it was written, relative to the repo.
        timezone: in which people read the start; None for UTC.
        on_remove: kept here because the file is gone when it matters.
        labels: for `--select` once the file is gone.
        line: of the file, at which its document began.
        seen: what else was approved; None in a record of an earlier version, until the next apply fills it in.
    """

    payload: Payload
    fingerprint: Fingerprint
    names: Names
    file: str
    timezone: str | None = None
    on_remove: Literal["pause", "keep"] = "pause"
    labels: Mapping[str, str] = field(default_factory=dict)
    line: int = 1
    seen: Seen | None = None

    def __post_init__(self) -> None:
        """Make the fingerprint anew where an earlier version took ids in capitals into it: it would match nothing."""
        if with_plain_ids(self.payload) is not self.payload:
            object.__setattr__(self, "fingerprint", fingerprint(self.payload))

    @property
    def starts_at(self) -> datetime:
        """The start time that was sent."""
        return parse_instant(str(self.payload["schedule"]))


@dataclass(frozen=True, slots=True)
class Record:
    """
    One created campaign as the state keeps it: the only place in the world where its id is written down.

    Attributes:
        id: the API's id, opaque.
        status: as last read; a `Status`, or a text that this version does not know.
        read_at: when `status` was read.
        created_at: when its creation was confirmed to us.
        facts: what was sent.
        retired: paused for good because its file is gone.
        former_ids: ids of the campaigns it replaced, oldest first.
        effect: the verb of a change that was announced and whose outcome is not recorded; None where there is none.
            `replace` stays until the new campaign is created, so that the old one can be resumed where that fails.
        differs: in what MsgFlash's answer to its create was not what was sent, for people; empty where it was.
    """

    id: str
    status: str
    read_at: datetime
    created_at: datetime
    facts: Facts
    retired: bool = False
    former_ids: tuple[str, ...] = ()
    differs: tuple[str, ...] = ()
    effect: Literal["pause", "resume", "retire", "replace"] | None = None

    @property
    def is_unsettled(self) -> bool:
        """Whether its status is not what is recorded: something was sent for it, and no outcome is known."""
        return self.effect is not None and not (self.effect == "replace" and self.status == Status.PAUSED)


SEND_WITHIN: Final = timedelta(seconds=30)
"""After it was announced; later another run may have taken over, or a person may have said that nothing was created."""


@dataclass(frozen=True, slots=True)
class Intent:
    """
    A create that was announced in the journal before it left. Without an outcome it is in doubt.

    Attributes:
        run: id of the apply that announced it (its lock id).
        attempt: from 1; counts the creates of this address that were announced in this run.
        announced_at: when.
        facts: what was to be sent.
        send_before: nothing is sent for it from then on; None in what an earlier version announced.
    """

    run: str
    attempt: int
    announced_at: datetime
    facts: Facts
    send_before: datetime | None = None

    @property
    def last_sent_at(self) -> datetime:
        """No request leaves for it later, if any did."""
        return self.send_before or self.announced_at + SEND_WITHIN


def shared_names(names: Names) -> Names:
    """Give the same names for all campaigns that give equal ones: thousands mostly do."""
    return _names_of(tuple(names.items()))


@lru_cache(maxsize=1024)
def _names_of(items: tuple[tuple[str, str], ...]) -> Names:
    return dict(items)


UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")


def plain_id(identifier: str) -> str:
    """Spell an id one way: a UUID in lower case, in which it means the same; any other as it is."""
    lower = identifier.lower()
    return lower if lower != identifier and UUID.fullmatch(identifier) else identifier


def id_in(payload: Payload, field: str) -> str | None:
    """Look up the id of an instance, template or group in a payload; None where it has none."""
    value = payload.get(field)
    if field == GROUP:
        recipients = payload.get("recipients")
        value = recipients.get(field) if isinstance(recipients, Mapping) else None
    return value if isinstance(value, str) else None


def plain_id_in(payload: Payload | None, field: str) -> str:
    """Look up the same, spelled as ids are compared; empty where there is none."""
    return plain_id(id_in(payload or {}, field) or "")


def with_ids(payload: Payload, ids: Mapping[str, str | None]) -> Payload:
    """Put ids into a payload; see `id_in`."""
    filled = {**payload, **{field: identifier for field, identifier in ids.items() if field != GROUP}}
    recipients = payload.get("recipients")
    if GROUP in ids and isinstance(recipients, Mapping):
        filled["recipients"] = {**recipients, GROUP: ids[GROUP]}
    return filled


def with_plain_ids(payload: Payload) -> Payload:
    """Spell every id in a payload one way, as it is compared and sent; the payload itself where that is so already."""
    plain: dict[str, object] = {}
    for name in ("instanceId", "templateId"):
        written = payload.get(name)
        if isinstance(written, str) and (identifier := plain_id(written)) != written:
            plain[name] = identifier
    recipients = payload.get("recipients")
    if isinstance(recipients, Mapping) and recipients.get("type") in ("explicit", "group"):
        spelled = {
            name: [_plain(item) for item in value] if isinstance(value, list) else _plain(value)
            for name, value in recipients.items()
        }
        if spelled != recipients:
            plain["recipients"] = spelled
    return {**payload, **plain} if plain else payload


def _plain(value: object) -> object:
    return plain_id(value) if isinstance(value, str) else value


def fingerprint(payload: Payload, names: Names | None = None) -> Fingerprint:
    """
    Digest a payload by meaning: order of keys, tags and contact ids and the case of ids count for nothing.

    Neither does `repeat: none`, which is absence.

    Args:
        payload: as it goes on the wire, so instants are already spelt one way.
        names: names of which the ids are not looked up yet; they take part, so that two campaigns that differ only
            in the instance's name differ. Never mix fingerprints made with and without names.
    """
    meaning = dict(with_plain_ids(payload))
    if meaning.get("repeat") == "none":
        del meaning["repeat"]
    recipients = meaning.get("recipients")
    if isinstance(recipients, Mapping) and isinstance(value := recipients.get("value"), list):
        meaning["recipients"] = {**recipients, "value": sorted({str(item) for item in value})}
    if names:
        meaning["names"] = dict(names)
    return Fingerprint("sha256:" + sha256(_CANONICAL.encode(meaning).encode("utf-8", "surrogatepass")).hexdigest())


def format_instant(moment: datetime) -> str:
    """Spell an aware datetime as MsgFlash does: UTC, milliseconds, `Z` (reference 2.1)."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


FIRST_YEAR = 1970

LAST_YEAR = 9998
"""Of every instant; in the one after it a clock of another zone may show a year that does not exist."""


A_YEAR = timedelta(days=366)

FAR_AHEAD_HINT = "check the year"


def far_ahead(start: datetime, now: datetime) -> str | None:
    """Say that a start is more than a year ahead, which is mostly a slip; None for any other."""
    return f"it starts on {start:%Y-%m-%d}, more than a year ahead" if start - now > A_YEAR else None


def parse_instant(text: str) -> datetime:
    """Read an ISO 8601 instant with a zone; ValueError without one, or outside the years that are allowed."""
    return checked_instant(datetime.fromisoformat(text))


def checked_instant(moment: datetime) -> datetime:
    """Make sure that a moment can be compared, moved to any zone and written; ValueError where it cannot."""
    if moment.tzinfo is None:
        raise ValueError(f"no time zone in {moment.isoformat()}")
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ValueError(f"{moment.isoformat()} lies outside the years {FIRST_YEAR} to {LAST_YEAR}")
    return moment if moment.tzinfo is UTC else moment.astimezone(UTC)


SEGMENT = re.compile(r"\w[\w.-]*")

_ADDRESS = re.compile(r'(?P<base>[^\["]+)(?:\[(?P<entry>"(?:[^"\\]|\\.)*")\])?')


def base_address(file: str, folder: str, key: str | None) -> Address:
    """
    Name the campaign of a file.

    Args:
        file: relative to the repo, within `folder`.
        folder: the campaigns folder, relative to the repo.
        key: replaces the last segment; None keeps the file's name.
    """
    path = file[len(folder) + 1 : file.rindex(".")]
    if key is not None:
        parent, slash, _ = path.rpartition("/")
        path = f"{parent}{slash}{key}"
    return Address(path if path.isascii() else normalize("NFC", path))


def entry_address(base: Address, entry: str) -> Address:
    """Name the campaign of one entry of a `for_each`: `promo/black-friday["fr"]`."""
    return Address(f"{base}[{json.dumps(normalize('NFC', entry), ensure_ascii=False)}]")


def bad_segment(base: str) -> str | None:
    """The first segment that cannot be part of an address; None when all can."""
    return next((segment for segment in base.split("/") if not SEGMENT.fullmatch(segment)), None)


def read_address(text: str) -> Address | None:
    """Read an address as a person writes it; None when it is none."""
    found = _ADDRESS.fullmatch(normalize("NFC", text))
    if found is None or bad_segment(found["base"]) is not None:
        return None
    if found["entry"] is None:
        return Address(found["base"])
    try:
        return entry_address(Address(found["base"]), json.loads(found["entry"]))
    except json.JSONDecodeError:
        return None
