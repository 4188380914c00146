"""`validate`: every mistake of every file, without a request and without a state."""

from pathlib import Path

import click

from msgflash_apply.cli.context import Globals, pass_globals
from msgflash_apply.errors import ExitCode


@click.command(short_help="Check files without any request.")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", help="How to print findings.")
@pass_globals
def command(options: Globals, paths: tuple[Path, ...], format_: str) -> int:
    """Check the project file and the campaigns, all of them or those under PATHS. Sends nothing, writes nothing."""
    import sys

    from msgflash_apply.cli import output, wiring
    from msgflash_apply.config.load import Loaded, load
    from msgflash_apply.errors import InvalidFiles
    from msgflash_apply.report.diagnostics import validation_to_text
    from msgflash_apply.report.to_json import validation_to_json

    try:
        loaded = load(wiring.settings_of(options), paths)
    except InvalidFiles as err:  # the project file itself
        loaded = Loaded(campaigns=(), diagnostics=err.diagnostics, files=1)
    count = len(loaded.campaigns)
    if format_ == "json":
        output.result(validation_to_json(count, loaded.diagnostics))
    else:
        paint = output.paint_for(sys.stdout, options.colour)
        output.result(
            validation_to_text(
                count, loaded.diagnostics, paint=paint, source_line=output.source_line, width=output.width()
            )
        )
    return ExitCode.ERROR if any(d.is_error for d in loaded.diagnostics) else ExitCode.DONE
