"""
What the state holds, as text: one line per campaign, all of one record, the history; and where and how it is kept.

A column of `state list` is a heading in `_HEADINGS` and a cell in `state_list_to_text`; an attribute of `state show` is
a row in `record_to_text`. The end of this file has what `state migrate` and `state rekey` print when they are done.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from msgflash_apply.campaign import Address, Content, Facts, Intent, Record
from msgflash_apply.report.differences import Row, audience_text, content_rows, identity_rows, row_lines, wire_fields
from msgflash_apply.report.layout import NARROWEST, Paint, Tone, columns, counted
from msgflash_apply.report.safe_text import shell_word, shown
from msgflash_apply.report.wording import in_zone, program, resolving_commands, to_the_second, with_distance
from msgflash_apply.state.backends.base import Backup
from msgflash_apply.state.reading import Past
from msgflash_apply.state.rekey import Rekeyed
from msgflash_apply.state.snapshot import Snapshot
from msgflash_apply.template import TemplateRecord

_HEADINGS = ("ADDRESS", "STATUS", "START", "ID")

_TEMPLATE_HEADINGS = ("TEMPLATE", "NAME", "ID")

_PAST_HEADINGS = ("ADDRESS", "WHAT HAPPENED", "STATUS", "START", "ID")

_BACKUP_HEADINGS = ("NAME", "WHEN", "SIZE")

_MOST_FORMER = 10
"""Former documents that are named after a rekey."""


def state_list_to_text(records: Mapping[Address, Record], doubts: Mapping[Address, Intent], *, paint: Paint) -> str:
    """
    List the campaigns of a state, sorted by address; the columns are as wide as they need to be.

    Args:
        records: what was created.
        doubts: creates without an outcome; an address may be in both, when a replacement is in doubt.
        paint: colour or not.
    """
    rows = [
        (address, f"{record.status}, retired" if record.retired else record.status, _start(record.facts), record.id)
        for address, record in records.items()
    ]
    rows += [(address, "in doubt", _start(intent.facts), "-") for address, intent in doubts.items()]
    if not rows:
        return "The state holds no campaigns.\n"
    heading, *lines = columns([_HEADINGS, *(tuple(map(shown, row)) for row in sorted(rows))])
    count = counted(len(records), "campaign") + (f", {len(doubts)} in doubt" if doubts else "")
    return "\n".join([paint(Tone.STRONG, heading), *lines, "", f"{count}."]) + "\n"


def state_templates_to_text(records: Mapping[Address, TemplateRecord], *, paint: Paint) -> str:
    """List the templates of a state, sorted by address, each by its current version; nothing where it has none."""
    if not records:
        return ""
    rows = [
        (address, *((versions[-1].name, versions[-1].id) if (versions := record.versions) else ("-", "-")))
        for address, record in sorted(records.items())
    ]
    heading, *lines = columns([_TEMPLATE_HEADINGS, *(tuple(map(shown, row)) for row in rows)])
    return "\n".join(["", paint(Tone.STRONG, heading), *lines, "", f"{counted(len(rows), 'template')}."]) + "\n"


def template_to_text(
    address: Address,
    record: TemplateRecord,
    contents: Mapping[str, Content],
    *,
    now: datetime,
    paint: Paint,
    width: int = 100,
) -> str:
    """
    Show all that the state knows of one template.

    Args:
        address: of the template.
        record: what MsgFlash has of it.
        contents: of the state, by digest.
        now: an aware moment, for distances.
        paint: colour or not.
        width: columns.
    """
    lines = [paint(Tone.STRONG, f"template {shown(address)}")]
    rows = []
    if record.versions:
        current = record.versions[-1]
        rows += [Row("name", current.name), Row("id", current.id)]
        rows.append(Row("created" if current.is_ours else "imported", with_distance(current.made_at, None, now)))
        rows += content_rows(wire_fields(contents.get(current.content, Content())), {})
    rows += [Row("former", f"{version.name} ({version.id})") for version in reversed(record.versions[:-1])]
    rows += [
        Row("announced", f"{effect.verb} of {effect.name}, {with_distance(effect.at, None, now)}")
        for effect in record.effects
    ]
    if record.labels:
        rows.append(_labels_row(record.labels))
    rows.append(Row("file", record.file))
    lines += (line for row in rows for line in row_lines(row, max(width, NARROWEST)))
    return "\n".join(lines) + "\n"


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
    width = max(width, NARROWEST)
    lines = [paint(Tone.STRONG, shown(address))]
    if record is not None:
        rows = [
            Row("id", record.id),
            Row("status", f"{record.status}, read {with_distance(record.read_at, None, now)}"),
        ]
        if record.retired:
            rows.append(Row("retired", "paused for good: its file is gone"))
        rows.append(Row("created", with_distance(record.created_at, None, now)))
        if record.former_ids:
            rows.append(Row("former ids", ", ".join(record.former_ids)))
        lines += (line for row in (*rows, *_facts_rows(record.facts, now)) for line in row_lines(row, width))
    if doubt is not None:
        lines += ["", f"  {paint(Tone.DOUBT, 'in doubt')}: a create was sent, and no answer says whether it arrived."]
        rows = [
            Row("announced", with_distance(doubt.announced_at, None, now)),
            Row("attempt", f"{doubt.attempt}, of run {doubt.run}"),
        ]
        lines += (line for row in (*rows, *_facts_rows(doubt.facts, now)) for line in row_lines(row, width))
        lines += ["", "  Look for it in the MsgFlash console, then run one of these:"]
        lines += [f"    {command}" for command in resolving_commands(address, environment)]
    return "\n".join(lines) + "\n"


def _facts_rows(facts: Facts, now: datetime) -> Iterator[Row]:
    yield from identity_rows(facts.payload, facts.names)
    yield Row("start", with_distance(facts.starts_at, facts.timezone, now))
    yield Row("repeat", str(facts.payload.get("repeat", "none")))
    yield Row("audience", audience_text(facts.payload.get("recipients"), facts.names))
    yield from content_rows(facts.payload, facts.names)
    if facts.labels:
        yield _labels_row(facts.labels)
    yield Row("file", facts.file)


def _labels_row(labels: Mapping[str, str]) -> Row:
    return Row("labels", ", ".join(f"{name}={value}" for name, value in sorted(labels.items())))


def history_to_text(past: Sequence[Past], *, paint: Paint) -> str:
    """List campaigns that are no longer managed, in the order given; the columns are as wide as they need to be."""
    if not past:
        return "The history holds no campaigns.\n"
    rows = [
        (one.address, "no longer managed", one.record.status, _start(one.record.facts), one.id)
        if one.record
        else (one.address, f"replaced by {one.replaced_by}", "-", "-", one.id)
        for one in past
    ]
    heading, *lines = columns([_PAST_HEADINGS, *(tuple(map(shown, row)) for row in rows)])
    return "\n".join([paint(Tone.STRONG, heading), *lines, "", f"{counted(len(past), 'campaign')}."]) + "\n"


def _start(facts: Facts) -> str:
    return in_zone(facts.starts_at, facts.timezone)


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
    rows = [(shown(one.name), to_the_second(one.written_at), f"{one.size_bytes} bytes") for one in backups]
    heading, *lines = columns([_BACKUP_HEADINGS, *rows])
    command = f"{program(environment)} state pull --backup {shell_word(backups[0].name)}"
    return "\n".join([paint(Tone.STRONG, heading), *lines, "", "Print one:", f"    {command}"]) + "\n"


def migrated_to_text(state: Snapshot, *, before: str, after: str, fits_file: bool) -> str:
    """
    Say that a state has moved, what stays where it was, and what to change now.

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
        f"The one at {shown(before)} is a last copy, marked as moved: runs that still use it are refused.",
        "",
        "Before the next run, set this in msgflash.yaml:" if fits_file else "Before the next run, set this:",
        f"    state: {json.dumps(shown(after), ensure_ascii=False)}"  # JSON is YAML
        if fits_file
        else f"    export MSGFLASH_STATE={new}",
        "Unsure whether all of it arrived? Compare the two:",
        f"    MSGFLASH_STATE={new} {pull}",
        f"    MSGFLASH_STATE={old} {pull} --moved",
    )
    return "\n".join(lines) + "\n"


