"""What it takes to open a state, and the lock around it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from msgflash_apply.errors import MsgflashApplyError, StateLocked
from msgflash_apply.state.backends.base import Backend, Holder

_POLL_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Claim:
    """
    Who wants to write to a state.

    Attributes:
        environment: whose state it must be.
        holder: who takes the lock; its `lock_id` names this run's journal, and must never have been used before.
        now: the clock.
        lock_timeout_seconds: how long to wait for the lock; 0 asks once.
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
        StateLocked: somebody else held it all the while.
        BackendError: the storage failed; also when giving the lock back, unless the block raised something itself.
    """
    _lock(backend, claim)
    unlock = partial(backend.unlock, claim.holder.lock_id)
    try:
        yield
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


def _lock(backend: Backend, claim: Claim) -> None:
    waited_seconds = 0.0
    while True:
        try:
            return backend.lock(claim.holder)
        except StateLocked:
            if waited_seconds >= claim.lock_timeout_seconds:
                raise
        pause_seconds = min(_POLL_SECONDS, claim.lock_timeout_seconds - waited_seconds)
        claim.sleep(pause_seconds)
        waited_seconds += pause_seconds
