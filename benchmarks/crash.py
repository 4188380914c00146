"""
Kill the real command at random times, many times, and count on the server what people would have got.

    python benchmarks/crash.py --runs 300 --seed 1 [--faults] [--sequence N]

A sequence is one account (a sandbox in this process), one campaigns repo with its state, and a few runs of
`msgflash-apply apply --auto-approve`, each in a process of its own that is struck: at any time from its start to just
after its end, while creates are in flight, or while the state is committed. The files change in between. At the end of
a sequence every doubt is resolved by looking at the server, and the command runs undisturbed until nothing is left to
do. With `--faults` some strikes are SIGINT or SIGTERM, once or twice, and the server breaks answers too.

Checked after every strike: no payload is on the server twice; every campaign of the server is in the state or in doubt;
every id in the state is on the server with that payload; only what was in flight came into doubt; no traceback. At the
end also: the next plan has nothing to do. Exits 1 on any violation, with the command that repeats it. The same seed
gives the same files and the same times of striking; what a process has reached by then is its own affair.
"""

import argparse
import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Final

from msgflash_apply.api.access import Access
from msgflash_apply.api.client import Client
from msgflash_apply.api.limiter import Limiter
from msgflash_apply.campaign import Address, Fingerprint, Intent, fingerprint
from msgflash_apply.cli import wiring
from msgflash_apply.engine.apply import IN_FLIGHT
from msgflash_apply.engine.doubt import resolve_created, resolve_not_created
from msgflash_apply.sandbox.seed import BOUTIQUE_ID
from msgflash_apply.sandbox.server import Options, Sandbox
from msgflash_apply.state.backends.local import LocalBackend
from msgflash_apply.state.claim import Claim
from msgflash_apply.state.commit import init_state
from msgflash_apply.state.ledger import open_ledger, read_state
from msgflash_apply.state.snapshot import Snapshot

ENVIRONMENT: Final = "default"
CREATE: Final = ("POST", "/api/v1/campaigns")
RUNS_IN_A_SEQUENCE: Final = 5
RESOLVED_BY_COMMAND: Final = 2
"""Of the doubts of a sequence; the others are resolved by the same engine in this process, which takes no second."""

PATIENCE_SECONDS: Final = 60.0
GRACE_SECONDS: Final = 1.0
"""How long a create may take from the journal to the server and its answer back, beyond the latency: a busy machine."""

STARTING_SECONDS: Final = 0.4
"""Of Python, the files and the plan, on an idle machine."""

ROUNDS: Final = 6
"""Of plan and apply until nothing is left to do: a pause may have to come before a replace, and a doubt before both."""

PHASES: Final = ("before the lock", "planning", "sending", "committing", "after the end")
GOOD_CODES: Final = frozenset({0, 3, 130, 143, -signal.SIGKILL, -signal.SIGINT, -signal.SIGTERM})
FAULTS: Final = (
    *(f"POST /api/v1/campaigns {kind} probability=0.1" for kind in ("drop_after", "drop_before", "reset_after")),
    *(f"POST /api/v1/campaigns {kind} probability=0.1" for kind in ("500_after", "503", "half", "no_id", "html_after")),
    "POST /api/v1/campaigns 429 times=1 skip=7",
    "POST /api/v1/campaigns/*/pause drop_after probability=0.3",
    "POST /api/v1/campaigns/*/resume 502_after probability=0.3",
)


@dataclass
class Campaign:
    """One campaign of the repo; its name never changes and its body tells the version, so payloads never repeat."""

    name: str
    place: str
    moved_from: list[str] = field(default_factory=list)
    version: int = 1
    paused: bool | None = None
    present: bool = True

    def text(self, starts_at: datetime) -> str:
        """Write it as YAML."""
        fields: dict[str, object] = {
            "instanceId": BOUTIQUE_ID,
            "name": self.name,
            "schedule": starts_at.isoformat(),
            "recipients": {"type": "tags", "value": ["vip"]},
            "type": "text",
            "body": f"{self.name}, version {self.version}",
            "lifecycle": {"on_change": "replace"},
            "moved_from": self.moved_from,
        }
        if self.paused is not None:
            fields["paused"] = self.paused
        return "".join(f"{name}: {json.dumps(value)}\n" for name, value in fields.items())


