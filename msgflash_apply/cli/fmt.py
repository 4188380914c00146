"""
Writing a file of the repo anew, all of it or nothing, with the permissions that it has.

`fmt`: files in canonical form, comments kept.
"""

import os
import tempfile
from pathlib import Path

import click

from msgflash_apply.cli import output, wiring
from msgflash_apply.cli.options import Globals, pass_globals
from msgflash_apply.errors import ExitCode, MsgflashApplyError
from msgflash_apply.files.fmt import Formatted, format_files
from msgflash_apply.report.layout import counted
from msgflash_apply.report.safe_text import visible


def rewrite(path: Path, data: bytes) -> None:
    """
    Replace the content of a file; whoever reads it meanwhile sees the old or the new one, never a part.

    Where the path is a link, the file that it leads to is replaced, and the link stays.

    Raises:
        MsgflashApplyError: the operating system refused; the file is as it was.
    """
    target = path.resolve()
    try:
        _replace(target, data)
    except OSError as err:
        raise MsgflashApplyError(f"{path} cannot be written.", f"{err.strerror}. It was left as it is.") from err


def _replace(target: Path, data: bytes) -> None:
    mode = target.stat().st_mode
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            os.fchmod(stream.fileno(), mode & 0o7777)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


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
    formatted = format_files(wiring.settings_of(options), paths)
    for file in formatted.changed:
        if not check:
            rewrite(file.path, file.data)
        output.result(visible(file.name))
    _tell(formatted, check=check)
    return ExitCode.ERROR if formatted.findings or (check and formatted.changed) else ExitCode.DONE


def _tell(formatted: Formatted, *, check: bool) -> None:
    if formatted.findings:
        output.note(output.findings_text(formatted.findings))
    changed, unchanged = len(formatted.changed), formatted.unchanged
    verb = "would change" if check else "written"
    output.note(f"{counted(changed, 'file')} {verb}, {counted(unchanged, 'file')} canonical already.")
