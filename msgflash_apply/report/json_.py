r"""
Plans, findings, applies and records as JSON for programs; `schemas/plan.schema.json` has the shapes (contract 11).

Deterministic: our own keys in the contract's order, all others sorted. This process's secrets are redacted in every
text; characters that cannot be seen or act on a terminal are `\u` escapes, which a JSON reader turns back.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from io import StringIO

from msgflash_apply.apply.result import ApplyReport
from msgflash_apply.campaign import (
    Address,
    Content,
    Facts,
    Intent,
    JsonObject,
    Record,
    Source,
    format_instant,
    id_in,
    with_ids,
)
from msgflash_apply.findings import Diagnostic
from msgflash_apply.operations.drift import Drift
from msgflash_apply.plan.plan import Action, AttributeDiff, Change, Plan, TemplateAction, TemplateChange
from msgflash_apply.report.own_secrets import redact
from msgflash_apply.report.safe_text import SUSPECT_IN_LINES
from msgflash_apply.state.backends.base import Backup
from msgflash_apply.state.reading import Past
from msgflash_apply.state.snapshot import Snapshot
from msgflash_apply.template import TemplateRecord

FORMAT_VERSION = "2.0"
"""Of the plan's JSON. New fields raise the second number; readers ignore fields that they do not know."""


def plan_to_json(plan: Plan, *, tool_version: str, changes_only: bool = False) -> str:
    """
    Spell a plan for programs; contract section 11.

    Args:
        plan: what to spell.
        tool_version: of the program that made it.
        changes_only: leave out the unchanged campaigns and templates; the summary still counts them.
    """
    return _text(_plan(plan, tool_version, changes_only=changes_only))


def drift_to_json(found: Sequence[Drift], plan: Plan, *, tool_version: str) -> str:
    """Spell what differs from the record, and the plan that follows from it; `found` is null for what is gone."""
    drift = [
        {
            "address": one.address,
            "id": one.id,
            "what": one.what,
            "recorded": one.recorded,
            "found": one.found,
            "diff": _diff(one.diff),
        }
        for one in found
    ]
    return _text({"drift": drift, "plan": _plan(plan, tool_version)})


def validation_to_json(campaigns: int, diagnostics: Sequence[Diagnostic], templates: int = 0) -> str:
    """Spell findings about files: `{"valid", "campaigns", "templates", "diagnostics"}`; a warning leaves them valid."""
    valid = not any(finding.is_error for finding in diagnostics)
    counts = {"campaigns": campaigns, "templates": templates}
    return _text({"valid": valid, **counts, "diagnostics": _diagnostics(diagnostics)})


def apply_to_json(report: ApplyReport) -> str:
    """Spell the end of an apply: results in the order of the plan, counts by outcome, and what ended it early."""
    return _text(
        {
            "environment": report.environment,
            "results": [
                {
                    "address": result.address,
                    "action": result.action.value,
                    "outcome": result.outcome.value,
                    "id": result.id,
                    "error": result.error,
                    "differences": _diff(result.differences),
                    "safety": _foreign(result.safety),
                }
                for result in report.results
            ],
            "templates": [
                {
                    "address": result.address,
                    "action": result.action.value,
                    "outcome": result.outcome.value,
                    "id": result.id,
                    "error": result.error,
                }
                for result in report.templates
            ],
            "summary": {outcome.value: number for outcome, number in report.summary.items()},
            "diagnostics": _diagnostics(report.diagnostics),
            "blocked": report.blocked,
            "requests": {"sent": report.requests_sent},
            "stopped": report.stopped,
            "interrupted_by": report.interrupted_by,
            "recovery_file": report.recovery_file,
        }
    )


def state_list_to_json(state: Snapshot) -> str:
    """Spell every campaign and template of a state, by address; their shapes are those of `record_to_json`."""
    addresses = sorted(state.campaigns.keys() | state.in_doubt.keys())
    return _text(
        {
            "campaigns": [_entry(each, state.campaigns.get(each), state.in_doubt.get(each)) for each in addresses],
            "templates": [
                {"address": address, **_template_record(record, state.contents)}
                for address, record in sorted(state.templates.items())
            ],
        }
    )


def record_to_json(state: Snapshot, address: Address) -> str:
    """Spell what a state knows of one address: `record`, `in_doubt` and `template`, null for what there is not."""
    template = state.templates.get(address)
    return _text(
        {
            **_entry(address, state.campaigns.get(address), state.in_doubt.get(address)),
            "template": template and _template_record(template, state.contents),
        }
    )


