"""A server that somebody else wrote, as a process on ports of its own."""

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.support.programs import path_of

START_SECONDS = 60.0


def hold_ports(number: int) -> list[socket.socket]:
    """Keep ports for a server that comes and goes, so that nobody else is given them meanwhile."""
    held = [socket.socket() for _ in range(number)]
    for each in held:
        each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        each.bind(("127.0.0.1", 0))
    return held


def port_of(held: socket.socket) -> int:
    """Tell the number of a port that is kept."""
    return int(held.getsockname()[1])


class Program:
    """
    One program, started now, and stopped by `stop`.

    Args:
        command: the program's name, and its arguments.
        folder: it works there, has its home there, and writes what it says to `log` there.
        is_ready: whether it answers; asked until it does.
        environ: variables besides.
    """

    def __init__(
        self,
        command: Sequence[str],
        folder: Path,
        is_ready: Callable[[], bool],
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._command = [path_of(command[0]), *command[1:]]
        self._folder = folder
        self._is_ready = is_ready
        self._environ = {**os.environ, "HOME": str(folder), **(environ or {})}
        self._process = self._start()

    def stop(self, number: signal.Signals = signal.SIGKILL) -> None:
        """End the program."""
        self._process.send_signal(number)
        self._process.wait()

    def start(self) -> None:
        """Start it again; returns when it answers."""
        self._process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        with (self._folder / "log").open("ab") as log:
            process = subprocess.Popen(
                self._command, cwd=self._folder, env=self._environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._is_ready():
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                process.wait()
                raise RuntimeError(f"{self._command[0]} did not start:\n{(self._folder / 'log').read_text()[-2000:]}")
            time.sleep(0.05)
        return process


def call(
    method: str, url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> tuple[int, bytes]:
    """Ask a server on loopback; 0 where none answers."""
    told = {"Content-Type": "application/octet-stream", **(headers or {})}
    request = urllib.request.Request(url, body, told, method=method)  # noqa: S310 - loopback
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - loopback
            return answer.status, answer.read()
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.read()
    except OSError:
        return 0, b""
