"""States for tests: a local one in a folder, and runs on it with everything that does not matter filled in."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from msgflash_apply.campaign import Address, Facts, Intent
from msgflash_apply.state.backends.backend import StoreBackend
from msgflash_apply.state.backends.base import Backend, Holder
from msgflash_apply.state.backends.local import LocalStore
from msgflash_apply.state.journal import Created, Entry, Intended
from msgflash_apply.state.ledger import Ledger, init_state, open_ledger
from msgflash_apply.state.lock import Claim
from tests.support.builders import NOW, a_payload, some_facts

ENVIRONMENT = "default"
LINEAGE = "5f0c8a3e-3c52-4c7e-9d59-5d2f3a6b7c8d"


class LocalBackend(StoreBackend):
    """A state in a folder, by the path of its document."""

    def __init__(self, path: Path) -> None:
        super().__init__(LocalStore(path))


def a_backend(folder: Path) -> LocalBackend:
    """Build a client of the state in a folder; two of them are two processes as far as the state can tell."""
    return LocalBackend(folder / "default.json")


def a_store(folder: Path) -> LocalStore:
    """Build a client of the same state's store: the bytes as they are."""
    return LocalStore(folder / "default.json")


def a_state(folder: Path) -> LocalBackend:
    """Make an empty state."""
    backend = a_backend(folder)
    init_state(backend, environment=ENVIRONMENT, lineage=LINEAGE)
    return backend


def a_holder(lock_id: str = "run-1", *, host: str = "here") -> Holder:
    """Build somebody who wants the lock."""
    return Holder(lock_id, "ada", host, 4711, "msgflash-apply apply", NOW)


def a_run(
    backend: Backend,
    lock_id: str = "run-1",
    *,
    environment: str = ENVIRONMENT,
    lock_timeout_seconds: float = 0,
    sleep: Callable[[float], None] | None = None,
) -> AbstractContextManager[Ledger]:
    """Open a ledger; by default it does not wait for the lock."""
    return open_ledger(
        backend, Claim(environment, a_holder(lock_id), lambda: NOW, lock_timeout_seconds, sleep or _never)
    )


def intended(address: str = "sale", *, run: str = "run-1", attempt: int = 1, facts: Facts | None = None) -> Intended:
    """Announce a create."""
    return Intended(Address(address), Intent(run, attempt, NOW, facts or some_facts(a_payload(name=address))))


def created(address: str = "sale", identifier: str | None = None, at: datetime = NOW) -> Created:
    """Tell that the create made a campaign, a second after it was announced."""
    return Created(Address(address), identifier or f"id-{address}", "scheduled", at + timedelta(seconds=1))


def a_run_that_ends(error: BaseException, backend: Backend, *entries: Entry, lock_id: str = "run-1") -> None:
    """Append entries in a run that then raises."""
    with a_run(backend, lock_id) as ledger:
        ledger.append(*entries)
        raise error


def take_the_lock_away(backend: Backend) -> None:
    """Do what a person does who knows that the holder is dead: where its lease has not run out, nothing else helps."""
    holder = backend.holder()
    if holder is not None:
        backend.break_lock(holder.lock_id)


def age_doubts(backend: Backend) -> None:
    """Make every create in doubt an hour older, as if a person had waited before saying anything about it."""

    def older(intent: Intent) -> Intent:
        hour = timedelta(hours=1)
        return replace(intent, announced_at=intent.announced_at - hour, send_before=intent.last_sent_at - hour)

    with a_run(backend, "passing-time") as ledger:
        snapshot = ledger.snapshot
        doubts = {address: older(intent) for address, intent in snapshot.in_doubt.items()}
        ledger.replace(replace(snapshot, in_doubt=doubts))


def _never(seconds: float) -> None:
    raise AssertionError(f"nobody asked to wait, least of all for {seconds} s")
