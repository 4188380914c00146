"""
What the state holds, as text: one line per campaign, all of one record, or the history.

What people read about where a state is kept: the former documents there, and the end of a move elsewhere.

What `state rekey` did, what a person must do next, and what still lies around in the former form.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from msgflash_apply.campaign import Address, Facts, Intent, Record
from msgflash_apply.report.differences import Row, audience_text, content_rows, identity_rows, row_lines
from msgflash_apply.report.layout import NARROWEST, Paint, Tone, columns, counted
from msgflash_apply.report.safe_text import shell_word, shown
from msgflash_apply.report.wording import in_zone, program, resolving_commands, to_the_second, with_distance
from msgflash_apply.state.backends.base import Backup
from msgflash_apply.state.reading import Past
from msgflash_apply.state.rekey import Rekeyed
from msgflash_apply.state.snapshot import Snapshot

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


_BACKUP_HEADINGS = ("NAME", "WHEN", "SIZE")


def backups_to_text(backups: Sequence[Backup], *, environment: str, paint: Paint) -> str:
    """
    List the former documents that a storage keeps, in the order given, and how to read one.

    Args:
        backups: the latest first.
        environment: for the command.
        paint: colour or not.
    """
    if not backups:
        return "The storage keeps no former documents.\n"
    heading, *lines = columns([_BACKUP_HEADINGS, *map(_backup_cells, backups)])
    command = f"{program(environment)} state pull --backup {shell_word(backups[0].name)}"
    return "\n".join([paint(Tone.STRONG, heading), *lines, "", "Print one:", f"    {command}"]) + "\n"


def migrated_to_text(state: Snapshot, *, before: str, after: str, fits_file: bool) -> str:
    """
    Tell that a state has moved, what stays where it was, and what to change now.

    Args:
        state: as it is live at its new place.
        before: its former place, as people wrote it.
        after: its new place, likewise.
        fits_file: whether msgflash.yaml is where its new place can be written down.
    """
    counts = [f"serial {state.serial}", counted(len(state.campaigns), "campaign"), f"{len(state.in_doubt)} in doubt"]
    counts.append(f"{sum(map(len, state.history.values()))} in the history")
    pull, new, old = f"{program(state.environment)} state pull", shell_word(after), shell_word(before)
    lines = (
        f"The state of environment {shown(state.environment)} is at {shown(after)} now: {', '.join(counts)}.",
        f"The one at {shown(before)} is a last copy, marked as moved: whoever still uses it is refused.",
        "",
        "Say so before the next run, in msgflash.yaml:" if fits_file else "Say so before the next run:",
        f"    {f'state: {_quoted(after)}' if fits_file else f'export MSGFLASH_STATE={new}'}",
        "Unsure whether all of it arrived? Compare the two:",
        f"    MSGFLASH_STATE={new} {pull}",
        f"    MSGFLASH_STATE={old} {pull} --moved",
    )
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """Spell a text for a YAML file."""
    return json.dumps(shown(text), ensure_ascii=False)


def _backup_cells(backup: Backup) -> tuple[str, ...]:
    return shown(backup.name), to_the_second(backup.written_at), f"{backup.size_bytes} bytes"


_MOST = 10
"""Former documents that are named."""


def rekeyed_to_text(done: Rekeyed, *, unneeded: Sequence[str]) -> str:
    """Tell it; `unneeded` are the ids of the keys at hand that this state needs no more."""
    return "\n".join([_is_now(done), *_next_steps(done, unneeded), *_leftovers(done)])


def _is_now(done: Rekeyed) -> str:
    form = "plain text" if done.after is None else f"encrypted with key {done.after}"
    return f"The state is {form} now, at serial {done.serial}. Before, it was {_former_form(done)}."


def _former_form(done: Rekeyed) -> str:
    return "plain text" if done.before is None else f"encrypted with key {done.before}"


def _next_steps(done: Rekeyed, unneeded: Sequence[str]) -> Iterator[str]:
    if done.after is None:
        yield "Take the key away everywhere: while one is set, plain text is refused."
        return
    if done.before is None:
        yield "Whoever reads or writes it needs the key from now on. Keep a copy of the key: without it all is lost."
    if unneeded:
        yield f"It does not need {', '.join(unneeded)} any more. Take that away once no other state needs it."


def _leftovers(done: Rekeyed) -> Iterator[str]:
    if done.former:
        yield "The storage keeps these former documents in another form; delete them there, or keep what reads them:"
        yield from (f"    {_named(backup)}" for backup in done.former[:_MOST])
    if len(done.former) > _MOST:
        yield f"    and {len(done.former) - _MOST} more"
    if done.before != done.after:
        yield "Copies elsewhere (backups of a disk, versions in a bucket, what was pulled) stay as they were."


def _named(backup: Backup) -> str:
    return f"{shown(backup.name)}, {to_the_second(backup.written_at)}"
