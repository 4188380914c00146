"""Whole processes, measured from outside: time on the wall, time on the processor, most memory."""

import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self, TypeAlias

Command: TypeAlias = Sequence[str]

LAUNCHER: Final = """
import os, sys, time
began = time.perf_counter()
null = os.open(os.devnull, os.O_WRONLY)
actions = [(os.POSIX_SPAWN_DUP2, null, 1)]
pid = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=actions)
_, status, used = os.wait4(pid, 0)
print(time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
"""
"""
A small process between us and what is measured: Linux counts what a process had before it became another program as the
memory of the other, and this one has next to none.
"""


@dataclass(frozen=True)
class Run:
    """
    What one process took.

    Attributes:
        wall_seconds: from its start to its end.
        cpu_seconds: of the process and the children it waited for, user and system.
        peak_mib: the most memory that it, or a child of its own, had at a time.
    """

    wall_seconds: float
    cpu_seconds: float
    peak_mib: float

    def best(self, other: Self) -> Self:
        """Take the lower of two runs, each number by itself: whatever else the machine did only adds."""
        return type(self)(
            min(self.wall_seconds, other.wall_seconds),
            min(self.cpu_seconds, other.cpu_seconds),
            min(self.peak_mib, other.peak_mib),
        )


@dataclass(frozen=True)
class Contender:
    """
    A process to be measured.

    Attributes:
        command: what to run; it must end well.
        before: what to do before each run, outside of the time.
    """

    command: Command
    before: Callable[[], None] = lambda: None


def run(command: Command, *, folder: Path, environ: Mapping[str, str]) -> Run:
    """Run a command to its end; CalledProcessError unless it ends well."""
    launcher = (sys.executable, "-I", "-S", "-c", LAUNCHER, *command)
    done = subprocess.run(launcher, cwd=folder, env=dict(environ), capture_output=True, text=True, check=False)  # noqa: S603 - our own
    if done.returncode != 0:
        raise subprocess.CalledProcessError(done.returncode, list(command), done.stdout, done.stderr)
    wall_seconds, cpu_seconds, peak_kib = map(float, done.stdout.split())
    return Run(wall_seconds, cpu_seconds, peak_kib / 1024)


def in_turn(
    contenders: Mapping[str, Contender], *, rounds: int, folder: Path, environ: Mapping[str, str]
) -> dict[str, Run]:
    """
    Run all contenders one after the other, round by round, so that a busy minute hits each; the best run of each.

    The first round does not count: it writes the bytecode and fills the caches of the disk.
    """
    for contender in contenders.values():
        contender.before()
        run(contender.command, folder=folder, environ=environ)
    best: dict[str, Run] = {}
    for _ in range(rounds):
        for name, contender in contenders.items():
            contender.before()
            took = run(contender.command, folder=folder, environ=environ)
            best[name] = took.best(best[name]) if name in best else took
    return best
