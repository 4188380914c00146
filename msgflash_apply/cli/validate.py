"""`validate`: report every mistake of every file, without a request and without a state."""

import sys
from dataclasses import replace
from pathlib import Path

import click

from msgflash_apply.cli import output, wiring
from msgflash_apply.cli.options import Globals, pass_globals
from msgflash_apply.errors import ExitCode
from msgflash_apply.files.load import Loaded, load_each
from msgflash_apply.findings import InvalidFiles
from msgflash_apply.report.formats import VALIDATION_FORMATS, Look


@click.command
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--format",
    "format_",
    type=click.Choice(list(VALIDATION_FORMATS)),
    default="text",
    help="Output format: for people, programs, annotations, code scanning, or test results.",
)
@pass_globals
def command(options: Globals, paths: tuple[Path, ...], format_: str) -> int:
    """
    Check the project file, campaigns and templates, all of them or those under PATHS. Changes nothing.

    Every environment of msgflash.yaml is checked, or the one of --env alone.
    """
    try:
        loaded = load_each([replace(each, now=wiring.now()) for each in wiring.each_settings_of(options)], paths)
    except InvalidFiles as err:  # the project file itself
        loaded = Loaded(campaigns=(), diagnostics=err.diagnostics, files=1)
    paint = output.paint_for(sys.stdout, options.colour)
    look = Look(wiring.now(), paint, output.width(), source_line=output.source_line)
    output.result(VALIDATION_FORMATS[format_](loaded, look))
    return ExitCode.ERROR if loaded.has_errors else ExitCode.DONE
