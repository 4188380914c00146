"""The real command as a process that is held short in the middle of its work: of disk, of rights, of its folder."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgflash_apply.campaign import Address
from msgflash_apply.state.codec import decode_journal
from msgflash_apply.state.journal import Intended
from tests.support.command import Completed, Repo, Running, creates_seen, wait_until

# A limit on the size of files is a disk that is full: the write is cut short, and the next one fails. Root keeps every
# right but one: without CAP_DAC_OVERRIDE the modes of files hold for it too, as they do for everybody else.
_LAUNCHER = """
import ctypes, os, resource, sys
if limit_bytes := int(sys.argv[1]):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))
PR_CAPBSET_DROP, CAP_DAC_OVERRIDE = 24, 1
ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0)
os.execv(sys.executable, [sys.executable, "-m", "msgflash_apply", *sys.argv[2:]])
"""

_RECOVERY_FILE = re.compile(r"/\S*msgflash-recovery-[\w-]+\.jsonl")


def start(repo: Repo, *arguments: str, limit_bytes: int = 0) -> Running:
    """Start a command to which the modes of files apply, whoever runs it, and perhaps a limit on their size."""
    process = subprocess.Popen(
        [sys.executable, "-c", _LAUNCHER, str(limit_bytes), *arguments],
        cwd=repo.folder,
        env=repo._environment(None),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    return Running(process)


def start_sending(repo: Repo, *, limit_bytes: int = 0, creates: int = 5) -> Running:
    """Start an apply, and return once so many creates have reached the server."""
    running = start(repo, "apply", "--auto-approve", limit_bytes=limit_bytes)
    wait_until(lambda: creates_seen(repo.sandbox) >= creates or running.process.poll() is not None)
    return running


def is_stopped(pid: int) -> bool:
    """Whether a process is stopped by a signal."""
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "T"


def recovery_file(done: Completed) -> Path:
    """Find the recovery file that a command named; AssertionError if it named none."""
    found = _RECOVERY_FILE.search(done.out + done.err)
    assert found is not None, f"no recovery file in:\n{done.out}\n{done.err}"
    return Path(found[0])


def announced(state_folder: Path) -> set[Address]:
    """Collect the addresses of all creates whose intent is in a journal of a state folder."""
    journals = [(path, path.read_bytes()) for path in state_folder.glob("default.journal-*.jsonl")]
    entries = [entry for path, data in journals for entry in decode_journal(data, where=str(path))]
    return {entry.address for entry in entries if isinstance(entry, Intended)}


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """
    Make a folder read-only while processes work in it: by a mount over it, or by modes where mounting is not permitted.

    What is open for writing already stays so, as when a disk is remounted by force.
    """
    if _mount("--bind", "-o", "ro", folder, folder):
        try:
            yield
        finally:
            subprocess.run(["umount", "--lazy", folder], check=True)
        return
    modes = {path: path.stat().st_mode for path in [folder, *folder.iterdir()]}
    for path, mode in modes.items():
        path.chmod(mode & ~0o222)
    try:
        yield
    finally:
        for path, mode in modes.items():
            path.chmod(mode)


@contextmanager
def small_disk(folder: Path, size_bytes: int) -> Iterator[int]:
    """
    Put a folder on a disk of its own that has so many bytes, its files with it.

    Yields:
        0; or where mounting is not permitted the size: the limit on files that comes closest to such a disk.
    """
    kept = {path.name: path.read_bytes() for path in folder.iterdir()}
    if not _mount("-t", "tmpfs", "-o", f"size={size_bytes},mode=0700", "tmpfs", folder):
        yield size_bytes
        return
    try:
        _write(folder, kept)
        yield 0
        left = {path.name: path.read_bytes() for path in folder.iterdir()}
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
    _write(folder, left)


def _write(folder: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        (folder / name).write_bytes(data)


def _mount(*arguments: str | Path) -> bool:
    return subprocess.run(["mount", *arguments], check=False, capture_output=True).returncode == 0
