"""
Keys of MsgFlash in files of the repo, in a comment or anywhere: whoever can read the repo can use them.

Beyond that, a key in a campaign's text would be sent to people, and stand in the state with what was sent.
"""

import re
from collections.abc import Iterator
from itertools import islice

from msgflash_apply.config.codes import Code
from msgflash_apply.errors import Diagnostic, Severity

_KEY = re.compile(rb"msgf_(?:live|team)_[A-Za-z0-9_-]{16,}")
_MOST = 10


def leaked_keys(data: bytes, file: str) -> Iterator[Diagnostic]:
    """
    Find the first few keys in a file.

    Args:
        data: its bytes, in UTF-8.
        file: its name, relative to the repo.
    """
    if b"msgf_" not in data:
        return
    for found in islice(_KEY.finditer(data), _MOST):
        before = data[: found.start()].decode("utf-8-sig", "replace").replace("\r\n", "\n").replace("\r", "\n")
        line = before.count("\n") + 1
        column = len(before) - before.rfind("\n")
        hint = "delete it here, and have MsgFlash make a new one: this one was shown to everybody who can read the repo"
        yield Diagnostic(
            Severity.ERROR, Code.SECRET_IN_FILE, "this is an API key of MsgFlash", hint, file, line, column
        )
