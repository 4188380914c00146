"""What `state rekey` did, what a person must do next, and what still lies around in the former form."""

from collections.abc import Iterator, Sequence

from msgflash_apply.report.moments import to_the_second
from msgflash_apply.report.untrusted import shown
from msgflash_apply.state.backends.base import Backup
from msgflash_apply.state.rekey import Rekeyed

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