def rekeyed_to_text(done: Rekeyed, *, unneeded: Sequence[str]) -> str:
    """Say what a rekey did and what to do next; `unneeded` are ids of keys at hand that this state needs no more."""
    after, before = ("plain text" if key is None else f"encrypted with key {key}" for key in (done.after, done.before))
    lines = [f"The state is {after} now, at serial {done.serial}. Before, it was {before}."]
    if done.after is None:
        lines.append("Take the key away everywhere: while one is set, plain text is refused.")
    else:
        if done.before is None:
            lines.append("From now on every run needs the key. Keep a copy of it: without the key the state is lost.")
        if unneeded:
            lines.append(f"It does not need {', '.join(unneeded)} any more. Remove that once no other state needs it.")
    if done.former:
        lines.append("The storage keeps these former documents in another form; delete them, or keep their key:")
        named = done.former[:_MOST_FORMER]
        lines += [f"    {shown(backup.name)}, {to_the_second(backup.written_at)}" for backup in named]
    if len(done.former) > _MOST_FORMER:
        lines.append(f"    and {len(done.former) - _MOST_FORMER} more")
    if done.before != done.after:
        lines.append("Copies elsewhere (backups of a disk, versions in a bucket, what was pulled) stay as they were.")
    return "\n".join(lines)
