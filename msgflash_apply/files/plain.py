"""
How campaigns and templates come back from a child: as tuples of plain data, in the order of their fields.

The start of a campaign is in its payload, and the file is known. Findings travel apart: see `reading.py`.
"""

from typing import Any, TypeAlias, cast

from msgflash_apply.campaign import (
    DEFAULT_LIFECYCLE,
    Address,
    Content,
    Desired,
    Lifecycle,
    Source,
    parse_instant,
    shared_names,
)
from msgflash_apply.files.expand import Expanded
from msgflash_apply.models.project import FileKind
from msgflash_apply.template import DEFAULT_TEMPLATE_LIFECYCLE, DesiredTemplate, TemplateLifecycle

PlainEntry: TypeAlias = tuple[str, int, tuple[Any, ...] | None]
"""Address, line of the document, and the fields of what is wanted; None in place of the last for a mistake."""


def plain_of(one: Expanded[Any]) -> PlainEntry:
    """Write a campaign or template as plain data."""
    wanted = cast("Desired | DesiredTemplate | None", one.desired)
    if wanted is None:
        return one.address, one.source.line, None
    if isinstance(wanted, DesiredTemplate):
        content, lifecycle = wanted.content, wanted.lifecycle
        rules = None
        if lifecycle is not DEFAULT_TEMPLATE_LIFECYCLE:
            rules = (lifecycle.on_change, lifecycle.on_remove)
        said = (content.type, content.body, content.media_url)
        return one.address, one.source.line, (said, rules, wanted.labels, wanted.moved_from)
    orders = None
    if wanted.lifecycle is not DEFAULT_LIFECYCLE:
        orders = (wanted.lifecycle.on_change, wanted.lifecycle.on_remove, wanted.lifecycle.ignore_changes)
    fields = (
        wanted.payload, wanted.names, wanted.timezone, wanted.paused, orders, wanted.labels, wanted.moved_from,
        wanted.max_people,
    )  # fmt: skip
    return one.address, one.source.line, fields


def wanted_in(file: str, kind: FileKind, plain: PlainEntry) -> Expanded[Any]:
    """Read what `plain_of` wrote."""
    text, line, fields = plain
    address, source = Address(text), Source(file, line)
    wanted: Desired | DesiredTemplate | None = None
    if fields is not None and kind == "template":
        said, rules, labels, moved_from = fields
        lifecycle = DEFAULT_TEMPLATE_LIFECYCLE if rules is None else TemplateLifecycle(*rules)
        wanted = DesiredTemplate(address, source, Content(*said), lifecycle, labels, moved_from)
    elif fields is not None:
        payload, names, timezone, paused, orders, labels, moved_from, max_people = fields
        wanted = Desired(
            address=address,
            source=source,
            payload=payload,
            names=shared_names(names),
            starts_at=parse_instant(str(payload["schedule"])),
            timezone=timezone,
            paused=paused,
            lifecycle=DEFAULT_LIFECYCLE if orders is None else Lifecycle(*orders),
            labels=labels,
            moved_from=moved_from,
            max_people=max_people,
        )
    return Expanded(address, source, wanted, ())
