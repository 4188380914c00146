"""
The real command under watch: every file, address and process that it opens, asks and starts, told by Python itself.

`python -m tests.hostile.watched LOG ARGUMENT..` runs the command; each event is a line of JSON in LOG. An audit hook
sees what the interpreter and its standard library do, and cannot be taken off again; sockets and files of C libraries
that open their own (none of the base installation does) are beyond it.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.support.command import Repo

ROOT = Path(__file__).parents[2]
ARGUMENTS = Path("/proc/self/cmdline")
LOCAL = ("/proc/self/", "/dev/null", "/dev/urandom", "/dev/tty")
SYSTEM = (
    "/etc/ssl/",
    "/usr/lib/ssl/",
    "/etc/mime.types",
    "/etc/httpd/",
    "/etc/apache",
    "/etc/passwd",
    "/etc/resolv.conf",
)
SYSTEM_FOLDERS = ("/usr/share/zoneinfo", "/usr/lib", "/usr/local", "/lib")
"""What libraries read on their own, whatever the repo holds: certificates, types of files, zones of time, terminals."""


@dataclass(frozen=True)
class Watched:
    """
    What a command did.

    Attributes:
        code: its exit code.
        text: what it printed.
        opened: every path, as it was given, made absolute.
        connected: every address, as `host:port` or the path of a socket.
        started: every program, with its arguments.
        forked: the arguments of every process that is a copy of the command's own, as the system shows them.
    """

    code: int
    text: str
    opened: frozenset[str]
    connected: frozenset[str]
    started: frozenset[str]
    forked: frozenset[str]


def watch(repo: Repo, log: Path, *arguments: str, env: Mapping[str, str] | None = None) -> Watched:
    """Run a command of a repo under watch, to its end."""
    environ = {**repo._environment(env), "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "tests.hostile.watched", str(log), *arguments]
    done = subprocess.run(
        command, cwd=repo.folder, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    events = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]

    def of(kind: str) -> frozenset[str]:
        return frozenset(told for event, told in events if event == kind)

    text = done.stdout + done.stderr
    return Watched(done.returncode, text, of("open"), of("connect"), of("start"), of("fork"))


def outside(paths: frozenset[str], *allowed: Path) -> set[str]:
    """Keep the paths that are neither below an allowed folder, nor the program's, nor what Python itself reads."""
    homes = (*map(str, allowed), str(ROOT), sys.prefix, sys.base_prefix, *LOCAL, *SYSTEM, *SYSTEM_FOLDERS)
    real = {path: os.path.realpath(path) for path in paths}
    return {path for path in paths if not real[path].startswith(homes) and not path.startswith(homes)}


def put_hook(log: int) -> None:
    """Write every event from now on to an open file."""

    def write(told: tuple[str, str]) -> None:
        os.write(log, json.dumps(told).encode() + b"\n")

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        told = _told(event, arguments)
        if told is not None:
            write(told)

    sys.addaudithook(hook)
    os.register_at_fork(after_in_child=lambda: write(("fork", os.fsdecode(ARGUMENTS.read_bytes()))))


def _told(event: str, arguments: tuple[object, ...]) -> tuple[str, str] | None:
    if event in {"open", "os.listdir", "os.scandir"} and isinstance(path := arguments[0], (str, bytes)):
        return "open", os.path.abspath(os.fsdecode(path))  # noqa: PTH100 - pathlib would ask the file system
    if event in {"socket.connect", "socket.sendto"}:
        address = arguments[1]
        return "connect", f"{address[0]}:{address[1]}" if isinstance(address, tuple) else str(address)
    if event == "socket.getaddrinfo":
        return "connect", f"{arguments[0]!s}:{arguments[1]!s}"
    if event in {"subprocess.Popen", "os.exec", "os.posix_spawn", "os.spawn", "os.system", "pty.spawn"}:
        return "start", " ".join(map(str, arguments[:2]))
    return None


def main() -> None:
    """Put the hook in place, then run the command."""
    log = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    sys.argv[1:] = sys.argv[2:]
    from msgflash_apply.__main__ import main as run  # noqa: PLC0415 - its own imports are not what is watched

    put_hook(log)
    run()


if __name__ == "__main__":
    main()
