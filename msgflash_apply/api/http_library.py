"""
httpx as a library alone, for `api.client`.

It imports its command line too, and with it rich and pygments, wherever they are installed: 30 ms and 6 MB of every
command that asks MsgFlash something. It does without where that can not be imported, so here it can not.
"""

import sys

__all__ = ["httpx"]

sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]  # how Python marks what can not be imported

import httpx  # noqa: E402 - see above
