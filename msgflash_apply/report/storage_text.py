"""What people read about where a state is kept: the former documents there, and the end of a move elsewhere."""

import json
from collections.abc import Sequence

from msgflash_apply.report.layout import columns, counted
from msgflash_apply.report.moments import to_the_second
from msgflash_apply.report.paint import Paint, Tone
from msgflash_apply.report.untrusted import shell_word, shown
from msgflash_apply.report.wording import program
from msgflash_apply.state.backends.base import Backup
from msgflash_apply.state.snapshot import Snapshot

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
