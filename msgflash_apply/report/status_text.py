"""How far campaigns are, as a table and as JSON; what is in doubt comes with the commands that end the doubt."""

import json

from msgflash_apply.api.models import CampaignStats
from msgflash_apply.operations.status import CampaignStatus, StatusReport
from msgflash_apply.report.layout import Paint, Tone, columns, counted
from msgflash_apply.report.safe_text import shown
from msgflash_apply.report.wording import in_zone, resolving_commands, to_the_second

_COUNTERS = ("planned", "queued", "sent", "delivered", "read", "failed")
_HEADINGS = ("ADDRESS", "STATUS", "START", *(name.upper() for name in _COUNTERS))
_GONE = "gone on MsgFlash"


def status_to_text(report: StatusReport, *, environment: str, paint: Paint) -> str:
    """
    Set the counters of each campaign in a table, then each doubt.

    Args:
        report: what was read.
        environment: for the commands.
        paint: colour or not.
    """
    lines = []
    if report.campaigns:
        heading, *rows = columns([_HEADINGS, *(_cells(one) for one in report.campaigns)])
        lines += [paint(Tone.STRONG, heading), *rows]
    elif not report.in_doubt:
        lines.append("No campaign on record is still to come or at work.")
    for address, intent in report.in_doubt.items():
        told = f"sent {to_the_second(intent.announced_at)}, and no answer says whether it arrived"
        lines += ["", f"{paint(Tone.DOUBT, '? ' + shown(address))} is in doubt: {told}. One of these ends it:"]
        lines += [f"    {command}" for command in resolving_commands(address, environment)]
    if report.campaigns:
        lines += ["", f"{counted(len(report.campaigns), 'campaign')}."]
    return "\n".join(lines).lstrip("\n") + "\n"


def status_to_json(report: StatusReport) -> str:
    """Give the same as JSON: `{"campaigns": [..], "in_doubt": [addresses]}`."""
    document = {"campaigns": [_entry(one) for one in report.campaigns], "in_doubt": list(report.in_doubt)}
    return json.dumps(document, indent=2, ensure_ascii=True) + "\n"


def progress_of(stats: CampaignStats) -> float:
    """Say how far a campaign is, from 0 to 100: MsgFlash's own number, or what the counters give."""
    if stats.progress_percent is not None:
        return min(100.0, max(0.0, stats.progress_percent))
    counters = stats.stats
    return 100 * (counters.planned - counters.queued) / counters.planned if counters.planned else 0.0


def _cells(one: CampaignStatus) -> tuple[str, ...]:
    start = in_zone(one.record.facts.starts_at, one.record.facts.timezone)
    if one.stats is None:
        return (shown(one.address), _GONE, start, *("-" for _ in _COUNTERS))
    counters = one.stats.stats.model_dump()
    return (shown(one.address), shown(one.stats.status), start, *(str(counters[name]) for name in _COUNTERS))


def _entry(one: CampaignStatus) -> dict[str, object]:
    stats = one.stats
    return {
        "address": one.address,
        "id": one.record.id,
        "status": stats.status if stats else None,
        "stats": stats.stats.model_dump() if stats else None,
        "progress_percent": stats.progress_percent if stats else None,
    }
