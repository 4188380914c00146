"""Work for children that are bounded: what does its best, and what does its worst. A fresh interpreter imports it."""

import ctypes
import os
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from msgflash_apply.files.bounded_child import File, Wanted

SUPPLIED: list[str] = []


def size_of(file: File) -> object:
    """Tell an honest result."""
    return [file.name, len(file.data), file.about]


def misbehave(file: File) -> object:
    """Do what the file's name says, if it is among `MISDEEDS`; else give the name."""
    return MISDEEDS.get(file.name, lambda: file.name)()


def _never_end() -> object:
    while True:
        pass


def _grow() -> object:
    kept: list[str] = []
    while True:
        kept.append("x" * 1_000_000)


def _dig() -> object:
    return _dig()


def _want() -> object:
    if "zone" not in SUPPLIED:
        raise Wanted("zone")
    return list(SUPPLIED)


def _write() -> object:
    for standard in (1, 2):
        os.write(standard, b"x")
    return None


def _tell_environment() -> object:
    getenv = ctypes.CDLL(None).getenv
    getenv.restype = ctypes.c_char_p
    return [dict(os.environ), getenv(b"MSGFLASH_API_KEY")]


def _take_time() -> object:
    begin = time.process_time()
    while time.process_time() < begin + 0.5:
        pass
    return "half a second"


MISDEEDS: Mapping[str, Callable[[], object]] = {
    "time": _never_end,
    "memory": lambda: len("x" * 10**10),
    "more and more memory": _grow,
    "sleep": lambda: time.sleep(1000),
    "result": lambda: b"x" * 40 * 1024**2,
    "crash": lambda: ctypes.string_at(0),
    "levels": _dig,
    "defect": lambda: SUPPLIED[1000],
    "open": lambda: os.open("/etc/hostname", os.O_RDONLY),
    "connect": lambda: socket.socket().fileno(),
    "environment": _tell_environment,
    "exit": lambda: os._exit(0),
    "object": Path,
    "want": _want,
    "write": _write,
    "pipe": lambda: os.pipe()[0],
    "half a second": _take_time,
    "much memory": lambda: len("x" * (150 * 1024**2)),
    "megabytes": lambda: b"x" * (2 * 1024**2 - 10),
}
