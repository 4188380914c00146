"""
The second noun of the program: a message template as files describe it, and as the record keeps it.

Read `DesiredTemplate` (what the files say), `TemplateRecord` (what MsgFlash has of it, by this state) and
`version_name`; contract section 14. Addresses are formed as those of campaigns, and are a namespace of their own.
Pure: no I/O, no clock.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Final, Literal

from msgflash_apply.campaign import Address, Content, Source

MOST_NAME: Final = 100
"""Characters in a name, as far as the console takes them (reference 4)."""

KNOWN_PLACEHOLDERS: Final = (
    "contact.name", "contact.firstName", "contact.phone", "contact.tags",
    "user.fullName", "user.email", "user.phone", "instance.name",
)  # fmt: skip
"""Reference 4.1; `contact.meta.*` besides, and `custom.*` as campaigns give it."""

PLACEHOLDER: Final = re.compile(r"\{\{\s*([a-zA-Z0-9_]+(?:\.[a-zA-Z0-9_]+)+)\s*\}\}")
"""A placeholder as MsgFlash's parser takes it (reference 4.1)."""


@dataclass(frozen=True, slots=True)
class TemplateLifecycle:
    """What may happen to a template after its creation; the words are those of the contract."""

    on_change: Literal["version", "in_place", "block"] = "version"
    on_remove: Literal["keep", "delete"] = "keep"


DEFAULT_TEMPLATE_LIFECYCLE: Final = TemplateLifecycle()


@dataclass(frozen=True, slots=True)
class DesiredTemplate:
    """
    One template as the files want it, rendered and expanded.

    Attributes:
        address: unique among all desired templates.
        source: where it is written.
        content: type, text and media as they go on the wire; placeholders of MsgFlash remain.
        lifecycle: on_change, on_remove.
        labels: never sent.
        moved_from: former addresses.
    """

    address: Address
    source: Source
    content: Content
    lifecycle: TemplateLifecycle = DEFAULT_TEMPLATE_LIFECYCLE
    labels: Mapping[str, str] = field(default_factory=dict)
    moved_from: tuple[Address, ...] = ()

    @property
    def name(self) -> str:
        """Of the template on MsgFlash: of this version, or where it is changed in place, of whatever it says."""
        return version_name(self.address, None if self.lifecycle.on_change == "in_place" else self.content)


@dataclass(frozen=True, slots=True)
class Version:
    """
    One template on MsgFlash that a template of the repo became.

    Attributes:
        id: on MsgFlash.
        name: on MsgFlash.
        content: digest of what it says; the state's `contents` have the words.
        made_at: when it was created, or found.
        is_ours: this state knows that it created it, so that it may delete it.
    """

    id: str
    name: str
    content: str
    made_at: datetime
    is_ours: bool = True


@dataclass(frozen=True, slots=True)
class Effect:
    """
    A write that was announced and whose outcome is not recorded.

    Attributes:
        verb: create, update or delete.
        at: when it was announced.
        name: that the template would have.
        content: digest of what it would say; of what it says where it is deleted.
        id: of the template; None for a create.
        known: ids of the equal templates that MsgFlash had before a create: none of them is the one that it made.
    """

    verb: Literal["create", "update", "delete"]
    at: datetime
    name: str
    content: str
    id: str | None = None
    known: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TemplateRecord:
    """
    What the state knows of one template of the repo.

    Attributes:
        file: where it was written, relative to the repo.
        line: of the file, at which its document began.
        on_remove: kept here because the file is gone when it matters.
        versions: that MsgFlash has by this state, the current one last; empty while none is known to be there.
        effects: that have no recorded outcome. They resolve themselves: the next plan looks by id, name and content.
        labels: for `--select` once the file is gone.
    """

    file: str
    line: int = 1
    on_remove: Literal["keep", "delete"] = "keep"
    versions: tuple[Version, ...] = ()
    effects: tuple[Effect, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)


def version_name(address: Address, content: Content | None) -> str:
    """
    Name a template of the repo on MsgFlash: `promo/relance@3f9a1c2b`, and without content `promo/relance@current`.

    An address that is too long is cut and ends with eight digits of its own hash.
    """
    suffix = "@current" if content is None else f"@{content.digest.removeprefix('sha256:')[:8]}"
    if len(address) + len(suffix) <= MOST_NAME:
        return address + suffix
    own = sha256(address.encode()).hexdigest()[:8]
    return f"{address[: MOST_NAME - len(suffix) - len(own) - 1]}~{own}{suffix}"


def placeholders(content: Content) -> tuple[str, ...]:
    """List the dotted paths that MsgFlash fills in, in the order of the text, each once (reference 4.1)."""
    return tuple(dict.fromkeys(found[1] for found in PLACEHOLDER.finditer(content.body or "")))
