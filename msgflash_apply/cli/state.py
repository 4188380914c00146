"""`state`: look at the record of what was sent, and put it right by hand where nothing else helps."""

from pathlib import Path

import click

from msgflash_apply.cli.context import Globals, pass_globals

FORMAT = click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", help="How to print.")


@click.group(name="state", short_help="Look at the record of what was sent.")
def command() -> None:
    """Look at the record of what was sent."""


@command.command(name="list")
@FORMAT
@pass_globals
def list_(options: Globals, format_: str) -> None:
    """List every campaign on record and every create in doubt."""
    import sys

    from msgflash_apply.cli import output, wiring
    from msgflash_apply.report.state_text import state_list_to_text
    from msgflash_apply.report.to_json import state_list_to_json

    snapshot = wiring.snapshot_of(wiring.settings_of(options))
    if format_ == "json":
        output.result(state_list_to_json(snapshot.campaigns, snapshot.in_doubt))
        return
    paint = output.paint_for(sys.stdout, options.colour)
    output.result(state_list_to_text(snapshot.campaigns, snapshot.in_doubt, paint=paint))


@command.command()
@click.argument("address")
@FORMAT
@pass_globals
def show(options: Globals, address: str, format_: str) -> None:
    """Show all that is on record for ADDRESS."""
    import sys

    from msgflash_apply.campaign import Address
    from msgflash_apply.cli import output, wiring
    from msgflash_apply.errors import MsgflashApplyError
    from msgflash_apply.report.state_text import record_to_text
    from msgflash_apply.report.to_json import record_to_json

    settings = wiring.settings_of(options)
    snapshot, key = wiring.snapshot_of(settings), Address(address)
    record, doubt = snapshot.campaigns.get(key), snapshot.in_doubt.get(key)
    if record is None and doubt is None:
        raise MsgflashApplyError(f"The state has no campaign {address}.", "", "See: msgflash-apply state list")
    if format_ == "json":
        output.result(record_to_json(key, record, doubt))
        return
    output.result(
        record_to_text(
            key,
            record,
            doubt,
            now=wiring.now(),
            environment=settings.environment,
            paint=output.paint_for(sys.stdout, options.colour),
            width=output.width(),
        )
    )


@command.command()
@click.argument("lock_id")
@pass_globals
def unlock(options: Globals, lock_id: str) -> None:
    """Take away the lock LOCK_ID, whose holder is certainly gone. The serial still keeps two writers apart."""
    from msgflash_apply.cli import output, wiring

    wiring.backend_of(wiring.settings_of(options)).break_lock(lock_id)
    output.result(f"Lock {lock_id} is gone.")


@command.command()
@click.argument("file", type=click.Path(path_type=Path))
@pass_globals
def recover(options: Globals, file: Path) -> None:
    """Bring in outcomes that an apply could not store and left in FILE."""
    from msgflash_apply.cli import output, wiring

    count = wiring.recover_from(wiring.settings_of(options), file)
    output.result(f"{count} brought in from {file}.")
