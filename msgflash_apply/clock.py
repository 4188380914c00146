"""A clock that shows how old something is, also where the machine slept or this process was stopped meanwhile."""

import time
from typing import Final

_NUMBER: Final = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))
"""Of the clock that runs on while the machine sleeps: Linux, macOS; on Windows the usual one does."""


def seconds_awake_or_asleep() -> float:
    """Read a clock that runs on while the machine sleeps."""
    return time.monotonic() if _NUMBER is None else time.clock_gettime(_NUMBER)
