"""Writing a file of the repo anew, all of it or nothing, with the permissions that it has."""

import os
import tempfile
from pathlib import Path

from msgflash_apply.errors import MsgflashApplyError


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
        raise MsgflashApplyError(f"{path} can not be written.", f"{err.strerror}. It was left as it is.") from err


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
