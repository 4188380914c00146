"""How far campaigns are, as a table and as JSON; what is in doubt comes with the commands that end the doubt."""

import json

from msgflash_apply.api.models import CampaignStats
from msgflash_apply.operations.status import StatusReport
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
        table = [_HEADINGS]
        for one in report.campaigns:
            facts = one.record.facts
            counters = one.stats.stats.model_dump() if one.stats else {}
            table.append(
                (
                    shown(one.address),
                    shown(one.stats.status) if one.stats else _GONE,
                    in_zone(facts.starts_at, facts.timezone),
                    *(str(counters.get(name, "-")) for name in _COUNTERS),
                )
            )
        heading, *rows = columns(table)
        lines += [paint(Tone.STRONG, heading), *rows]
    elif not report.in_doubt:
        lines.append("No recorded campaign is scheduled or running.")
    for address, intent in report.in_doubt.items():
        why = f"sent {to_the_second(intent.announced_at)}, and no answer says whether it arrived"
        lines += ["", f"{paint(Tone.DOUBT, '? ' + shown(address))} is in doubt: {why}. One of these ends it:"]
        lines += [f"    {command}" for command in resolving_commands(address, environment)]
    if report.campaigns:
        lines += ["", f"{counted(len(report.campaigns), 'campaign')}."]
    return "\n".join(lines).lstrip("\n") + "\n"


def status_to_json(report: StatusReport) -> str:
    """Give the same as JSON: `{"campaigns": [..], "in_doubt": [addresses]}`."""
    campaigns = [
        {
            "address": one.address,
            "id": one.record.id,
            "status": one.stats.status if one.stats else None,
            "stats": one.stats.stats.model_dump() if one.stats else None,
            "progress_percent": one.stats.progress_percent if one.stats else None,
        }
        for one in report.campaigns
    ]
    document = {"campaigns": campaigns, "in_doubt": list(report.in_doubt)}
    return json.dumps(document, indent=2, ensure_ascii=True) + "\n"


def progress_of(stats: CampaignStats) -> float:
    """Say how far a campaign is, from 0 to 100: MsgFlash's own number, or what the counters give."""
    if stats.progress_percent is not None:
        return min(100.0, max(0.0, stats.progress_percent))
    counters = stats.stats
    return 100 * (counters.planned - counters.queued) / counters.planned if counters.planned else 0.0
