"""
A saved plan: what was reviewed, as data, to be carried out as it is or not at all.

It holds the plan as it was shown, and the campaigns and templates that it was made from, as the files had them. An
apply believes none of it: it plans again from those, under the lock, and refuses any plan but the one that was shown
(`approval.py`). So starts, audiences, words, numbers and ids are what the record and MsgFlash say, whatever the file
claims. Versioned, checked before use, and free of secrets. The checksum finds damage, not malice: who can forge a plan
file can write a campaign, and `--expect DIGEST` ties an apply to a review.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from msgflash_apply.campaign import Desired, checked_instant, fingerprint, parse_instant
from msgflash_apply.errors import PlanError, PlanForOtherEnvironment, PlanStale
from msgflash_apply.models.campaign_file import NEEDED, WIRE_ORDER
from msgflash_apply.plan.plan import Action, Plan, digest_of
from msgflash_apply.state.codec import check_json, check_payload
from msgflash_apply.state.snapshot import Snapshot
from msgflash_apply.template import DesiredTemplate

FORMAT_VERSION: Final = 3

LARGEST_BYTES: Final = 512 * 1024 * 1024

PLAN_AGAIN: Final = "Plan again, and have the new plan reviewed: msgflash-apply plan --out FILE"


@dataclass(frozen=True, slots=True)
class SavedPlan:
    """
    A plan as it lies in a file.

    Attributes:
        plan: as it was shown.
        desired: every campaign of the files that it was made from.
        targets: addresses that it was narrowed to; see `PlanOptions`.
        labels: likewise.
        overrides: limits of the policy that were lifted for it.
        templates: every template of the files that it was made from.
    """

    plan: Plan
    desired: tuple[Desired, ...]
    targets: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    overrides: tuple[str, ...] = ()
    templates: tuple[DesiredTemplate, ...] = ()


class _PlanFile(BaseModel):
    """A plan file as it is written; the dataclasses inside inherit how strict it is."""

    model_config = ConfigDict(extra="forbid", strict=True)

    format_version: Literal[3]
    checksum: str
    saved: SavedPlan


def encode_plan(saved: SavedPlan) -> bytes:
    """
    Write a plan file: one JSON object with format version, checksum and the saved plan.

    Raises:
        PlanError: the plan was made without a state, or has a campaign that cannot be sent.
    """
    if saved.plan.lineage is None:
        raise PlanError("A plan without a state cannot be saved.", "It was made with --no-state.")
    _refuse_unsendable(saved.desired, "The plan cannot be saved.")
    body = TypeAdapter(SavedPlan).dump_python(saved, mode="json")
    document = {"format_version": FORMAT_VERSION, "checksum": digest_of(body), "saved": body}
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def decode_plan(data: bytes, *, where: str) -> SavedPlan:
    """
    Read a plan file.

    Raises:
        PlanError: it is none, it is damaged, or another version of the program wrote it.
    """
    try:
        document = json.loads(data) if len(data) <= LARGEST_BYTES else None
        check_json(document)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict) or "checksum" not in document or not {"saved", "plan"} & document.keys():
        raise PlanError(f"{where} is no plan file.", "", "Write one with: msgflash-apply plan --out FILE")
    if document.get("format_version") != FORMAT_VERSION:
        raise PlanError(
            f"{where} was written by another version of msgflash-apply.",
            f"Its format_version is {document.get('format_version')!r}; this version reads {FORMAT_VERSION}.",
            PLAN_AGAIN,
        )
    if document.get("checksum") != digest_of(document.get("saved")):
        raise PlanError(f"{where} is damaged: its checksum does not fit.", "", PLAN_AGAIN)
    try:
        saved = _checked(_PlanFile.model_validate_json(json.dumps(document)).saved)
    except ValidationError as err:
        first = err.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(step) for step in first["loc"])
        raise PlanError(f"{where} is no plan file of this version.", f"{place}: {first['msg']}.", PLAN_AGAIN) from err
    except (ValueError, OverflowError) as err:
        raise PlanError(f"{where} is no plan file of this version.", f"{err}.", PLAN_AGAIN) from err
    _refuse_unsendable(saved.desired, f"{where} cannot be applied.")
    return saved


def refuse_stale(saved: SavedPlan, snapshot: Snapshot, *, environment: str, server: str) -> None:
    """
    Refuse a plan for something else than what it would be carried out on.

    Raises:
        PlanForOtherEnvironment: it was made for another environment, or another MsgFlash.
        PlanStale: the state is another one, or has changed since; says what changed.
    """
    plan = saved.plan
    if plan.environment != environment:
        raise PlanForOtherEnvironment(
            "The plan is for another environment.", f"It is for {plan.environment}; this is {environment}."
        )
    if plan.server != server:
        raise PlanForOtherEnvironment(
            "The plan is for another server.", f"It is for {plan.server}; MSGFLASH_BASE_URL says {server}."
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


def _checked(saved: SavedPlan) -> SavedPlan:
    """Check what is compared and shown later, and take each start from where it is sent."""
    checked_instant(saved.plan.created_at)
    for change in saved.plan.changes:
        checked_instant(change.starts_at)
        for payload in (change.before, change.after):
            if payload is not None:
                check_payload(payload)
    for one in saved.desired:
        check_payload(one.payload)
    if len({one.address for one in saved.desired}) < len(saved.desired):
        raise ValueError("two of its campaigns have one address")
    if len({one.address for one in saved.templates}) < len(saved.templates):
        raise ValueError("two of its templates have one address")
    desired = (replace(one, starts_at=parse_instant(str(one.payload["schedule"]))) for one in saved.desired)
    return replace(saved, desired=tuple(desired))


def _refuse_unsendable(desired: tuple[Desired, ...], summary: str) -> None:
    """Refuse a campaign whose payload lacks what MsgFlash needs, or has what it does not know."""
    for one in desired:
        if missing := [field for field in NEEDED if field not in {*one.payload, *one.names}]:
            raise PlanError(summary, f"{one.address}: {', '.join(missing)} is missing.", PLAN_AGAIN)
        if unknown := sorted(one.payload.keys() - set(WIRE_ORDER)):
            detail = f"{one.address}: {', '.join(unknown)} is no field of MsgFlash."
            raise PlanError(summary, detail, PLAN_AGAIN)
