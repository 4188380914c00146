"""`validate`: every mistake of every file, without a request and without a state."""

import sys
from pathlib import Path

import click

from msgflash_apply import __version__
from msgflash_apply.cli import output, wiring
from msgflash_apply.cli.options import Globals, pass_globals
from msgflash_apply.errors import ExitCode
from msgflash_apply.files.load import Loaded, load
from msgflash_apply.findings import InvalidFiles
from msgflash_apply.report.diagnostics import validation_to_text
from msgflash_apply.report.github import validation_to_github
from msgflash_apply.report.json_ import validation_to_json
from msgflash_apply.report.junit import validation_to_junit
from msgflash_apply.report.sarif import validation_to_sarif


@click.command(short_help="Check files without any request.")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json", "github", "sarif", "junit"]),
    default="text",
    help="How to print findings: for people, for programs, as annotations, for code scanning, as test results.",
)
@pass_globals
def command(options: Globals, paths: tuple[Path, ...], format_: str) -> int:
    """Check the project file and the campaigns, all of them or those under PATHS. Sends nothing, writes nothing."""
    try:
        loaded = load(wiring.settings_of(options), paths)
    except InvalidFiles as err:  # the project file itself
        loaded = Loaded(campaigns=(), diagnostics=err.diagnostics, files=1)
    output.result(_text_of(loaded, format_, options))
    return ExitCode.ERROR if loaded.has_errors else ExitCode.DONE


def _text_of(loaded: Loaded, format_: str, options: Globals) -> str:
    count, findings = len(loaded.campaigns), loaded.diagnostics
    match format_:
        case "json":
            return validation_to_json(count, findings)
        case "github":
            return validation_to_github(count, findings)
        case "sarif":
            return validation_to_sarif(findings, tool_version=__version__)
        case "junit":
            return validation_to_junit((campaign.source.file for campaign in loaded.campaigns), findings)
        case _:
            return _for_people(loaded, options)


def _for_people(loaded: Loaded, options: Globals) -> str:

    return validation_to_text(
        len(loaded.campaigns),
        loaded.diagnostics,
        paint=output.paint_for(sys.stdout, options.colour),
        source_line=output.source_line,
        width=output.width(),
    )
