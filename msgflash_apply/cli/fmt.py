"""`fmt`: rewrite files in the canonical format, keeping comments. `files/fmt.py` decides what that format is."""

from pathlib import Path

import click

from msgflash_apply.cli import output, wiring
from msgflash_apply.cli.options import Globals, pass_globals
from msgflash_apply.errors import ExitCode, MsgflashApplyError
from msgflash_apply.files.fmt import format_files
from msgflash_apply.report.layout import counted
from msgflash_apply.report.safe_text import visible


@click.command
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--check", is_flag=True, help="Write nothing; list the files to reformat, and exit with 1 if any.")
@pass_globals
def command(options: Globals, paths: tuple[Path, ...], *, check: bool) -> int:
    """
    Rewrite msgflash.yaml, campaigns and templates, or the files under PATHS, in the canonical format.

    Fields in the schema's order, two spaces, quotes where needed. Comments and meaning are kept: this is proven before
    a file is written. A file that is not valid YAML is reported and left alone. Prints the names of changed files.
    """
    folders = [folder for each in wiring.each_settings_of(options) for folder in each.folders]
    formatted = format_files(options.root, folders, paths)
    for file in formatted.changed:
        if not check:
            rewrite(file.path, file.data, root=options.root)
        output.result(visible(file.name))
    if formatted.findings:
        output.note(output.findings_text(formatted.findings))
    verb = "would be reformatted" if check else "reformatted"
    output.note(f"{counted(len(formatted.changed), 'file')} {verb}, {formatted.unchanged} already formatted.")
    return ExitCode.ERROR if formatted.findings or (check and formatted.changed) else ExitCode.DONE


def rewrite(path: Path, data: bytes, *, root: Path) -> None:
    """
    Replace the content of a file and keep its permissions. A reader sees the old or the new content, never a part.

    If the path is a link, which leads to a file of the repo, that file is replaced, and the link stays.

    Raises:
        MsgflashApplyError: the operating system refused; the file is as it was.
    """
    try:
        target = path.resolve(strict=True)
    except OSError as err:
        raise MsgflashApplyError(f"{path} cannot be written.", f"{err.strerror}.") from err
    output.write_file(target, data, root=root, is_shared=True)
