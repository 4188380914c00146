"""One account, one repo, one state, and the runs on it that are struck one after the other."""

import asyncio
import os
import signal
import subprocess
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Final

from benchmarks.crashing.account import Remote, writes_in
from benchmarks.crashing.files import Files
from benchmarks.crashing.strikes import Kind, Strike, a_strike
from benchmarks.crashing.tally import Tally
from benchmarks.crashing.watch import ENVIRONMENT, watch
from msgflash_apply.api.access import Access
from msgflash_apply.api.client import Client
from msgflash_apply.api.limiter import Limiter
from msgflash_apply.apply.loop import IN_FLIGHT, most_in_flight
from msgflash_apply.campaign import Address, Intent
from msgflash_apply.cli import wiring
from msgflash_apply.operations.resolve import resolve_created, resolve_not_created
from msgflash_apply.sandbox.server import Options, Sandbox
from msgflash_apply.state.commit import init_state
from msgflash_apply.state.ledger import open_ledger, read_state
from msgflash_apply.state.lock import Claim
from msgflash_apply.state.snapshot import Snapshot
from tests.support.command import IN_SECONDS, PROGRAM, SURE_AFTER_SECONDS
from tests.support.states import age_doubts, take_the_lock_away
from tests.support.stores import Server

RESOLVED_BY_COMMAND: Final = 2
"""Of the doubts of a sequence; the others are resolved in this process, which takes less than a second."""

AN_HOUR: Final = timedelta(hours=1)
"""A person looks at a doubt so much later: before, nobody may say that nothing was created."""

PATIENCE_SECONDS: Final = 60.0
GRACE_SECONDS: Final = 1.0
"""How long a create may take from the journal to the server and its answer back, beyond the latency: a busy machine."""

APPEND_SECONDS: Final = 0.5
"""Of an append to a journal on a server, on a busy machine."""

ROUNDS: Final = 6
"""Of plan and apply until nothing is left to do: a pause may have to come before a replace, and a doubt before both."""

GOOD_CODES: Final = frozenset({0, 3, 130, 143, -signal.SIGKILL, -signal.SIGINT, -signal.SIGTERM})


@dataclass(frozen=True)
class Store:
    """Where the states of a run are kept: a kind of `tests.support.stores`, and its server."""

    kind: str
    server: Server


