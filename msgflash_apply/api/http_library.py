"""
httpx as a library alone, for `api.client`.

It imports its command line too, and with it rich and pygments, wherever they are installed: 30 ms and 6 MB of every
command that asks MsgFlash something. It does without where that can not be imported, so here it can not.
"""

import sys
from typing import Final

__all__ = ["httpx"]

_COMMAND_LINE: Final = "httpx._main"

_is_ours = _COMMAND_LINE not in sys.modules
if _is_ours:
    sys.modules[_COMMAND_LINE] = None  # type: ignore[assignment]  # how Python marks what can not be imported

import httpx  # noqa: E402 - see above

if _is_ours:
    del sys.modules[_COMMAND_LINE]
