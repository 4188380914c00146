"""
The real command under watch: every file, address and process that it opens, asks and starts, told by Python itself.

`python -m tests.hostile.watched LOG ARGUMENT..` runs the command. An audit hook sees what the interpreter and its
standard library do, and cannot be taken off again; sockets and files of C libraries that open their own (none of the
base installation does) are beyond it. The log is memory that copies of the process share, in which each has a part of
its own: a child that has lost its descriptors, and may write to no file, is watched all the same.
"""

import json
import mmap
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.support.command import Repo

ROOT = Path(__file__).parents[2]
PART_BYTES = 1024**2
PARTS = 32
LOCAL = ("/proc/self/", "/dev/fd/1", "/dev/fd/2", "/dev/null", "/dev/urandom", "/dev/tty")
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
        copies: how many processes there were besides, all of them copies of the command's own.
        by_copies: whatever of all this they did.
    """

    code: int
    text: str
    opened: frozenset[str]
    connected: frozenset[str]
    started: frozenset[str]
    copies: int
    by_copies: frozenset[str]


def watch(repo: Repo, log: Path, *arguments: str, env: Mapping[str, str] | None = None) -> Watched:
    """Run a command of a repo under watch, to its end."""
    environ = {**repo._environment(env), "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "tests.hostile.watched", str(log), *arguments]
    done = subprocess.run(
        command, cwd=repo.folder, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    own, *others = events_in(log)

    def of(kind: str) -> frozenset[str]:
        return frozenset(told for events in (own, *others) for event, told in events if event == kind)

    text = done.stdout + done.stderr
    copies = [events for events in others if events]
    by_copies = frozenset(told for events in copies for event, told in events if event != "copy")
    return Watched(done.returncode, text, of("open"), of("connect"), of("start"), len(copies), by_copies)


def events_in(log: Path) -> list[list[tuple[str, str]]]:
    """Read the events of each process, the first one's first."""
    data = log.read_bytes()
    parts = [data[at : at + PART_BYTES].rstrip(b"\0") for at in range(0, len(data), PART_BYTES)]
    return [[tuple(json.loads(line)) for line in part.splitlines()] for part in parts]


def outside(paths: frozenset[str], *allowed: Path) -> set[str]:
    """Keep the paths that are neither below an allowed folder, nor the program's, nor what Python itself reads."""
    homes = (*map(str, allowed), str(ROOT), sys.prefix, sys.base_prefix, *LOCAL, *SYSTEM, *SYSTEM_FOLDERS)
    real = {path: os.path.realpath(path) for path in paths}
    return {path for path in paths if not real[path].startswith(homes) and not path.startswith(homes)}


def put_hook(log: Path) -> None:
    """Write every event from now on to a log, those of copies of this process too."""
    with log.open("w+b") as stream:
        stream.truncate(PARTS * PART_BYTES)
        memory = mmap.mmap(stream.fileno(), 0)
    part, copies = memoryview(memory)[:PART_BYTES], 0

    def write(told: tuple[str, str]) -> None:
        nonlocal part
        line = json.dumps(told).encode() + b"\n"
        part[: len(line)] = line
        part = part[len(line) :]

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        told = _told(event, arguments)
        if told is not None:
            write(told)

    def count() -> None:
        nonlocal copies
        copies += 1

    def begin() -> None:
        nonlocal part
        part = memoryview(memory)[copies * PART_BYTES :][:PART_BYTES]
        write(("copy", ""))

    sys.addaudithook(hook)
    os.register_at_fork(before=count, after_in_child=begin)


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
    log = Path(sys.argv[1])
    sys.argv[1:] = sys.argv[2:]
    from msgflash_apply.__main__ import main as run  # noqa: PLC0415 - its own imports are not what is watched

    put_hook(log)
    run()


if __name__ == "__main__":
    main()
