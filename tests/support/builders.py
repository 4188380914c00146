"""Values for tests, with everything that does not matter filled in."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from msgflash_apply.campaign import (
    DEFAULT_LIFECYCLE,
    Address,
    Content,
    Desired,
    Facts,
    Intent,
    Lifecycle,
    Payload,
    Record,
    Source,
    fingerprint,
    format_instant,
)
from msgflash_apply.state.snapshot import Snapshot
from msgflash_apply.template import DesiredTemplate, TemplateLifecycle

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SOON = NOW + timedelta(days=4)
INSTANCE_ID = "11111111-1111-4111-8111-111111111111"


def a_payload(*, name: str = "Sale", starts_at: datetime = SOON, **fields: object) -> Payload:
    """Build a text campaign to everybody; `fields` replace or add, None takes away."""
    payload: dict[str, object] = {
        "instanceId": INSTANCE_ID,
        "name": name,
        "schedule": format_instant(starts_at),
        "recipients": {"type": "all"},
        "type": "text",
        "body": "Hello",
        **fields,
    }
    return {key: value for key, value in payload.items() if value is not None}


def a_desired(
    address: str = "sale",
    *,
    payload: Payload | None = None,
    names: Mapping[str, str] | None = None,
    paused: bool | None = None,
    lifecycle: Lifecycle = DEFAULT_LIFECYCLE,
    labels: Mapping[str, str] | None = None,
    moved_from: tuple[str, ...] = (),
    max_people: int | None = None,
    template: str | None = None,
) -> Desired:
    """Build a campaign as files want it; its name is its address, so that two of them differ."""
    payload = payload or a_payload(name=address)
    return Desired(
        address=Address(address),
        source=Source(f"campaigns/{address}.yaml"),
        payload=payload,
        names=names or {},
        starts_at=datetime.fromisoformat(str(payload["schedule"])),
        paused=paused,
        lifecycle=lifecycle,
        labels=labels or {},
        moved_from=tuple(Address(former) for former in moved_from),
        max_people=max_people,
        template=None if template is None else Address(template),
    )


def a_template(
    address: str = "promo/relance",
    body: str | None = "Hello {{contact.firstName}}",
    *,
    kind: str = "text",
    media_url: str | None = None,
    on_change: Literal["version", "in_place", "block"] = "version",
    on_remove: Literal["keep", "delete"] = "keep",
    moved_from: tuple[str, ...] = (),
) -> DesiredTemplate:
    """Build a template as files want it."""
    return DesiredTemplate(
        Address(address),
        Source(f"templates/{address}.yaml"),
        Content(kind, body, media_url),
        TemplateLifecycle(on_change, on_remove),
        moved_from=tuple(Address(former) for former in moved_from),
    )


def a_sender_of(template: str, address: str = "sale", **options: Any) -> Desired:  # noqa: ANN401 - of `a_desired`
    """Build a campaign that sends a template of the repo."""
    start = options.pop("starts_at", SOON)
    payload = a_payload(name=address, starts_at=start, type=None, body=None, **options.pop("fields", {}))
    return a_desired(address, payload=payload, names={"templateId": template}, template=template, **options)


def some_facts(
    payload: Payload | None = None,
    *,
    names: Mapping[str, str] | None = None,
    on_remove: Literal["pause", "keep"] = "pause",
    labels: Mapping[str, str] | None = None,
    file: str = "campaigns/sale.yaml",
) -> Facts:
    """Build what the record keeps of a campaign that was sent."""
    payload = payload or a_payload()
    return Facts(payload, fingerprint(payload), names or {}, file, on_remove=on_remove, labels=labels or {})


def facts_as_sent(wanted: Desired) -> Facts:
    """Build what an apply records of a campaign whose names need no looking up."""
    facts = some_facts(wanted.payload, names=wanted.names, on_remove=wanted.lifecycle.on_remove, labels=wanted.labels)
    source = wanted.source
    return replace(facts, file=source.file, line=source.line, timezone=wanted.timezone)


def a_record(
    address: str = "sale",
    *,
    identifier: str | None = None,
    status: str = "scheduled",
    retired: bool = False,
    facts: Facts | None = None,
) -> Record:
    """Build a created campaign that `a_desired` of the same address matches."""
    facts = facts or some_facts(a_payload(name=address), file=f"campaigns/{address}.yaml")
    return Record(identifier or f"id-{address}", status, NOW, NOW, facts, retired=retired)


def an_intent(address: str = "sale", *, facts: Facts | None = None) -> Intent:
    """Build an announced create without an outcome."""
    return Intent("run-1", 1, NOW, facts or some_facts(a_payload(name=address)))


def a_snapshot(campaigns: Mapping[str, Record] | None = None, in_doubt: Mapping[str, Intent] | None = None) -> Snapshot:
    """Build a state document."""
    return Snapshot(
        "5f0c8a3e-3c52-4c7e-9d59-5d2f3a6b7c8d",
        7,
        "default",
        campaigns={Address(address): record for address, record in (campaigns or {}).items()},
        in_doubt={Address(address): intent for address, intent in (in_doubt or {}).items()},
        history={},
    )
