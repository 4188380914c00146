"""The lock: an advisory lock of one session, and a row that says whose. It dies with its session."""

from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import Final

from msgflash_apply.errors import BackendError, StateLocked
from msgflash_apply.state.backends.base import Holder, locked, not_the_lock
from msgflash_apply.state.backends.postgres.failures import SessionLost
from msgflash_apply.state.backends.postgres.sessions import Held, Sessions
from msgflash_apply.state.backends.postgres.statements import (
    END_HOLDER,
    GIVE_LOCK_BACK,
    READ_HOLDER,
    REMOVE_LOCK,
    TAKE_LOCK,
)

_END_WAIT_MILLISECONDS: Final = 10_000


@dataclass(frozen=True, slots=True)
class _Taken:
    is_taken: bool
    is_signed: bool
    is_given_back: bool | None


@dataclass(frozen=True, slots=True)
class _Done:
    is_done: bool


@dataclass(frozen=True, slots=True)
class _StillThere:
    session_pid: int


class Lock:
    """The lock of one state, as one backend object sees it."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def take(self, holder: Holder) -> None:
        """
        Take the lock in a session of its own; a row that a dead session left is overwritten.

        Raises:
            StateLocked: a session has it, this object's included.
            BackendError: the server fails, or a proxy lends one session to several clients.
        """
        if self._sessions.held is not None:
            raise locked(self._sessions.url, self._sessions.held.holder)
        with ExitStack() as on_failure:
            session = self._sessions.new_session()
            on_failure.callback(session.close)
            (taken,) = session.rows(_Taken, TAKE_LOCK, {**self._sessions.names, **asdict(holder)})
            if not taken.is_taken:
                raise self._refused()
            if not taken.is_signed:
                raise BackendError(
                    "The state cannot be locked.",
                    f"{self._sessions.url}: this session of the server has the lock for another client already, so a "
                    "proxy lends one session to several.",
                    "Connect to the server itself, or let the proxy pool whole sessions.",
                )
            on_failure.pop_all()
        self._sessions.held = Held(holder, session)

    def give_back(self, lock_id: str) -> None:
        """Give back what this object took. A session that was lost took its lock along: there is nothing left to do."""
        held = self._sessions.held
        if held is None or held.holder.lock_id != lock_id:
            return
        self._sessions.held = None
        try:
            held.session.rows(_Done, GIVE_LOCK_BACK, {**self._sessions.names, "lock_id": lock_id})
        except SessionLost:
            return
        finally:
            held.session.close()

    def holder(self) -> Holder | None:
        """Read who signed last and did not give the lock back, alive or dead."""
        return next(iter(self._sessions.look(Holder, READ_HOLDER)), None)

    def take_away(self, lock_id: str) -> None:
        """
        End the session that has the lock, wait for its end, and remove its row.

        Raises:
            StateError: there is no lock of this id.
            BackendError: this role may not end that session; the lock stays.
        """
        found = self.holder()
        if found is None or found.lock_id != lock_id:
            raise not_the_lock(self._sessions.url, lock_id, found)
        names = {**self._sessions.names, "lock_id": lock_id, "milliseconds": _END_WAIT_MILLISECONDS}
        session = self._sessions.new_session()
        try:
            session.rows(_Done, END_HOLDER, names)
            still = session.rows(_StillThere, REMOVE_LOCK, names)
        finally:
            session.close()
        if still:
            raise BackendError(
                "The lock could not be broken.",
                f"{self._sessions.url}: the session that holds it has not ended; it may belong to another role.",
                f"Let an administrator end it:\n    SELECT pg_terminate_backend({still[0].session_pid});",
            )

    def _refused(self) -> StateLocked:
        found = self.holder()
        if found is not None:
            return locked(self._sessions.url, found)
        return StateLocked(
            "The state is locked.",
            f"{self._sessions.url}: a run is just taking the lock, and has not said yet whose it is.",
            "Try again, or let this one wait with --lock-timeout.",
        )