class Sequence:
    """One account, one repo, one state, and the runs on it."""

    def __init__(self, folder: Path, store: Store, dice: Random, kind: Kind) -> None:
        self.tally = Tally()
        self._folder = folder
        self._dice = dice
        self._kind = kind
        self._program = PROGRAM if kind != "fences" else IN_SECONDS
        self._latency_seconds = dice.uniform(0.05, 0.2)
        self._jitter_seconds = dice.choice((0.0, 0.03, 0.08))
        self._rate = dice.choice((30, 60, 100))
        self._files = Files(folder, dice)
        self._place = store.server.place(folder)
        self._watch = watch(store.kind, self._place)
        self._appends = self._watch.backend.appends
        self.tally.in_flight = most_in_flight(self._appends)

    def run(self, strikes: int) -> Tally:
        """Strike so many runs, come to the end undisturbed, and tell what was counted."""
        options = Options(requests_per_second=0, latency_seconds=self._latency_seconds)
        with Sandbox(options) as sandbox:
            self._prepare()
            is_undisturbed_first = self._dice.random() < 0.6
            if is_undisturbed_first:
                self._check_process(*self._command(sandbox, "apply", "--auto-approve")[::2])
            for number in range(strikes):
                # Also on the same files: whoever is interrupted runs the same command again.
                if (number or is_undisturbed_first) and self._dice.random() < 0.8:
                    self._files.edit(self._snapshot())
                    self._files.write()
                self._strike(sandbox)
            self._finish(sandbox)
            remote, snapshot = Remote.of(sandbox), self._snapshot()
            wrong = remote.in_wrong_status(snapshot, self._files.wanted())
            self.tally.created = len(remote.payloads)
            self.tally.duplicates = len(remote.duplicates())
            self.tally.lost = len(remote.lost(snapshot))
            self.tally.wrong = len(wrong)
            self.tally.templates = len(remote.templates)
            if other := remote.not_as_written(snapshot, self._files.words()):
                self.tally.other_words = len(other)
                self._violated(f"at the end, with other words than written: {', '.join(other)}")
            if wrong or remote.markers != 1:
                self._violated(f"at the end: {remote.markers} markers, in the wrong status: {', '.join(wrong)}")
        return self.tally

    def _prepare(self) -> None:
        project = f"version: 1\napi: {{requests_per_second: {self._rate}}}\npolicy: {{max_retires: 100%}}\n"
        (self._folder / "msgflash.yaml").write_text(project, encoding="utf-8")
        self._files.write()
        lineage = str(uuid.UUID(int=self._dice.getrandbits(128)))
        init_state(self._place.client(), environment=ENVIRONMENT, lineage=lineage)

    def _draw_a_strike(self, requests: int) -> Strike:
        """Choose when to strike, from how long an undisturbed run would send: at the slower of rate and latency."""
        slowest = self._latency_seconds + self._jitter_seconds + self._appends.every_seconds
        sending_seconds = max(requests / self._rate, requests / IN_FLIGHT * slowest) + slowest
        return a_strike(self._dice, sending_seconds, self._watch.commit_seconds, self._kind)

    def _strike(self, sandbox: Sandbox) -> None:
        before = self._snapshot()
        strike = self._draw_a_strike(self._files.requests_for(before))
        self._arm(sandbox, strike)
        self._watch.begin()
        seen, folded = len(sandbox.requests), self._watch.journal_folded_last()
        process = self._start(sandbox, "apply", "--auto-approve")
        struck_at, was_over = self._hit(process, sandbox, strike, seen)
        err = "" if self._kind == "fences" else self._end(process)[1]
        sandbox.clear_faults()
        time.sleep(self._latency_seconds + self._jitter_seconds + 0.05)  # what was in flight arrives
        self.tally.runs += 1
        self.tally.writes.update(writes_in(sandbox.requests[seen:]))
        self.tally.phases[self._watch.phase(process.pid, folded, was_over=was_over)] += 1
        after, former = self._snapshot(), {intent.run for intent in before.in_doubt.values()}
        self._check_in_flight([intent for intent in after.in_doubt.values() if intent.run not in former], struck_at)
        unsettled = [record for record in after.campaigns.values() if record.is_unsettled]
        self.tally.unsettled.update(str(record.effect) for record in unsettled)
        if self._kind == "fences":
            err = self._take_over(sandbox, process)
        self._check_process(process.returncode, err)
        self._check_promises(sandbox)
        self._free_the_lock(sandbox)

    def _take_over(self, sandbox: Sandbox, sleeper: "subprocess.Popen[str]") -> str:
        """Let another run do what other files want while one sleeps, wake that one, and bring in what it knows."""
        while sleeper.poll() is None and self._watch.is_amid_a_step():
            sleeper.send_signal(signal.SIGCONT)
            time.sleep(self._watch.poll_seconds)
            sleeper.send_signal(signal.SIGSTOP)
            self.tally.amid_steps += 1
        holder = self._watch.holder()
        if holder is not None:
            self._must_succeed(sandbox, "state", "unlock", holder.lock_id, "--force")
        time.sleep(SURE_AFTER_SECONDS)
        self._resolve(sandbox)
        self._files.edit(self._snapshot())
        self._files.write()
        self._must_succeed(sandbox, "apply", "--auto-approve")
        self._check_promises(sandbox)
        sleeper.send_signal(signal.SIGCONT)
        _, err = self._end(sleeper)
        for file in self._folder.glob("msgflash-recovery-*.jsonl"):
            self._must_succeed(sandbox, "state", "recover", file.name)
            file.unlink()
        return err

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
        is_due = self._moment(strike.aim, process.pid, lambda: any(writes_in(sandbox.requests[seen:])))
        pause = self._watch.commit_poll_seconds if strike.aim == "commit" else self._watch.poll_seconds
        while process.poll() is None and not is_due():
            time.sleep(pause)
        time.sleep(strike.delay_seconds)
        struck_at, was_over = datetime.now(UTC), process.poll() is not None
        for number in strike.signals:
            process.send_signal(number)
            if number != strike.signals[-1]:
                time.sleep(strike.gap_seconds)
        return struck_at, was_over

    def _moment(self, aim: str, pid: int, sent: Callable[[], bool]) -> Callable[[], bool]:
        """Give the look that tells that the moment has come from which a strike's delay counts."""
        moments: dict[str, Callable[[], bool]] = {
            "start": lambda: True,
            "lock": lambda: self._watch.holds_lock(pid),
            "send": sent,
            "commit": self._watch.is_committing,
        }
        return moments[aim]

    def _free_the_lock(self, sandbox: Sandbox) -> None:
        """Take a dead run's lock away, as a person would; where it died with its holder, the next run takes it."""
        holder = None if self._watch.backend.lock_dies_with_its_holder else self._watch.holder()
        if holder is not None:
            self._must_succeed(sandbox, "state", "unlock", holder.lock_id)

    def _check_process(self, code: int, err: str) -> None:
        if "Traceback" in err or "a bug in" in err:
            self._violated(f"the command showed a traceback:\n{err}")
        if code not in GOOD_CODES and not (self._kind == "fences" and code == 1):
            self._violated(f"the command ended with {code}:\n{err}")

    def _check_in_flight(self, new: list[Intent], struck_at: datetime) -> None:
        """Only a create whose answer was on its way may have come into doubt, or one whose answer a fault broke."""
        self.tally.doubts += len(new)
        self.tally.most_doubts = max(self.tally.most_doubts, len(new))
        if self._kind == "faults":
            return
        # An intent may wait for the append that carries it, and the outcome for the next one.
        waits = 2 * (self._appends.every_seconds + APPEND_SECONDS) + self._appends.ahead / self._rate
        longest = timedelta(seconds=self._latency_seconds + self._jitter_seconds + GRACE_SECONDS + waits)
        late = [intent for intent in new if intent.announced_at < struck_at - longest]
        if late or len(new) > self.tally.in_flight:
            self._violated(f"{len(new)} came into doubt, {len(late)} of them announced more than {longest} before")

    def _check_promises(self, sandbox: Sandbox) -> None:
        remote, snapshot = Remote.of(sandbox), self._snapshot()
        for what, found in (
            ("created twice", remote.duplicates()),
            ("lost", remote.lost(snapshot)),
            ("recorded, and not on the server as recorded", remote.strangers(snapshot)),
            ("with another status than on record", remote.mistaken(snapshot)),
            ("with other words than approved", remote.in_other_words(snapshot)),
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
            word = ("--not-created", "--yes") if found is None else ("--created", found)
            if found is None and self._kind != "fences":
                take_the_lock_away(self._place.client())  # of a dead run: time passes on another host here
                age_doubts(self._place.client())
            self._must_succeed(sandbox, "resolve", address, *word)
        if doubts:
            asyncio.run(self._resolve_here(sandbox, doubts))

    async def _resolve_here(self, sandbox: Sandbox, doubts: dict[Address, str | None]) -> None:
        limiter = Limiter(0, jitter=self._dice.random)
        claim = Claim(ENVIRONMENT, wiring.holder("resolve"), wiring.now, PATIENCE_SECONDS)
        with open_ledger(self._place.client(), claim) as ledger:
            async with Client(Access(sandbox.url, sandbox.api_key), limiter, jitter=self._dice.random) as client:
                for address, found in doubts.items():
                    if found is None:
                        resolve_not_created(ledger, address, lambda: wiring.now() + AN_HOUR)
                    else:
                        await resolve_created(ledger, client, address, found, wiring.now)

    def _snapshot(self) -> Snapshot:
        return read_state(self._watch.backend, environment=ENVIRONMENT)

    def _must_succeed(self, sandbox: Sandbox, *arguments: str) -> None:
        code, out, err = self._command(sandbox, *arguments)
        if code:
            waits = "\n".join(line for line in out.splitlines() if "blocked" in line or "warning" in line)
            self._violated(f"{' '.join(arguments)} ended with {code}:\n{err}{waits}")

    def _command(self, sandbox: Sandbox, *arguments: str) -> tuple[int, str, str]:
        process = self._start(sandbox, *arguments)
        out, err = self._end(process)
        return process.returncode, out, err

    def _start(self, sandbox: Sandbox, *arguments: str) -> "subprocess.Popen[str]":
        inherited = {name: text for name, text in os.environ.items() if not name.startswith("MSGFLASH_")}
        account = {"MSGFLASH_BASE_URL": sandbox.url, "MSGFLASH_API_KEY": sandbox.api_key}
        return subprocess.Popen(  # noqa: S603 - our own command
            [*self._program, *arguments],
            cwd=self._folder,
            env={**inherited, **account, **self._place.environ, "MSGFLASH_STATE": self._place.url},
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
