"""
`custom.*` from outside the repo: environment variables, files and options, each stronger than the one before.

Values from the environment and from `--var` are texts and stay texts; a `--var-file` may hold lists, maps, numbers.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgflash_apply.config.documents import BadYaml, parse
from msgflash_apply.config.files import read_given
from msgflash_apply.errors import MsgflashApplyError

PREFIX = "MSGFLASH_VAR_"
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
NOT_UTF8 = re.compile("[\udc80-\udcff]")
"""Python's stand-ins for bytes of the environment or the command line that are not UTF-8."""


def variables_from_outside(
    environ: Mapping[str, str], files: Sequence[Path], options: Sequence[str]
) -> dict[str, object]:
    """
    Merge the three sources, last wins by name: `MSGFLASH_VAR_name` < `--var-file` < `--var name=value`.

    Raises:
        MsgflashApplyError: an option or file that can not be understood; says which.
    """
    merged: dict[str, object] = {
        name.removeprefix(PREFIX): value for name, value in environ.items() if name.startswith(PREFIX)
    }
    for file in files:
        merged |= _from_file(file)
    merged |= dict(_from_option(option) for option in options)
    for name, value in merged.items():
        _check(name, value)
    return merged


def _from_option(option: str) -> tuple[str, str]:
    name, equals, value = option.partition("=")
    if not equals:
        raise MsgflashApplyError("A variable is not understood.", f"--var {option}", "Write --var name=value.")
    return name, value


def _from_file(file: Path) -> Mapping[str, object]:
    summary = "A file of variables can not be used."
    try:
        documents = parse(read_given(file))
    except OSError as err:
        raise MsgflashApplyError(summary, f"{file}: {err.strerror or err}") from err
    except BadYaml as err:
        detail = f"{file}:{err.line}:{err.column}: {err.message}"
        raise MsgflashApplyError(summary, detail, err.hint or "") from err
    value = documents[0].value if documents else {}
    if len(documents) > 1 or not isinstance(value, dict):
        raise MsgflashApplyError(summary, f"{file} must hold one map of names to values.")
    return value


def _check(name: str, value: object) -> None:
    if not NAME.fullmatch(name):
        detail = f"{name!r} can not be used as {{{{ custom.name }}}}"
        fix = "Use letters, digits and _, and begin with a letter or _."
        raise MsgflashApplyError("A variable's name is not understood.", detail, fix)
    if isinstance(value, str) and NOT_UTF8.search(value):
        raise MsgflashApplyError("A variable's value is not UTF-8.", name)
