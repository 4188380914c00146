"""
The journal: what one run announced and learned, one line per entry, appended and never rewritten.

What each entry does to the state is `replay.py`, how it is written and read `codec.py`. A line is JSON with its own
checksum and number:

    {"checksum":"9ae0daaf","sequence":3,"entry":{"address":"promo/x","kind":"created",..}}

The checksum is the CRC-32 of the rest of the line, so that a torn or altered line is found. The first entry is always
`Opened`, and it is the only one of its kind.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from msgflash_apply.campaign import Address, Content, Facts, Intent, Record
from msgflash_apply.template import TemplateRecord


@dataclass(frozen=True, slots=True)
class Opened:
    """The head: a run `journal` began at `serial` of the state `lineage`, `environment`."""

    journal: str
    lineage: str
    serial: int
    environment: str
    at: datetime
    kind: Literal["opened"] = "opened"


@dataclass(frozen=True, slots=True)
class Intended:
    """A create is about to be sent."""

    address: Address
    intent: Intent
    kind: Literal["intended"] = "intended"


@dataclass(frozen=True, slots=True)
class Created:
    """The announced create made the campaign `id`, which had `status` at `at`; `differs` as in its record."""

    address: Address
    id: str
    status: str
    at: datetime
    differs: tuple[str, ...] = ()
    kind: Literal["created"] = "created"


@dataclass(frozen=True, slots=True)
class NotCreated:
    """The announced create provably made nothing; `why` is for people."""

    address: Address
    why: str
    at: datetime
    kind: Literal["not_created"] = "not_created"


@dataclass(frozen=True, slots=True)
class Observed:
    """MsgFlash said `status`: it was read, or it answered a pause or a resume."""

    address: Address
    status: str
    at: datetime
    kind: Literal["observed"] = "observed"


@dataclass(frozen=True, slots=True)
class Retired:
    """Its file is gone and it was paused for good; `status` is what MsgFlash answered."""

    address: Address
    at: datetime
    status: str
    kind: Literal["retired"] = "retired"


@dataclass(frozen=True, slots=True)
class Restored:
    """A retired one came back and was resumed; `status` is what MsgFlash answered."""

    address: Address
    at: datetime
    status: str
    kind: Literal["restored"] = "restored"


@dataclass(frozen=True, slots=True)
class Announced:
    """A pause, resume, retire, or the pause that begins a replacement, is about to be sent. Its status is unknown."""

    address: Address
    effect: Literal["pause", "resume", "retire", "replace"]
    at: datetime
    kind: Literal["announced"] = "announced"


@dataclass(frozen=True, slots=True)
class Moved:
    """Record, intent and history of `previous` are at `address` now."""

    previous: Address
    address: Address
    kind: Literal["moved"] = "moved"


@dataclass(frozen=True, slots=True)
class Forgotten:
    """It is over and its file is gone: the record moves to the history."""

    address: Address
    at: datetime
    kind: Literal["forgotten"] = "forgotten"


@dataclass(frozen=True, slots=True)
class Removed:
    """A person removed it from the campaigns: the record moves to the history, the campaign stays as it is."""

    address: Address
    at: datetime
    kind: Literal["removed"] = "removed"


@dataclass(frozen=True, slots=True)
class Adopted:
    """A person brought in a campaign that was created elsewhere."""

    address: Address
    record: Record
    kind: Literal["adopted"] = "adopted"


@dataclass(frozen=True, slots=True)
class Described:
    """Its file says something new that is never sent: file, names, time zone, on_remove, labels."""

    address: Address
    facts: Facts
    kind: Literal["described"] = "described"


@dataclass(frozen=True, slots=True)
class Kept:
    """What a template says, before the first campaign that sends it; `digest` is that of `content`."""

    digest: str
    content: Content
    kind: Literal["kept"] = "kept"


@dataclass(frozen=True, slots=True)
class Bound:
    """The campaigns of this state are on `server`, an origin such as `https://srv.msgflash.com`."""

    server: str
    kind: Literal["bound"] = "bound"


Outcome: TypeAlias = Created | NotCreated | Observed | Retired | Restored
"""What MsgFlash did or said. It stays true when the store fails, so it must be kept somewhere."""


@dataclass(frozen=True, slots=True)
class Approved:
    """A plan that was approved is about to be carried out: its digest, and by address what it does."""

    digest: str
    changes: Mapping[Address, str]
    at: datetime
    kind: Literal["approved"] = "approved"


@dataclass(frozen=True, slots=True)
class Marked:
    """The run `run` is about to write the account's marker of this state, and to create campaigns after it."""

    run: str
    kind: Literal["marked"] = "marked"


@dataclass(frozen=True, slots=True)
class Templated:
    """All that is known of the template `address` from now on, what is about to be sent included; None for nothing."""

    address: Address
    record: TemplateRecord | None
    kind: Literal["templated"] = "templated"


OfAll: TypeAlias = Kept | Bound | Approved | Marked | Templated
"""What is said of no campaign."""

Entry: TypeAlias = Opened | Intended | Announced | Outcome | Moved | Forgotten | Removed | Adopted | Described | OfAll