class Files:
    """The campaigns folder of a repo, and how people go on editing it."""

    def __init__(self, folder: Path, dice: Random) -> None:
        self._folder = folder / "campaigns"
        self._dice = dice
        self._starts_at = datetime.now(UTC).replace(microsecond=0) + timedelta(days=30)
        self._campaigns: list[Campaign] = []
        for _ in range(dice.randint(30, 40)):
            self._add()

    def edit(self) -> None:
        """Make the next version of the files: some added, removed, brought back, edited, moved, paused, resumed."""
        edits = (self._toggle_presence, self._new_body, self._move, self._pause)
        for campaign in self._dice.sample(self._campaigns, k=self._dice.randint(6, 12)):
            self._dice.choice(edits)(campaign)
        for _ in range(self._dice.randint(4, 12)):
            self._add()

    def missing_in(self, snapshot: Snapshot) -> int:
        """Count the campaigns of the files that the state does not have at their address."""
        return sum(each.present and Address(each.place) not in snapshot.campaigns for each in self._campaigns)

    def write(self) -> None:
        """Put them on disk."""
        shutil.rmtree(self._folder, ignore_errors=True)
        for number, campaign in enumerate(self._campaigns):
            if campaign.present:
                path = self._folder / f"{campaign.place}.yaml"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(campaign.text(self._starts_at + timedelta(minutes=number)), encoding="utf-8")

    def _add(self) -> None:
        name = f"c{len(self._campaigns):03d}"
        self._campaigns.append(Campaign(name, name, paused=self._dice.choice((None, None, True))))

    def _toggle_presence(self, campaign: Campaign) -> None:
        campaign.present = not campaign.present

    def _new_body(self, campaign: Campaign) -> None:
        campaign.version += 1

    def _move(self, campaign: Campaign) -> None:
        """Tell the former address in half of the cases; in the others the program has to find it out."""
        if self._dice.random() < 0.5:
            campaign.moved_from.append(campaign.place)
        campaign.place = f"{self._dice.choice(('spring', 'summer'))}/{campaign.name}-{self._dice.randrange(10**6)}"

    def _pause(self, campaign: Campaign) -> None:
        campaign.paused = not campaign.paused


@dataclass(frozen=True)
class Strike:
    """
    When and how a run is struck.

    Attributes:
        aim: what the delay counts from: `start` of the process, `lock` taken by it, its first create to `send`, the
            first change of the state's backup to `commit`.
        delay_seconds: after that.
        signals: one after the other.
        gap_seconds: between two of them.
        faults: armed on the server for this run.
    """

    aim: str
    delay_seconds: float
    signals: tuple[int, ...]
    gap_seconds: float
    faults: tuple[str, ...]


def a_strike(dice: Random, sending_seconds: float, *, faults: bool) -> Strike:
    """Choose when to strike a run that would send for about so long if nobody disturbed it."""
    signals: tuple[int, ...] = (signal.SIGKILL,)
    chosen: tuple[str, ...] = ()
    if faults:
        polite = dice.choice((signal.SIGINT, signal.SIGTERM))
        signals = dice.choice((signals, signals, (polite,), (polite, polite), (polite, signal.SIGKILL)))
        chosen = tuple(f"{fault} seed={dice.randrange(1000)}" for fault in dice.sample(FAULTS, k=3))
    # While Python itself starts, Ctrl-C is answered by Python, and no program can help it.
    beginning = "start" if signals[0] == signal.SIGKILL else "lock"
    aim = dice.choice((beginning, beginning, "send", "send", "commit"))
    longest = {
        "start": (STARTING_SECONDS + sending_seconds) * 1.1,
        "lock": sending_seconds,
        "send": sending_seconds,
        "commit": 0.004,
    }[aim]
    delay_seconds, gap_seconds = dice.uniform(0, longest), dice.uniform(0, 0.2)
    return Strike(aim, delay_seconds, signals, gap_seconds, chosen)


