"""The real command in a process of its own, and campaigns repos for it to work in."""

import json
import os
import pty
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Timer
from typing import TypeAlias

from msgflash_apply.sandbox.seed import BOUTIQUE_ID
from msgflash_apply.sandbox.server import Options, Sandbox
from msgflash_apply.state.backends.backend import open_backend
from msgflash_apply.state.backends.base import Location
from msgflash_apply.state.commit import init_state
from tests.support.sandbox import JsonObject
from tests.support.states import age_doubts
from tests.support.stores.place import Place

PROGRAM = (sys.executable, "-m", "msgflash_apply")
_SHORTENED = """
from datetime import timedelta
from msgflash_apply import campaign
campaign.SEND_WITHIN = timedelta(seconds=3)
from msgflash_apply.api import client
client.LONGEST_REQUEST = timedelta(seconds=1)
from msgflash_apply.__main__ import main
main()
"""
IN_SECONDS = (sys.executable, "-c", _SHORTENED)
"""The command, for which half a minute is three seconds: no test can wait as long as a person does."""
SURE_AFTER_SECONDS = 5.0
"""Since an announcement: with `IN_SECONDS` a person may say then that nothing was created."""
FAST = Options(requests_per_second=0)
"""A sandbox in real time and without a rate limit."""

QUICKEST_PROJECT = "version: 1\napi: {requests_per_second: 10}\n"
CREATE = "POST /api/v1/campaigns"
PATIENCE_SECONDS = 30.0
QUESTIONS = (b"Only `yes` is accepted: ", b"[y/N]: ")
TAKE_THE_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
)

Fields: TypeAlias = Mapping[str, object]


@dataclass(frozen=True)
class Completed:
    """How a command ended, and what it said; on a terminal all of it is in `out`."""

    code: int
    out: str
    err: str = ""

    @property
    def document(self) -> JsonObject:
        """Read stdout as the JSON object that it must be."""
        found = json.loads(self.out)
        assert isinstance(found, dict)
        return found


@dataclass(frozen=True)
class Running:
    """A command that has not ended yet."""

    process: "subprocess.Popen[str]"

    def signal(self, number: int) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    @property
    def is_signal_pending(self) -> bool:
        """Whether a signal was sent that it has not noticed."""
        return self._signals("ShdPnd") != 0

    def answers(self, number: int) -> bool:
        """Whether it has begun to answer a signal."""
        return bool(self._signals("SigCgt") & 1 << (number - 1))

    def _signals(self, name: str) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        return int(status.partition(f"{name}:")[2].split()[0], 16)

    def read_until(self, text: str) -> None:
        """Wait until a line of stderr holds a text."""
        assert self.process.stderr is not None
        while text not in (line := self.process.stderr.readline()):
            assert line, "it ended before"

    def wait(self) -> Completed:
        """Wait for its end."""
        out, err = self.process.communicate(timeout=PATIENCE_SECONDS)
        return Completed(self.process.returncode, out, err)


