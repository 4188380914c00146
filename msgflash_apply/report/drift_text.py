"""Drift as text and as JSON: what differs between record and MsgFlash, then the plan that follows from it."""

import json
from collections.abc import Sequence

from msgflash_apply.engine.drift import Drift
from msgflash_apply.report.layout import columns, counted
from msgflash_apply.report.paint import Paint, Tone
from msgflash_apply.report.untrusted import shown

_AGREE = "Record and MsgFlash agree on every campaign that is not over."


def drift_to_text(found: Sequence[Drift], *, paint: Paint) -> str:
    """Say what people did behind the record's back, a line each; a sentence where there is nothing."""
    if not found:
        return f"{_AGREE}\n"
    count = counted(len(found), "campaign")
    head = f"{count} {'is' if len(found) == 1 else 'are'} not as the record has {'it' if len(found) == 1 else 'them'}:"
    rows = columns(((shown(one.address), f"was {shown(one.recorded)}", _now(one)) for one in found), indent=2)
    return "\n".join([paint(Tone.CHANGED, head), *rows]) + "\n"


def drift_to_json(found: Sequence[Drift], plan_json: str) -> str:
    """Give `{"drift": [{"address", "id", "recorded", "found"}], "plan": {..}}`; of a gone one `found` is null."""
    told = [{"address": one.address, "id": one.id, "recorded": one.recorded, "found": one.found} for one in found]
    return json.dumps({"drift": told, "plan": json.loads(plan_json)}, indent=2, ensure_ascii=True) + "\n"


def _now(one: Drift) -> str:
    return "is gone on MsgFlash" if one.found is None else f"is {shown(one.found)} now"
