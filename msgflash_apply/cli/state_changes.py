"""The commands of `state` that change it: each takes the lock, and leaves the former document as a backup."""

from pathlib import Path

import click

from msgflash_apply.cli.context import Globals, pass_globals
from msgflash_apply.cli.state_migrating import migrate
from msgflash_apply.cli.state_rekey import rekey

LOCK_TIMEOUT = click.option("--lock-timeout", metavar="DURATION", default="0s", help="Wait for the lock, e.g. 5m.")
FILE = click.argument("file", type=click.Path(path_type=Path))


@click.command(short_help="Move what stands at an address.")
@click.argument("previous", metavar="FROM")
@click.argument("address", metavar="TO")
@LOCK_TIMEOUT
@pass_globals
def mv(options: Globals, previous: str, address: str, lock_timeout: str) -> None:
    """
    Move what stands at address FROM to address TO: record, doubt and history.

    Move its file too. `moved_from` in the file does the same with the next apply.
    """
    from msgflash_apply.cli import output
    from msgflash_apply.cli.state_changing import move_to

    output.result(move_to(options, previous, address, lock_timeout))


@click.command(short_help="Take a campaign out; its id is kept.")
@click.argument("address")
@click.option("--auto-approve", is_flag=True, help="Do not ask.")
@LOCK_TIMEOUT
@pass_globals
def rm(options: Globals, address: str, lock_timeout: str, *, auto_approve: bool) -> None:
    """
    Take ADDRESS out of the campaigns; its record stays in the history.

    The campaign itself is left as it is on MsgFlash. The same mailing is blocked from then
    on, in whatever file; `import` brings it back.
    """
    from msgflash_apply.cli import output, wiring
    from msgflash_apply.cli.state_changing import removal_of

    if not auto_approve:
        wiring.fail_without_terminal(f"remove {address}")
    removal = removal_of(options, address)
    output.note(removal.consequences)
    if not auto_approve and not click.confirm(f"\nRemove {address} from the campaigns?", err=True):
        output.note("Nothing was changed.")
        return
    output.result(removal.carry_out(lock_timeout))


@click.command(short_help="Put a document in the place of the state.")
@FILE
@click.option(
    "--force", is_flag=True, help="Take another lineage or a serial that is not newer, and lose what it lacks."
)
@LOCK_TIMEOUT
@pass_globals
def push(options: Globals, file: Path, lock_timeout: str, *, force: bool) -> None:
    """
    Put the document FILE in the place of the state; the one there is kept as a backup.

    Refused for another lineage, a serial that is not newer, and where campaigns would be lost, each of them named.
    """
    from msgflash_apply.cli import output
    from msgflash_apply.cli.state_changing import push_file

    output.result(push_file(options, file, lock_timeout, force=force))


@click.command(short_help="Take away the lock of a dead run.")
@click.argument("lock_id")
@click.option("--force", is_flag=True, help="Also from a process of this host that seems to be at work.")
@pass_globals
def unlock(options: Globals, lock_id: str, *, force: bool) -> None:
    """
    Take away the lock LOCK_ID, whose holder is certainly gone.

    A lock of this host is taken from a dead process only. However it ends, the serial keeps two writers apart.
    """
    from msgflash_apply.cli import output, wiring
    from msgflash_apply.state.edits import break_lock

    backend = wiring.backend_of(wiring.settings_of(options))
    break_lock(backend, lock_id, by=wiring.holder("state unlock"), force=force)
    output.result(f"Lock {lock_id} is gone.")


@click.command(short_help="Bring in what an apply could not store.")
@FILE
@LOCK_TIMEOUT
@pass_globals
def recover(options: Globals, file: Path, lock_timeout: str) -> None:
    """Bring in outcomes that an apply could not store and left in FILE. Doing it twice does no harm."""
    from msgflash_apply.cli import output, wiring
    from msgflash_apply.cli.durations import seconds_from
    from msgflash_apply.cli.rescuing import recover_from

    settings = wiring.settings_of(options)
    claim = wiring.claim(settings, "state recover", seconds_from(lock_timeout))
    count = recover_from(settings, file, claim)
    output.result(f"{count} brought in from {file}.")


COMMANDS: tuple[click.Command, ...] = (mv, rm, push, unlock, recover, migrate, rekey)