@dataclass
class Repo:
    """
    A campaigns repo in a folder, and the environment of whoever works in it.

    Attributes:
        folder: its root.
        sandbox: where its commands find MsgFlash.
        environ: added to the environment of every command.
        program: what `run` and `start` run.
    """

    folder: Path
    sandbox: Sandbox
    environ: dict[str, str] = field(default_factory=dict)
    program: Sequence[str] = PROGRAM

    def write(self, name: str, text: str) -> Path:
        """Write a file, its folders included."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def campaign(self, address: str, **fields: object) -> Path:
        """Write a campaign's file as `campaign_text` makes it, named after its address."""
        return self.write(f"campaigns/{address}.yaml", campaign_text(address, **fields))

    def campaigns(self, count: int) -> list[str]:
        """Write so many campaigns, each starting a minute after the one before it; returns their addresses."""
        addresses = [f"c{number:02d}" for number in range(count)]
        for minutes, address in enumerate(addresses):
            self.campaign(address, schedule=in_days(30, minutes=minutes))
        return addresses

    def remove(self, address: str) -> None:
        """Delete a campaign's file."""
        (self.folder / f"campaigns/{address}.yaml").unlink()

    @property
    def state(self) -> Path:
        """The state document of the default environment."""
        return self.folder / ".msgflash/default.json"

    @property
    def records(self) -> JsonObject:
        """The records of the state document, by address."""
        records = json.loads(self.state.read_text(encoding="utf-8"))["campaigns"]
        assert isinstance(records, dict)
        return records

    def files(self) -> dict[str, tuple[bytes, int]]:
        """Remember every file with its content and the time of its last change."""
        return {
            str(path.relative_to(self.folder)): (path.read_bytes(), path.stat().st_mtime_ns)
            for path in sorted(self.folder.rglob("*"))
            if path.is_file()
        }

    def run(self, *arguments: str, env: Mapping[str, str] | None = None) -> Completed:
        """Run a command to its end, without a terminal."""
        return self.start(*arguments, env=env).wait()

    def start(
        self, *arguments: str, env: Mapping[str, str] | None = None, program: tuple[str, ...] | None = None
    ) -> Running:
        """Start a command, without a terminal."""
        process = subprocess.Popen(
            [*(program or self.program), *arguments],
            cwd=self.folder,
            env=self._environment(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        return Running(process)

    def run_on_terminal(self, *arguments: str, typed: str = "", env: Mapping[str, str] | None = None) -> Completed:
        """Run a command to its end on a terminal of its own, where somebody types once there is a question."""
        ours, theirs = pty.openpty()
        with subprocess.Popen(
            [sys.executable, "-c", TAKE_THE_TERMINAL, *PROGRAM, *arguments],
            cwd=self.folder,
            env=self._environment({"TERM": "xterm", "COLUMNS": "100", **(env or {})}),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        ) as process:
            os.close(theirs)
            late = Timer(PATIENCE_SECONDS, process.kill)
            late.start()
            shown = _converse(ours, typed, process.pid)
            late.cancel()
        os.close(ours)
        return Completed(process.returncode, shown)

    def apply(self, *arguments: str) -> Completed:
        """Run `apply --auto-approve`."""
        return self.run("apply", "--auto-approve", *arguments)

    def plan(self, *arguments: str) -> JsonObject:
        """Run `plan --format json`, and read what it says."""
        return self.run("plan", "--format", "json", *arguments).document

    def let_an_hour_pass(self, env: Mapping[str, str] | None = None) -> None:
        """Make every create in doubt an hour older; see `age_doubts`."""
        environ = self.environ | dict(env or {})
        age_doubts(Place(environ.get("MSGFLASH_STATE", ".msgflash/default.json"), self.folder, environ).client())

    def actions(self, *arguments: str) -> dict[str, str]:
        """Plan, and tell the action of each address."""
        changes = self.plan(*arguments)["changes"]
        assert isinstance(changes, list)
        return {change["address"]: change["action"] for change in changes}

    def _environment(self, env: Mapping[str, str] | None) -> dict[str, str]:
        told = {"MSGFLASH_BASE_URL": self.sandbox.url, "MSGFLASH_API_KEY": self.sandbox.api_key}
        return scrubbed_environment() | told | self.environ | dict(env or {})


def scrubbed_environment() -> dict[str, str]:
    """Take the environment of the tests, without what this program or its looks listen to; warnings are errors."""
    looks = {"NO_COLOR", "TERM", "COLUMNS", "LINES"}
    kept = {name: text for name, text in os.environ.items() if not name.startswith("MSGFLASH_") and name not in looks}
    return {**kept, "PYTHONWARNINGS": "error"}


def a_repo(folder: Path, sandbox: Sandbox, *, runs: tuple[str, ...] = ()) -> Repo:
    """Make a repo with a project file that sends as fast as may be and an empty state."""
    repo = Repo(folder, sandbox)
    repo.write("msgflash.yaml", QUICKEST_PROJECT)
    (folder / "campaigns").mkdir()
    backend = open_backend(Location(".msgflash/default.json", folder))
    init_state(backend, environment="default", lineage=str(uuid.uuid4()), runs=runs)
    return repo


def in_days(days: int, *, minutes: int = 0) -> str:
    """Spell an instant so many days ahead, at noon."""
    noon = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
    return (noon + timedelta(days=days, minutes=minutes)).isoformat()


def campaign_text(address: str, **fields: object) -> str:
    """
    Write a good campaign as YAML: a text to the `vip` tag in 30 days, named after its address.

    Args:
        address: also its name and its body.
        fields: replace or add; None takes one away.
    """
    good: dict[str, object] = {
        "instanceId": BOUTIQUE_ID,
        "name": address,
        "schedule": in_days(30),
        "recipients": {"type": "tags", "value": ["vip"]},
        "type": "text",
        "body": f"Hello from {address}",
    }
    given = {name: value for name, value in {**good, **fields}.items() if value is not None}
    return "".join(f"{name}: {json.dumps(value, ensure_ascii=False)}\n" for name, value in given.items())


def wait_until(is_so: Callable[[], bool]) -> None:
    """Wait until something is so; AssertionError if it never is."""
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < give_up_at, "it never came to be"
        time.sleep(0.01)


def creates_seen(sandbox: Sandbox) -> int:
    """Count the creates that reached the server, whatever it answered."""
    return sum(f"{seen.method} {seen.path}" == CREATE for seen in sandbox.requests)


def created(sandbox: Sandbox) -> dict[str, int]:
    """Count the campaigns on the server by name."""
    names = [str(campaign["name"]) for campaign in sandbox.campaigns()]
    return {name: names.count(name) for name in names}


def statuses(sandbox: Sandbox) -> dict[str, str]:
    """Look up the status of every campaign on the server by name."""
    return {str(campaign["name"]): str(campaign["status"]) for campaign in sandbox.campaigns()}


def ids(sandbox: Sandbox) -> dict[str, str]:
    """Look up the id of every campaign on the server by name."""
    return {str(campaign["name"]): str(campaign["id"]) for campaign in sandbox.campaigns()}


def _converse(terminal: int, typed: str, process_id: int) -> str:
    """Read a terminal until its other end is closed, which Linux tells as an error; type at the first question."""
    shown = b""
    while True:
        try:
            chunk = os.read(terminal, 65536)
        except OSError:
            return shown.decode()
        shown += chunk
        if typed and any(question in shown for question in QUESTIONS):
            # Nobody types between the question and the read: a signal there is only seen once the read is over.
            wait_until(lambda: _is_asleep(process_id))
            os.write(terminal, typed.encode())
            typed = ""


def _is_asleep(process_id: int) -> bool:
    """Tell whether the main thread of a process waits for something; the state follows the name in parentheses."""
    return Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0] == "S"
