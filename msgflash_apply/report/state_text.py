"""What the state holds, as text: one line per campaign, all of one record, or the history."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from msgflash_apply.campaign import Address, Facts, Intent, Record
from msgflash_apply.report.attributes import Row, audience_text, content_rows, identity_rows, row_lines
from msgflash_apply.report.layout import NARROWEST, columns, counted
from msgflash_apply.report.moments import in_zone, with_distance
from msgflash_apply.report.paint import Paint, Tone
from msgflash_apply.report.untrusted import shown
from msgflash_apply.report.wording import resolving_commands
from msgflash_apply.state.past import Past

_HEADINGS = ("ADDRESS", "STATUS", "START", "ID")
_PAST_HEADINGS = ("ADDRESS", "WHAT BECAME OF IT", "STATUS", "START", "ID")


def state_list_to_text(records: Mapping[Address, Record], doubts: Mapping[Address, Intent], *, paint: Paint) -> str:
    """
    List the campaigns of a state, sorted by address; the columns are as wide as they need to be.

    Args:
        records: what was created.
        doubts: creates without an outcome; an address may be in both, when a replacement is in doubt.
        paint: colour or not.
    """
    rows = [(address, _record_cells(address, record)) for address, record in records.items()]
    rows += [(address, _doubt_cells(address, intent)) for address, intent in doubts.items()]
    if not rows:
        return "The state holds no campaigns.\n"
    heading, *lines = columns([_HEADINGS, *(cells for _, cells in sorted(rows))])
    count = counted(len(records), "campaign") + (f", {len(doubts)} in doubt" if doubts else "")
    return "\n".join([paint(Tone.STRONG, heading), *lines, "", f"{count}."]) + "\n"


def record_to_text(
    address: Address,
    record: Record | None,
    doubt: Intent | None,
    *,
    now: datetime,
    environment: str,
    paint: Paint,
    width: int = 100,
) -> str:
    """
    Show all that the state knows of one address.

    Args:
        address: the campaign.
        record: what was created; None where nothing is known to be.
        doubt: a create without an outcome; None where there is none.
        now: an aware moment, for distances.
        environment: for the commands that resolve a doubt.
        paint: colour or not.
        width: columns.
    """
    lines = [paint(Tone.STRONG, shown(address))]
    if record is not None:
        lines += _set([*_record_rows(record, now), *_facts_rows(record.facts, now)], width)
    if doubt is not None:
        lines += ["", f"  {paint(Tone.DOUBT, 'in doubt')}: a create was sent, and no answer says whether it arrived."]
        lines += _set([*_doubt_rows(doubt, now), *_facts_rows(doubt.facts, now)], width)
        lines += ["", "  Look for it in the MsgFlash console, then run one of these:"]
        lines += [f"    {command}" for command in resolving_commands(address, environment)]
    return "\n".join(lines) + "\n"


def history_to_text(past: Sequence[Past], *, paint: Paint) -> str:
    """List campaigns that are managed no more, in the order given; the columns are as wide as they need to be."""
    if not past:
        return "The history holds no campaigns.\n"
    heading, *lines = columns([_PAST_HEADINGS, *map(_past_cells, past)])
    return "\n".join([paint(Tone.STRONG, heading), *lines, "", f"{counted(len(past), 'campaign')}."]) + "\n"


def _set(rows: list[Row], width: int) -> Iterator[str]:
    return (line for row in rows for line in row_lines(row, max(width, NARROWEST)))


def _record_cells(address: Address, record: Record) -> tuple[str, ...]:
    status = f"{record.status}, retired" if record.retired else record.status
    return tuple(shown(cell) for cell in (address, status, _start(record.facts), record.id))


def _doubt_cells(address: Address, intent: Intent) -> tuple[str, ...]:
    return tuple(shown(cell) for cell in (address, "in doubt", _start(intent.facts), "-"))


def _past_cells(past: Past) -> tuple[str, ...]:
    if past.record is None:
        cells = (past.address, f"replaced by {past.replaced_by}", "-", "-", past.id)
    else:
        cells = (past.address, "managed no more", past.record.status, _start(past.record.facts), past.id)
    return tuple(map(shown, cells))


def _start(facts: Facts) -> str:
    return in_zone(facts.starts_at, facts.timezone)


def _record_rows(record: Record, now: datetime) -> Iterator[Row]:
    yield Row("id", record.id)
    yield Row("status", f"{record.status}, read {with_distance(record.read_at, None, now)}")
    if record.retired:
        yield Row("retired", "paused for good: its file is gone")
    yield Row("created", with_distance(record.created_at, None, now))
    if record.former_ids:
        yield Row("former ids", ", ".join(record.former_ids))


def _doubt_rows(doubt: Intent, now: datetime) -> Iterator[Row]:
    yield Row("announced", with_distance(doubt.announced_at, None, now))
    yield Row("attempt", f"{doubt.attempt}, of run {doubt.run}")


def _facts_rows(facts: Facts, now: datetime) -> Iterator[Row]:
    yield from identity_rows(facts.payload, facts.names)
    yield Row("start", with_distance(facts.starts_at, facts.timezone, now))
    yield Row("repeat", str(facts.payload.get("repeat", "none")))
    yield Row("audience", audience_text(facts.payload.get("recipients"), None))
    yield from content_rows(facts.payload, facts.names)
    if facts.labels:
        yield Row("labels", ", ".join(f"{name}={value}" for name, value in sorted(facts.labels.items())))
    yield Row("file", facts.file)
