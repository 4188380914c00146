"""`fmt`: files in canonical form, comments kept."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from msgflash_apply.cli.context import Globals, pass_globals
from msgflash_apply.errors import ExitCode

if TYPE_CHECKING:  # not for --help
    from msgflash_apply.config.formatting import Formatted


@click.command(short_help="Write files in canonical form, comments kept.")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--check", is_flag=True, help="Write nothing; list what would change, and exit 1 if anything would.")
@pass_globals
def command(options: Globals, paths: tuple[Path, ...], *, check: bool) -> int:
    """
    Write msgflash.yaml and the campaigns, or those under PATHS, in canonical form.

    Fields in the schema's order, two spaces, quotes where needed. Comments and meaning are kept: that is proven before
    a file is written. A file that is not YAML is reported and left alone. Lists the files that it wrote.
    """
    from msgflash_apply.cli import output, wiring
    from msgflash_apply.cli.rewriting import rewrite
    from msgflash_apply.config.formatting import format_files
    from msgflash_apply.report.untrusted import visible

    formatted = format_files(wiring.settings_of(options), paths)
    for file in formatted.changed:
        if not check:
            rewrite(file.path, file.data)
        output.result(visible(file.name))
    _tell(formatted, check=check)
    return ExitCode.ERROR if formatted.findings or (check and formatted.changed) else ExitCode.DONE


def _tell(formatted: "Formatted", *, check: bool) -> None:
    from msgflash_apply.cli import output
    from msgflash_apply.report.layout import counted

    if formatted.findings:
        output.note(output.findings_text(formatted.findings))
    changed, unchanged = len(formatted.changed), formatted.unchanged
    verb = "would change" if check else "written"
    output.note(f"{counted(changed, 'file')} {verb}, {counted(unchanged, 'file')} canonical already.")