def history_to_json(past: Iterable[Past]) -> str:
    """Spell campaigns that are managed no more, in the order given; of a replaced one the id alone is known."""
    return _text(
        {
            "history": [
                {
                    "address": campaign.address,
                    "id": campaign.id,
                    "replaced_by": campaign.replaced_by,
                    "record": campaign.record and _record(campaign.record),
                }
                for campaign in past
            ]
        }
    )


def backups_to_json(backups: Iterable[Backup]) -> str:
    """Spell the former documents that a storage keeps, in the order given: what reads one, when, and how long it is."""
    return _text(
        {
            "backups": [
                {
                    "name": backup.name,
                    "written_at": format_instant(backup.written_at),
                    "size_bytes": backup.size_bytes,
                }
                for backup in backups
            ]
        }
    )


def _plan(plan: Plan, tool_version: str, *, changes_only: bool = False) -> dict[str, object]:
    requests = plan.requests
    return {
        "format_version": FORMAT_VERSION,
        "tool_version": tool_version,
        "environment": plan.environment,
        "server": plan.server,
        "lineage": plan.lineage,
        "serial": plan.serial,
        "created_at": format_instant(plan.created_at),
        "complete": plan.complete,
        "digest": plan.digest,
        "changes": [
            _change(change, plan.created_at)
            for change in plan.changes
            if not (changes_only and change.action is Action.NO_OP)
        ],
        "templates": [
            _template(one) for one in plan.templates if not (changes_only and one.action is TemplateAction.NO_OP)
        ],
        "summary": {
            **{action.value: number for action, number in plan.summary.items()},
            "people": plan.people,
            "templates": {action.value: number for action, number in plan.template_summary.items()},
        },
        "diagnostics": _diagnostics(plan.diagnostics),
        "requests": {
            "used": requests.used,
            "apply": requests.apply,
            "left_this_month": requests.left_this_month,
            "messages": requests.messages,
            "messages_left": requests.messages_left,
        },
    }


def _change(change: Change, now: datetime) -> dict[str, object]:
    audience = change.audience
    return {
        "address": change.address,
        "action": change.action.value,
        "reason": change.reason and change.reason.value,
        "explanation": change.explanation,
        "source": _source(change.source),
        "id": change.id,
        "before": _foreign(change.before),
        "after": _foreign(_with_unknown(change)),
        "unknown": sorted(change.names.keys() - _ids_in(change)),
        "content": _content(change),
        "instance": change.instance
        and {"id": change.instance.id, "name": change.instance.name, "number": change.instance.number},
        "diff": _diff(change.diff),
        "starts_at": format_instant(change.starts_at),
        "timezone": change.timezone,
        "names": _foreign(change.names),
        "audience": audience
        and {
            "type": audience.type,
            "name": audience.name,
            "count": audience.count,
            "max": change.max_people,
            "limit": audience.limit,
        },
        "labels": _foreign(change.labels),
        "status": change.status,
        "stage": change.stage(now).value,
        "previous_address": change.previous_address,
        "pause_after": change.pause_after,
        "template_address": change.template_address,
    }


def _template(change: TemplateChange) -> dict[str, object]:
    return {
        "address": change.address,
        "action": change.action.value,
        "reason": change.reason and change.reason.value,
        "explanation": change.explanation,
        "source": _source(change.source),
        "id": change.id,
        "name": change.name,
        "before": change.before and _words(change.before),
        "after": change.after and _words(change.after),
        "diff": _diff(change.diff),
        "campaigns": list(change.campaigns),
        "unused": [{"id": version.id, "name": version.name} for version in change.unused],
        "labels": _foreign(change.labels),
        "previous_address": change.previous_address,
        "lifecycle": {"on_change": change.lifecycle.on_change, "on_remove": change.lifecycle.on_remove},
    }


def _source(source: Source | None) -> dict[str, object] | None:
    return None if source is None else {"file": source.file, "line": source.line}


def _words(content: Content) -> dict[str, object]:
    return {"type": content.type, "body": content.body, "media_url": content.media_url, "digest": content.digest}


def _ids_in(change: Change) -> set[str]:
    return {field for field in change.names if id_in(change.payload or {}, field) is not None}


