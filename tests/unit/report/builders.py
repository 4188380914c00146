"""Plans, records and reports to show: each builder makes an ordinary one, and a test says what is different."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from msgflash_apply.apply.result import ApplyReport, Outcome, Result, spell_advice
from msgflash_apply.campaign import Address, Content, Facts, Intent, Payload, Record, Source, fingerprint
from msgflash_apply.findings import Diagnostic, Severity
from msgflash_apply.plan.diff import content_differences
from msgflash_apply.plan.plan import (
    Action,
    Audience,
    Change,
    Plan,
    RequestForecast,
    TemplateAction,
    TemplateChange,
)
from msgflash_apply.template import Version, version_name

_Value = TypeVar("_Value")

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
STARTS_AT = datetime(2026, 11, 27, 8, 0, tzinfo=UTC)
CAMPAIGN_ID = "8f14e45f-ceea-467f-a9d4-7b1f0e8c2d31"
INSTANCE_ID = "3c59dc04-8e88-4024-bbe8-079a5c4f2b10"
ADDRESS = Address("promo/black-friday")
TEMPLATE_ID = "45c48cce-2e2d-4fbd-aa1a-fc51c7c6ad26"
RELANCE = Address("promo/relance")
SAID = Content("text", "Bonjour {{contact.firstName}},\n-30 % avec {{custom.code}}.\nÀ vendredi.")
SAYS = Content("text", "Bonjour {{contact.firstName}} !\n-30 % avec *{{custom.code}}*.\nÀ vendredi.")

PAYLOAD: Payload = {
    "instanceId": INSTANCE_ID,
    "name": "Black Friday",
    "schedule": "2026-11-27T08:00:00.000Z",
    "recipients": {"type": "tags", "value": ["vip", "paris"]},
    "type": "text",
    "body": "Bonjour !\nTout est à -30 % jusqu'à dimanche.",
}


def _but(ordinary: _Value, fields: Mapping[str, object]) -> _Value:
    return replace(ordinary, **fields)  # type: ignore[type-var]  # all of them are dataclasses, which check their fields


def a_payload(**fields: object) -> Payload:
    """Build a payload with some fields of its own; a field set to None is absent."""
    return {name: value for name, value in {**PAYLOAD, **fields}.items() if value is not None}


def a_change(action: Action = Action.CREATE, **fields: object) -> Change:
    """Build a change; a create has no id and no `before`, a removal no `after` and no file, all others have it all."""
    is_new, is_gone = action is Action.CREATE, action in {Action.RETIRE, Action.FORGET}
    ordinary = Change(
        address=ADDRESS,
        action=action,
        starts_at=STARTS_AT,
        source=None if is_gone else Source("campaigns/promo/black-friday.yaml"),
        id=None if is_new else CAMPAIGN_ID,
        before=None if is_new else PAYLOAD,
        after=None if is_gone else PAYLOAD,
        timezone="Europe/Paris",
        audience=Audience("tags", 120) if is_new else None,
    )
    return _but(ordinary, fields)


def a_template_change(action: TemplateAction = TemplateAction.CREATE, **fields: object) -> TemplateChange:
    """Build a change of a template; a new one has no id and no `before`, a removal no `after` and no file."""
    address = fields.get("address", RELANCE)
    is_gone = action in {TemplateAction.DELETE, TemplateAction.FORGET}
    before = None if action is TemplateAction.CREATE else SAYS if action is TemplateAction.ADOPT else SAID
    after = None if is_gone else SAYS
    ordinary = TemplateChange(
        address=RELANCE,
        action=action,
        name=version_name(RELANCE, SAYS),
        source=None if is_gone else Source(f"templates/{address}.yaml"),
        id=None if before is None else TEMPLATE_ID,
        before=before,
        after=after,
        diff=() if before is None or after is None else content_differences(before, after),
    )
    return _but(ordinary, fields)


def a_version(identifier: str, content: Content = SAID, address: Address = RELANCE) -> Version:
    """Build a version that this state made yesterday."""
    return Version(identifier, version_name(address, content), content.digest, NOW - timedelta(days=1))


def a_plan(*changes: Change, **fields: object) -> Plan:
    """Build a complete plan of these changes."""
    ordinary = Plan(
        environment="default",
        server="https://srv.msgflash.com",
        lineage="b6d767d2-f8ed-4d21-a44b-0e5886680cb9",
        serial=7,
        created_at=NOW,
        complete=True,
        changes=tuple(sorted(changes, key=lambda change: change.address)),
        diagnostics=(),
        requests=RequestForecast(used=3, apply=4, left_this_month=9512),
    )
    return _but(ordinary, fields)


def a_finding(**fields: object) -> Diagnostic:
    """Build an error at line 3, column 9."""
    ordinary = Diagnostic(
        severity=Severity.ERROR,
        code="MF203",
        message="`schedule` is not a time",
        hint="write it as 2026-11-27T09:00:00+01:00",
        file="campaigns/promo/black-friday.yaml",
        line=3,
        column=11,
    )
    return _but(ordinary, fields)


def facts(payload: Payload = PAYLOAD, labels: Mapping[str, str] | None = None) -> Facts:
    """Build the facts of a payload that was sent."""
    return Facts(
        payload=payload,
        fingerprint=fingerprint(payload),
        names={"instanceId": "boutique-principale"},
        file="campaigns/promo/black-friday.yaml",
        timezone="Europe/Paris",
        labels=labels or {},
    )


def a_record(**fields: object) -> Record:
    """Build the record of a scheduled campaign, read two minutes ago."""
    ordinary = Record(
        id=CAMPAIGN_ID,
        status="scheduled",
        read_at=NOW - timedelta(minutes=2),
        created_at=NOW - timedelta(days=1, hours=3),
        facts=facts(),
    )
    return _but(ordinary, fields)


def an_intent() -> Intent:
    """Build a create that was announced an hour ago and has no outcome."""
    return Intent(
        run="0d1c7a52-6a1b-4b58-9f0e-52a4f0a2c111", attempt=1, announced_at=NOW - timedelta(hours=1), facts=facts()
    )


def a_result(**fields: object) -> Result:
    """Build a create that went through, and what MsgFlash said about its `safety`."""
    fields["advice"] = spell_advice(fields.pop("safety", None))
    ordinary = Result(address=ADDRESS, action=Action.CREATE, outcome=Outcome.DONE, id=CAMPAIGN_ID)
    return _but(ordinary, fields)


def a_report(*results: Result, **fields: object) -> ApplyReport:
    """Build the report of an apply that went to its end."""
    ordinary = ApplyReport(environment="default", results=results, blocked=0, requests_sent=12)
    return _but(ordinary, fields)
