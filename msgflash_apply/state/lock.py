"""
The lock of a state: taken for the time of one run, and waited for up to a timeout.

When does a lock end? With the run, which gives it back. If the run dies, that depends on the storage:

| Storage | Lock of a dead run |
|---|---|
| a folder | ends with its process; a lock from another host stays |
| PostgreSQL | ends with its session |
| an object store | taken over 120 s after its last renewal: a lease of 60 s, and 60 s of grace (`Terms`) |
| Terraform's HTTP protocol | stays |

A lock that stays is broken by a person: `msgflash-apply state unlock` (`edits.break_lock`). No lock is needed for the
state to be safe: two runs that both believe that they hold it are kept apart by the rules in this package's docstring.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from msgflash_apply.errors import MsgflashApplyError, StateLocked, StorageSilent
from msgflash_apply.state.backends.base import Backend, Holder

_POLL_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Claim:
    """
    Which run wants to write to a state.

    Attributes:
        environment: whose state it must be.
        holder: takes the lock; its `lock_id` names this run's journal, and must never have been used before.
        now: the clock.
        lock_timeout_seconds: how long to wait for the lock; 0 tries once.
        sleep: waits for as many seconds.
    """

    environment: str
    holder: Holder
    now: Callable[[], datetime]
    lock_timeout_seconds: float = 0.0
    sleep: Callable[[float], None] = time.sleep


@contextmanager
def locked(backend: Backend, claim: Claim) -> Iterator[None]:
    """
    Hold the lock of a state for the time of the block.

    Raises:
        StateLocked: another run held it for the whole timeout; names the holder.
        BackendError: the storage failed; also when giving the lock back, unless the block raised something itself.
    """
    waited_seconds = 0.0
    unlock = partial(backend.unlock, claim.holder.lock_id)
    while True:
        try:
            backend.lock(claim.holder)
            break
        except StateLocked:
            if waited_seconds >= claim.lock_timeout_seconds:
                raise
        except (KeyboardInterrupt, RuntimeError) as error:  # broken off, or no thread to be had: it may be taken
            note_failure(unlock, error)
            raise
        pause_seconds = min(_POLL_SECONDS, claim.lock_timeout_seconds - waited_seconds)
        claim.sleep(pause_seconds)
        waited_seconds += pause_seconds
    try:
        yield
    except StorageSilent:  # what was sent to it last must not meet an unlocked state
        raise
    except BaseException as error:
        note_failure(unlock, error)
        raise
    unlock()


def note_failure(step: Callable[[], None], error: BaseException) -> None:
    """Do a step without letting its failure hide the error that is on its way."""
    try:
        step()
    except MsgflashApplyError as failure:
        error.add_note(str(failure))
