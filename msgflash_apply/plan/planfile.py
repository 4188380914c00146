"""
A saved plan: what was reviewed, as data, to be applied as it is or not at all.

Versioned, proven by a checksum, checked before use, and free of secrets. Applying one needs no campaign files. The
checksum finds damage, not malice: anyone who may apply may also plan, and `--expect DIGEST` ties an apply to a review.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from msgflash_apply.campaign import checked_instant, fingerprint
from msgflash_apply.errors import PlanError, PlanForOtherEnvironment, PlanStale
from msgflash_apply.models.campaign_file import NEEDED, WIRE_ORDER
from msgflash_apply.plan.plan import SENDING, Action, Plan, digest_of
from msgflash_apply.state.codec import check_json, check_payload
from msgflash_apply.state.snapshot import Snapshot

FORMAT_VERSION: Final = 2

LARGEST_BYTES: Final = 512 * 1024 * 1024

PLAN_AGAIN: Final = "Plan again, and have the new plan reviewed: msgflash-apply plan --out FILE"


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


class _PlanFile(BaseModel):
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
    _refuse_unsendable(saved.plan, "The plan cannot be saved.")
    body = {
        "min_lead_time_seconds": saved.min_lead_time.total_seconds(),
        "plan": TypeAdapter(Plan).dump_python(saved.plan, mode="json"),
    }
    document = {"format_version": FORMAT_VERSION, "checksum": digest_of(body), **body}
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def decode_plan(data: bytes, *, where: str) -> SavedPlan:
    """
    Read a plan file.

    Raises:
        PlanError: it is none, it is damaged, or a newer version of the program wrote it.
    """
    try:
        document = json.loads(data) if len(data) <= LARGEST_BYTES else None
        check_json(document)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict) or "plan" not in document:
        raise PlanError(f"{where} is no plan file.", "", "Write one with: msgflash-apply plan --out FILE")
    if document.get("format_version") != FORMAT_VERSION:
        raise PlanError(
            f"{where} was written by another version of msgflash-apply.",
            f"Its format_version is {document.get('format_version')!r}; this version reads {FORMAT_VERSION}.",
            PLAN_AGAIN,
        )
    body = {key: value for key, value in document.items() if key not in {"format_version", "checksum"}}
    if document.get("checksum") != digest_of(body):
        raise PlanError(f"{where} is damaged: its checksum does not fit.", "", PLAN_AGAIN)
    try:
        read = _PlanFile.model_validate_json(json.dumps(document))
        saved = SavedPlan(read.plan, timedelta(seconds=read.min_lead_time_seconds))
        _check_values(saved.plan)
    except ValidationError as err:
        first = err.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(step) for step in first["loc"])
        raise PlanError(f"{where} is no plan file of this version.", f"{place}: {first['msg']}.", PLAN_AGAIN) from err
    except (ValueError, OverflowError) as err:
        raise PlanError(f"{where} is no plan file of this version.", f"{err}.", PLAN_AGAIN) from err
    _refuse_unsendable(saved.plan, f"{where} cannot be applied.")
    return saved


def refuse_stale(saved: SavedPlan, snapshot: Snapshot, *, environment: str, now: datetime) -> None:
    """
    Refuse a plan that no longer fits the state. The caller holds the lock.

    Raises:
        PlanForOtherEnvironment: it was made for another environment.
        PlanStale: the state is another one or has changed since, or a start time has passed or is too near; says what
            changed.
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
        changed = [f"\n  {line}" for line in _changed(plan, snapshot)]
        lines = "".join(changed[:10]) or "\n  nothing that this plan acts on"
        lines += f"\n  and {len(changed) - 10} more" if len(changed) > 10 else ""
        detail = f"The plan was made at serial {plan.serial}; the state is at {snapshot.serial}. What changed:{lines}"
        raise PlanStale("The state has moved on since the plan was made.", detail, PLAN_AGAIN)
    late = [c for c in plan.effective if c.action in SENDING and c.starts_at < now + saved.min_lead_time]
    if late:
        detail = "\n".join(f"  {c.address} starts at {c.starts_at:%Y-%m-%d %H:%M} UTC" for c in late[:10])
        summary = "A start time has passed, or is nearer than `min_lead_time` allows."
        raise PlanStale(summary, detail, PLAN_AGAIN)


def _changed(plan: Plan, snapshot: Snapshot) -> Iterator[str]:
    """Say of each change in what the state now differs from the one that was planned with."""
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


def _check_values(plan: Plan) -> None:
    """Check instants, which are compared and shown later, and payloads, which are read as those of a create."""
    checked_instant(plan.created_at)
    for change in plan.changes:
        checked_instant(change.starts_at)
        for payload in (change.before, change.after):
            if payload is not None:
                check_payload(payload)


def _refuse_unsendable(plan: Plan, summary: str) -> None:
    """Refuse a create whose payload lacks what MsgFlash needs, or has what it does not know."""
    for change in plan.effective:
        if change.action not in SENDING:
            continue
        after = change.after or {}
        if missing := [field for field in NEEDED if field not in after]:
            why = f"{', '.join(missing)} is not known, as in a plan made with --offline"
            raise PlanError(summary, f"{change.address}: {why}.", PLAN_AGAIN)
        if unknown := sorted(after.keys() - set(WIRE_ORDER)):
            detail = f"{change.address}: {', '.join(unknown)} is no field of MsgFlash."
            raise PlanError(summary, detail, PLAN_AGAIN)
