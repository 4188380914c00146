"""
A saved plan: what was reviewed, as data, to be applied as it is or not at all.

Versioned, proven by a checksum, checked before use, and free of secrets. Applying one needs no campaign files. The
checksum finds damage, not malice: whoever may apply may also plan, and `--expect DIGEST` holds a file to a review.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from msgflash_apply.campaign import FIELD_ORDER, checked_instant, fingerprint
from msgflash_apply.errors import PlanError, PlanForOtherEnvironment, PlanStale
from msgflash_apply.plan.plan import SENDING, Action, Change, Plan
from msgflash_apply.state.snapshot import Snapshot
from msgflash_apply.state.soundness import check_json, check_payload

FORMAT_VERSION: Final = 2

LARGEST_BYTES: Final = 512 * 1024 * 1024

PLAN_AGAIN: Final = "Plan again, and have the new plan reviewed: msgflash-apply plan --out FILE"

NEEDED: Final = ("instanceId", "name", "schedule", "recipients")


@dataclass(frozen=True, slots=True)
class SavedPlan:
    """
    A plan as it lies in a file.

    Attributes:
        plan: with everything that an apply needs.
        min_lead_time: of the policy at the time of planning; holds for applying too.
    """

    plan: Plan
    min_lead_time: timedelta


class _Document(BaseModel):
    """A plan file as it is written; the dataclasses inside inherit how strict it is."""

    model_config = ConfigDict(extra="forbid", strict=True)

    format_version: Literal[2]
    checksum: str
    min_lead_time_seconds: float
    plan: Plan


def encode_plan(saved: SavedPlan) -> bytes:
    """
    Write a plan file: one JSON object with format version, checksum, lead time and the plan.

    Raises:
        PlanError: the plan was made without a state, or could not look up an instance: it cannot be applied.
    """
    if saved.plan.lineage is None:
        raise PlanError("A plan without a state cannot be saved.", "It was made with --no-state.")
    _refuse_unfit(saved.plan, "The plan cannot be saved.")
    body = {
        "min_lead_time_seconds": saved.min_lead_time.total_seconds(),
        "plan": TypeAdapter(Plan).dump_python(saved.plan, mode="json"),
    }
    document = {"format_version": FORMAT_VERSION, "checksum": _checksum(body), **body}
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def decode_plan(data: bytes, *, where: str) -> SavedPlan:
    """
    Read a plan file.

    Raises:
        PlanError: it is none, it is damaged, or a newer version of the program wrote it.
    """
    document = _document(data, where)
    if document.get("format_version") != FORMAT_VERSION:
        raise PlanError(
            f"{where} was written by another version of msgflash-apply.",
            f"Its format_version is {document.get('format_version')!r}; this version reads {FORMAT_VERSION}.",
            PLAN_AGAIN,
        )
    body = {key: value for key, value in document.items() if key not in {"format_version", "checksum"}}
    if document.get("checksum") != _checksum(body):
        raise PlanError(f"{where} is damaged: its checksum does not fit.", "", PLAN_AGAIN)
    saved = _saved(document, where)
    _refuse_unfit(saved.plan, f"{where} cannot be applied.")
    return saved


def refuse_stale(saved: SavedPlan, snapshot: Snapshot, *, environment: str, now: datetime) -> None:
    """
    Refuse a plan once the world has moved on. The caller holds the lock.

    Raises:
        PlanForOtherEnvironment: it was made for another environment.
        PlanStale: the state is another one or has moved on, or a start is past or too near; says what changed.
    """
    plan = saved.plan
    if plan.environment != environment:
        raise PlanForOtherEnvironment(
            "The plan is for another environment.", f"It is for {plan.environment}; this is {environment}."
        )
    if plan.lineage != snapshot.lineage:
        raise PlanStale(
            "The plan was made for another state.",
            f"Its lineage: {plan.lineage}; here: {snapshot.lineage}.",
            PLAN_AGAIN,
        )
    if plan.serial != snapshot.serial:
        changed = list(_changed(plan, snapshot))
        told = "\n".join(f"  {line}" for line in changed[:10]) or "  nothing that this plan acts on"
        more = f"\n  and {len(changed) - 10} more" if len(changed) > 10 else ""
        moved_on = f"The plan was made at serial {plan.serial}; the state is at {snapshot.serial}. What changed:"
        raise PlanStale("The state has moved on since the plan was made.", f"{moved_on}\n{told}{more}", PLAN_AGAIN)
    late = [c for c in plan.effective if c.action in SENDING and c.starts_at < now + saved.min_lead_time]
    if late:
        told = "\n".join(f"  {change.address} starts at {change.starts_at:%Y-%m-%d %H:%M} UTC" for change in late[:10])
        raise PlanStale("A start is past, or nearer than `min_lead_time` allows.", told, PLAN_AGAIN)


def _changed(plan: Plan, snapshot: Snapshot) -> Iterator[str]:
    """Say of each change what the state now has otherwise than the plan was told."""
    for change in plan.changes:
        address = change.previous_address or change.address
        record = snapshot.campaigns.get(address)
        if address in snapshot.in_doubt and change.action is not Action.BLOCKED:
            yield f"{address} is in doubt"
        elif record is None and change.id is not None:
            yield f"{address} is not on record any more"
        elif record is not None and change.id != record.id:
            yield f"{address} is on record now, as {record.id}"
        elif record is not None and change.before and fingerprint(change.before) != record.facts.fingerprint:
            yield f"{address} was sent with another content"


def _document(data: bytes, where: str) -> dict[str, object]:
    try:
        document = json.loads(data) if len(data) <= LARGEST_BYTES else None
        check_json(document)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict) or "plan" not in document:
        raise PlanError(f"{where} is no plan file.", "", "Write one with: msgflash-apply plan --out FILE")
    return document


def _saved(document: dict[str, object], where: str) -> SavedPlan:
    try:
        read = _Document.model_validate_json(json.dumps(document))
        saved = SavedPlan(read.plan, timedelta(seconds=read.min_lead_time_seconds))
        _check_moments(saved.plan)
    except ValidationError as err:
        first = err.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(step) for step in first["loc"])
        raise PlanError(f"{where} is no plan file of this version.", f"{place}: {first['msg']}.", PLAN_AGAIN) from err
    except (ValueError, OverflowError) as err:
        raise PlanError(f"{where} is no plan file of this version.", f"{err}.", PLAN_AGAIN) from err
    return saved


def _check_moments(plan: Plan) -> None:
    """Whatever comes later compares and shows moments, and reads payloads as those of a create. ValueError if not."""
    checked_instant(plan.created_at)
    for change in plan.changes:
        checked_instant(change.starts_at)
        for payload in (change.before, change.after):
            if payload is not None:
                check_payload(payload)


def _refuse_unfit(plan: Plan, summary: str) -> None:
    for change in plan.effective:
        if change.action in SENDING and (why := _unfit(change)):
            raise PlanError(summary, f"{change.address}: {why}.", PLAN_AGAIN)


def _unfit(change: Change) -> str:
    """Say why a payload could not be sent; empty when it could."""
    after = change.after or {}
    missing = [field for field in NEEDED if field not in after]
    if missing:
        return f"{', '.join(missing)} is not known, as in a plan made with --offline"
    unknown = sorted(after.keys() - set(FIELD_ORDER))
    return f"{', '.join(unknown)} is no field of MsgFlash" if unknown else ""


def _checksum(body: dict[str, object]) -> str:
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return "sha256:" + sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