def _with_unknown(change: Change) -> JsonObject | None:
    """What would go on the wire, with null for each id that is not known before an apply."""
    unknown = change.names.keys() - _ids_in(change)
    return change.after and with_ids(change.after, dict.fromkeys(unknown))


def _content(change: Change) -> dict[str, object] | None:
    """What people read, and what it was made of; null where the template is not known."""
    words, template = change.words, change.template
    if words is None:
        return None
    return {
        **_words(words),
        "digest": (words if template is None else template.content).digest,
        "template": template and {"name": template.name, "id": template.id or None},
    }


def _diff(diff: Iterable[AttributeDiff]) -> list[dict[str, object]]:
    return [{"path": one.path, "before": _foreign(one.before), "after": _foreign(one.after)} for one in diff]


def _diagnostics(diagnostics: Iterable[Diagnostic]) -> list[dict[str, object]]:
    return [
        {
            "severity": finding.severity.value,
            "code": finding.code,
            "message": finding.message,
            "hint": finding.hint,
            "file": finding.file,
            "line": finding.line,
            "column": finding.column,
            "address": finding.address,
        }
        for finding in diagnostics
    ]


def _entry(address: Address, record: Record | None, doubt: Intent | None) -> dict[str, object]:
    in_doubt = doubt and {
        "run": doubt.run,
        "attempt": doubt.attempt,
        "announced_at": format_instant(doubt.announced_at),
        **_facts(doubt.facts),
    }
    return {"address": address, "record": record and _record(record), "in_doubt": in_doubt}


def _template_record(record: TemplateRecord, contents: Mapping[str, Content]) -> dict[str, object]:
    return {
        "versions": [
            {
                "id": version.id,
                "name": _foreign(version.name),
                "made_at": format_instant(version.made_at),
                "is_ours": version.is_ours,
                "digest": version.content,
                "content": _words(contents[version.content]) if version.content in contents else None,
            }
            for version in record.versions
        ],
        "announced": [
            {"verb": effect.verb, "at": format_instant(effect.at), "name": effect.name, "id": effect.id}
            for effect in record.effects
        ],
        "file": record.file,
        "on_remove": record.on_remove,
        "labels": _foreign(record.labels),
    }


def _record(record: Record) -> dict[str, object]:
    return {
        "id": record.id,
        "status": record.status,
        "read_at": format_instant(record.read_at),
        "created_at": format_instant(record.created_at),
        "retired": record.retired,
        "former_ids": list(record.former_ids),
        "differs": list(record.differs),
        "effect": record.effect,
        **_facts(record.facts),
    }


def _facts(facts: Facts) -> dict[str, object]:
    return {
        "starts_at": format_instant(facts.starts_at),
        "timezone": facts.timezone,
        "file": facts.file,
        "fingerprint": facts.fingerprint,
        "payload": _foreign(facts.payload),
        "names": _foreign(facts.names),
        "on_remove": facts.on_remove,
        "labels": _foreign(facts.labels),
        "seen": facts.seen
        and {
            "content": facts.seen.content,
            "number": facts.seen.number,
            "people": facts.seen.people,
            "max_people": facts.seen.max_people,
        },
    }


def _foreign(value: object) -> object:
    """Copy a value whose keys are not ours, keys sorted."""
    if isinstance(value, Mapping):
        return {str(key): _foreign(value[key]) for key in sorted(value, key=str)}
    return [_foreign(item) for item in value] if isinstance(value, list | tuple) else value


def _redacted(value: object) -> object:
    """Redact texts before they are spelled as JSON: afterwards, quotes and backslashes would be in the way."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {redact(key): _redacted(item) for key, item in value.items()}
    return [_redacted(item) for item in value] if isinstance(value, list) else value


def _text(document: object) -> str:
    text = _spelled(document)
    if redact(text) != text:  # looking through the whole text at once takes a fraction of the time
        text = _spelled(_redacted(document))
    # Inside strings JSON itself escapes line breaks and tabs, so those that are left are ours.
    return SUSPECT_IN_LINES.sub(_escape, text)


def _spelled(document: object) -> str:
    spelled = StringIO()  # `dumps` collects all the small pieces in a list first, which takes ten times the text
    json.dump(document, spelled, indent=2, ensure_ascii=False, allow_nan=False)
    spelled.write("\n")
    return spelled.getvalue()


def _escape(found: re.Match[str]) -> str:
    character = found.group()
    return f"\\u{ord(character):04x}" if character.isascii() else json.dumps(character)[1:-1]