@dataclass
class Tally:
    """What was counted, in one sequence or in all."""

    runs: int = 0
    phases: Counter[str] = field(default_factory=Counter)
    created: int = 0
    doubts: int = 0
    doubts_created: int = 0
    most_doubts: int = 0
    duplicates: int = 0
    lost: int = 0
    violations: list[str] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        """Add a sequence."""
        self.phases.update(other.phases)
        self.violations += other.violations
        for name in ("runs", "created", "doubts", "doubts_created", "duplicates", "lost"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.most_doubts = max(self.most_doubts, other.most_doubts)


@dataclass(frozen=True)
class Remote:
    """The server's side: each campaign that was ever created, by id."""

    payloads: dict[str, Fingerprint]

    @classmethod
    def of(cls, sandbox: Sandbox) -> "Remote":
        """Look at a server."""
        found: dict[str, Fingerprint] = {}
        for campaign in sandbox.campaigns():
            payload = campaign["payload"]
            if isinstance(payload, dict):
                found[str(campaign["id"])] = fingerprint(payload)
        return cls(found)

    def duplicates(self) -> list[str]:
        """Name every campaign that was created although its payload was there."""
        first = {payload: identifier for identifier, payload in reversed(self.payloads.items())}
        return [identifier for identifier, payload in self.payloads.items() if first[payload] != identifier]

    def lost(self, snapshot: Snapshot) -> list[str]:
        """Name every campaign that the state neither has nor doubts."""
        records = [*snapshot.campaigns.values(), *(each for many in snapshot.history.values() for each in many)]
        known = {identifier for record in records for identifier in (record.id, *record.former_ids)}
        doubtful = {intent.facts.fingerprint for intent in snapshot.in_doubt.values()}
        return [i for i, payload in self.payloads.items() if i not in known and payload not in doubtful]

    def strangers(self, snapshot: Snapshot) -> list[str]:
        """Name every record whose campaign is not on the server, or is another one."""
        records = snapshot.campaigns.items()
        return [a for a, record in records if self.payloads.get(record.id) != record.facts.fingerprint]


class Sequence:
    """One account, one repo, one state, and the runs on it."""

    def __init__(self, folder: Path, dice: Random, *, faults: bool) -> None:
        self.tally = Tally()
        self._folder = folder
        self._dice = dice
        self._faults = faults
        self._latency_seconds = dice.uniform(0.05, 0.2)
        self._jitter_seconds = dice.choice((0.0, 0.03, 0.08))
        self._rate = dice.choice((30, 60, 100))
        self._files = Files(folder, dice)
        self._backend = LocalBackend(folder / ".msgflash/default.json")

    def run(self, strikes: int) -> Tally:
        """Strike so many runs, come to the end undisturbed, and tell what was counted."""
        options = Options(requests_per_second=0, latency_seconds=self._latency_seconds)
        with Sandbox(options) as sandbox:
            self._prepare()
            for number in range(strikes):
                # Also on the same files: whoever is interrupted runs the same command again.
                if number and self._dice.random() < 0.8:
                    self._files.edit()
                    self._files.write()
                self._strike(sandbox, a_strike(self._dice, self._sending_seconds(), faults=self._faults))
            self._finish(sandbox)
            self.tally.created = len(Remote.of(sandbox).payloads)
            self.tally.duplicates = len(Remote.of(sandbox).duplicates())
            self.tally.lost = len(Remote.of(sandbox).lost(self._snapshot()))
        return self.tally

    def _prepare(self) -> None:
        project = f"version: 1\napi: {{requests_per_second: {self._rate}}}\npolicy: {{max_retires: 100%}}\n"
        (self._folder / "msgflash.yaml").write_text(project, encoding="utf-8")
        self._files.write()
        init_state(self._backend, environment=ENVIRONMENT, lineage=str(uuid.UUID(int=self._dice.getrandbits(128))))

    def _sending_seconds(self) -> float:
        """Estimate how long an undisturbed run would send: its creates at the slower of rate and latency."""
        slowest = self._latency_seconds + self._jitter_seconds
        creates = self._files.missing_in(self._snapshot())
        return max(creates / self._rate, creates / IN_FLIGHT * slowest) + slowest

    def _strike(self, sandbox: Sandbox, strike: Strike) -> None:
        self._arm(sandbox, strike)
        seen, folded = len(sandbox.requests), self._journal_folded_last()
        former = {intent.run for intent in self._snapshot().in_doubt.values()}
        process = self._start(sandbox, "apply", "--auto-approve")
        struck_at, was_over = self._hit(process, sandbox, strike, seen)
        _, err = self._end(process)
        sandbox.clear_faults()
        time.sleep(self._latency_seconds + self._jitter_seconds + 0.05)  # what was in flight arrives
        self.tally.runs += 1
        self.tally.phases[self._phase(process.pid, folded, was_over=was_over)] += 1
        self._check_process(process.returncode, err)
        self._check_in_flight(
            [intent for intent in self._snapshot().in_doubt.values() if intent.run not in former], struck_at
        )
        self._check_promises(sandbox)

    def _arm(self, sandbox: Sandbox, strike: Strike) -> None:
        for fault in strike.faults:
            sandbox.add_fault(fault)
        if self._jitter_seconds:
            seed = self._dice.randrange(1000)
            sandbox.add_fault(f"* * delay seconds={self._jitter_seconds} probability=0.4 seed={seed}")

    def _hit(
        self, process: "subprocess.Popen[str]", sandbox: Sandbox, strike: Strike, seen: int
    ) -> tuple[datetime, bool]:
        """Wait for the moment and strike; returns the moment, and whether the process had ended by itself."""
        backup = self._backup_version()
        is_due: Callable[[], bool] = {
            "start": lambda: True,
            "lock": lambda: self._holds_lock(process.pid),
            "send": lambda: any(each[1:3] == CREATE for each in sandbox.requests[seen:]),
            "commit": lambda: self._backup_version() != backup,
        }[strike.aim]
        while process.poll() is None and not is_due():
            time.sleep(0.0005 if strike.aim == "commit" else 0.005)
        time.sleep(strike.delay_seconds)
        struck_at, was_over = datetime.now(UTC), process.poll() is not None
        for number in strike.signals:
            process.send_signal(number)
            if number != strike.signals[-1]:
                time.sleep(strike.gap_seconds)
        return struck_at, was_over

    def _phase(self, pid: int, folded_before: str | None, *, was_over: bool) -> str:
        """Tell from what it left behind how far a run had come."""
        holder, folded = self._backend.holder(), self._journal_folded_last()
        if was_over:
            return "after the end"
        if holder is None or not self._holds_lock(pid):
            return "before the lock" if folded == folded_before else "after the end"
        journal = self._backend.read_journal(holder.lock_id) or b""
        if folded == holder.lock_id or (journal.count(b"\n") > 1 and self._is_half_committed()):
            return "committing"
        return "sending" if journal.count(b"\n") > 1 else "planning"

    def _holds_lock(self, pid: int) -> bool:
        holder = self._backend.holder()
        return holder is not None and holder.pid == pid

    def _is_half_committed(self) -> bool:
        document = Path(self._backend.url)
        backup = document.with_name(f"{document.name}.backup")
        aside = [path.with_name(f"{path.name}.tmp") for path in (document, backup)]
        return any(path.exists() for path in aside) or (
            backup.exists() and backup.read_bytes() == document.read_bytes()
        )

    def _backup_version(self) -> int:
        with suppress(FileNotFoundError):
            return Path(f"{self._backend.url}.backup").stat().st_ino
        return 0

    def _journal_folded_last(self) -> str | None:
        folded = json.loads(Path(self._backend.url).read_bytes()).get("journal")
        return None if folded is None else str(folded)

    def _check_process(self, code: int, err: str) -> None:
        if "Traceback" in err or "a bug in" in err:
            self._violated(f"the command showed a traceback:\n{err}")
        if code not in GOOD_CODES:
            self._violated(f"the command ended with {code}:\n{err}")

    def _check_in_flight(self, new: list[Intent], struck_at: datetime) -> None:
        """Only a create whose answer was on its way may have come into doubt, or one whose answer a fault broke."""
        self.tally.doubts += len(new)
        self.tally.most_doubts = max(self.tally.most_doubts, len(new))
        if self._faults:
            return
        longest = timedelta(seconds=self._latency_seconds + self._jitter_seconds + GRACE_SECONDS)
        late = [intent for intent in new if intent.announced_at < struck_at - longest]
        if late or len(new) > IN_FLIGHT:
            self._violated(f"{len(new)} came into doubt, {len(late)} of them announced more than {longest} before")

    def _check_promises(self, sandbox: Sandbox) -> None:
        remote, snapshot = Remote.of(sandbox), self._snapshot()
        for what, found in (
            ("created twice", remote.duplicates()),
            ("lost", remote.lost(snapshot)),
            ("recorded, and not on the server as recorded", remote.strangers(snapshot)),
        ):
            if found:
                self._violated(f"{what}: {', '.join(found)}")

    def _finish(self, sandbox: Sandbox) -> None:
        """Resolve, apply, and again until a plan has nothing to do."""
        for _ in range(ROUNDS):
            self._resolve(sandbox)
            code, _, err = self._command(sandbox, "apply", "--auto-approve")
            self._check_process(code, err)
            self._check_promises(sandbox)
            code, out, err = self._command(sandbox, "plan", "--detailed-exitcode", "--changes-only", "--format", "json")
            if code == 0:
                return
        self._violated(f"there is still something to do after {ROUNDS} undisturbed runs:\n{out}{err}")

    def _resolve(self, sandbox: Sandbox) -> None:
        """Close every doubt by what is on the server."""
        ids = {payload: identifier for identifier, payload in Remote.of(sandbox).payloads.items()}
        doubts = {address: ids.get(intent.facts.fingerprint) for address, intent in self._snapshot().in_doubt.items()}
        self.tally.doubts_created += sum(found is not None for found in doubts.values())
        for address in list(doubts)[:RESOLVED_BY_COMMAND]:
            found = doubts.pop(address)
            word = ("--not-created",) if found is None else ("--created", found)
            code, _, err = self._command(sandbox, "resolve", address, *word)
            if code:
                self._violated(f"resolve {address} {' '.join(word)} ended with {code}:\n{err}")
        if doubts:
            asyncio.run(self._resolve_here(sandbox, doubts))

    async def _resolve_here(self, sandbox: Sandbox, doubts: dict[Address, str | None]) -> None:
        limiter = Limiter(0, jitter=self._dice.random)
        claim = Claim(ENVIRONMENT, wiring.holder("resolve"), wiring.now, PATIENCE_SECONDS)
        with open_ledger(self._backend, claim) as ledger:
            async with Client(Access(sandbox.url, sandbox.api_key), limiter, jitter=self._dice.random) as client:
                for address, found in doubts.items():
                    if found is None:
                        resolve_not_created(ledger, address, wiring.now)
                    else:
                        await resolve_created(ledger, client, address, found, wiring.now)

    def _snapshot(self) -> Snapshot:
        return read_state(self._backend, environment=ENVIRONMENT)

    def _command(self, sandbox: Sandbox, *arguments: str) -> tuple[int, str, str]:
        process = self._start(sandbox, *arguments)
        out, err = self._end(process)
        return process.returncode, out, err

    def _start(self, sandbox: Sandbox, *arguments: str) -> "subprocess.Popen[str]":
        inherited = {name: text for name, text in os.environ.items() if not name.startswith("MSGFLASH_")}
        return subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-m", "msgflash_apply", *arguments],
            cwd=self._folder,
            env={**inherited, "MSGFLASH_BASE_URL": sandbox.url, "MSGFLASH_API_KEY": sandbox.api_key},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def _end(self, process: "subprocess.Popen[str]") -> tuple[str, str]:
        try:
            return process.communicate(timeout=PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            self._violated(f"the command did not end within {PATIENCE_SECONDS} s")
            return process.communicate()

    def _violated(self, what: str) -> None:
        self.tally.violations.append(what)


def run_sequence(seed: int, number: int, strikes: int, *, faults: bool) -> Tally:
    """Run one sequence in a folder of its own, which stays where something was violated."""
    folder = Path(tempfile.mkdtemp(prefix="msgflash-crash-"))
    dice = Random(f"{seed}/{number}")  # noqa: S311 - a repeatable dice, nothing secret
    tally = Sequence(folder, dice, faults=faults).run(strikes)
    if tally.violations:
        again = f"python benchmarks/crash.py --seed {seed} --sequence {number}{' --faults' if faults else ''}"
        tally.violations = [f"{what}\n  repo: {folder}\n  again: {again}" for what in tally.violations]
    else:
        shutil.rmtree(folder)
    return tally


def table(tally: Tally, seconds: float) -> Iterator[str]:
    """Write what was counted, a line each."""
    yield f"runs struck                     {tally.runs}"
    for phase in PHASES:
        yield f"  {phase:<28}  {tally.phases[phase]}"
    yield f"campaigns created               {tally.created}"
    yield f"came into doubt                 {tally.doubts}"
    yield f"  of these on the server        {tally.doubts_created}"
    yield f"  most by one strike            {tally.most_doubts}, of at most {IN_FLIGHT} in flight"
    yield f"duplicates                      {tally.duplicates}"
    yield f"lost                            {tally.lost}"
    yield f"violations                      {len(tally.violations)}"
    yield f"wall time                       {seconds:.0f} s"


def main(arguments: list[str]) -> int:
    """Run as told; returns the exit code."""
    parser = argparse.ArgumentParser(description="Kill the real command at random times and count.")
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--faults", action="store_true", help="also signals, and a server that breaks answers")
    parser.add_argument("--sequence", type=int, help="only this one, to repeat a violation")
    parser.add_argument("--workers", type=int, default=2, help="sequences side by side")
    options = parser.parse_args(arguments)
    bounds = [*range(0, options.runs, RUNS_IN_A_SEQUENCE), options.runs]
    sizes = {number: high - low for number, (low, high) in enumerate(pairwise(bounds))}
    if options.sequence is not None:
        sizes = {options.sequence: RUNS_IN_A_SEQUENCE}
    began_at, tally = time.monotonic(), Tally()
    with ThreadPoolExecutor(options.workers) as pool:
        one = partial(run_sequence, options.seed, faults=options.faults)
        for counted in pool.map(one, sizes, sizes.values()):
            tally.add(counted)
    for violation in tally.violations:
        sys.stderr.write(f"VIOLATED: {violation}\n\n")
    sys.stdout.write("\n".join(table(tally, time.monotonic() - began_at)) + "\n")
    return 1 if tally.violations else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
