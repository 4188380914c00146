"""
The ledger: lock, load, append, commit. Every run that writes to a state opens one.

    with open_ledger(backend, Claim(environment, holder, now)) as ledger:
        ledger.append(Intended(..))     # durable: now the create may be sent
        ledger.append(Created(..))      # durable: now it may be reported

Leaving the block folds the journal into the document, under the next serial. A crash anywhere leaves a journal that the
next run folds in. The rules that make this safe are in the docstring of this package.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Self

from msgflash_apply.campaign import Address
from msgflash_apply.errors import BackendError, MsgflashApplyError, StateConflict, StateError, StorageSilent
from msgflash_apply.state.backends.base import Appends, Backend
from msgflash_apply.state.codec import encode_entries
from msgflash_apply.state.commit import commit, init_state, settle
from msgflash_apply.state.journal import Entry, Opened, Outcome
from msgflash_apply.state.lock import Claim, locked, note_failure
from msgflash_apply.state.reading import VersionedSnapshot, load, parse, read_document, read_state, read_unfolded
from msgflash_apply.state.replay import Draft, Slot, merge_into
from msgflash_apply.state.snapshot import Snapshot

__all__ = ["Claim", "Ledger", "init_state", "open_ledger", "read_state"]


@contextmanager
def open_ledger(backend: Backend, claim: Claim) -> Iterator["Ledger"]:
    """
    Take the lock, fold in what dead runs left, and give the ledger; commit and unlock at the end.

    Ends with a commit also when the block raises an Exception. It does not on KeyboardInterrupt and its like: the
    journal stays, and what is open in it is in doubt.

    Raises:
        StateLocked: another run held the lock for the whole timeout.
        StateMissing, StateDamaged, StateError: as for `read_state`.
        BackendError: the storage failed. When it is the commit that fails, every entry is in the journal still.
    """
    read_document(backend)  # A state that is not there has no folder for a lock, and no need of one.
    with locked(backend, claim), _begin(backend, claim) as ledger:
        yield ledger


class Ledger:
    """
    The state during one run; made by `open_ledger`, used by one thread at a time.

    Attributes:
        head: how this run's journal begins; a recovery file begins the same.
    """

    def __init__(self, backend: Backend, base: VersionedSnapshot, head: Opened) -> None:
        self.head = head
        self._backend = backend
        self._base = base
        self._draft = Draft(base.snapshot)
        self._touched: set[Address] = set()
        self._entries: list[Entry] = []
        self._unsaved: list[Outcome] = []
        self._warnings: list[str] = []
        self._failure: BackendError | None = None
        self._is_committed = False

    @property
    def appends(self) -> Appends:
        """How the storage wants its journal to be written."""
        return self._backend.appends

    @property
    def snapshot(self) -> Snapshot:
        """A copy of the state with all that is durable; copying takes time, so take one per step, not per campaign."""
        return self._draft.snapshot()

    @property
    def unsaved(self) -> tuple[Outcome, ...]:
        """Outcomes that the storage refused, in order: known to this process alone, until a commit takes them in."""
        return tuple(self._unsaved)

    @property
    def endangered(self) -> tuple[Entry, ...]:
        """
        What must be kept elsewhere after a commit that failed: what is unsaved, and what the journal has lost.

        The latter, because the state's folder may come back from a backup that is older than this run; and only then,
        because a disk that is full has little room for it.
        """
        if isinstance(self._failure, StorageSilent):  # nor would it answer now
            return (*self._entries, *self._unsaved)
        try:
            written = self._backend.read_journal(self.head.journal) or b""
        except (BackendError, StateError):  # the latter: it is encrypted, and not as this run wrote it
            written = b""
        is_in_journal = written.startswith(encode_entries([self.head, *self._entries], first=0))
        return (*(() if is_in_journal else self._entries), *self._unsaved)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should look at after the commit; usually empty."""
        return tuple(self._warnings)

    def slot(self, address: Address) -> Slot:
        """Look up one address: its record, its open intent, its history."""
        return self._draft.slot(address)

    def append(self, *entries: Entry) -> None:
        """
        Write entries to the journal. Durable on return, at the same cost however many campaigns there are.

        Raises:
            BackendError: the storage refused, now or earlier in this run, or another run took over. Nothing of it
                holds: an intent must not be sent. Outcomes stay in `unsaved`.
            StateDamaged: an entry does not fit the state, such as an outcome of a create that was never announced;
                nothing was written.
            StateError: this ledger was committed.
        """
        if self._is_committed:
            raise StateError("The ledger is closed.", "It was committed, and takes no more entries.")
        if self._failure is not None:
            self._keep(entries)
            raise BackendError(self._failure.summary, self._failure.detail, self._failure.fix) from self._failure
        changed = self._draft.preview(entries)
        try:
            self._backend.append(self.head.journal, encode_entries(entries, first=1 + len(self._entries)))
        except BackendError as err:
            self._failure = err
            self._keep(entries)
            raise
        self._entries += entries
        self._touched.update(changed)
        self._draft.put(changed)
        self._draft.keep(entries)

    def give_up(self, entries: Sequence[Entry] = ()) -> StorageSilent:
        """
        Take no more entries and commit nothing: the storage did not answer in time.

        Args:
            entries: whose append has no answer. They may be durable, or become so; their outcomes are in `unsaved`.
        """
        self._failure = StorageSilent(
            "The state's storage does not answer.",
            f"{self._backend.url}: what was written last may still take effect, so the lock was not given back.",
        )
        self._keep(entries)
        return self._failure

    def commit(self) -> None:
        """
        Fold the journal into the document under the next serial. The ledger takes no more entries then.

        Nothing appended means nothing written: the serial stays. Entries in `unsaved` are taken in too, unless
        another run took over: then they stay there. May be called again after an error, and does nothing after success.

        Raises:
            BackendError: the storage failed; the journal keeps what was durable.
            StateConflict: another state, of another lineage, is there now; the journal stays.
        """
        if self._is_committed:
            return
        if isinstance(self._failure, StorageSilent):
            raise self._failure
        if self._entries or self._unsaved:
            ours = Draft(self._draft.snapshot())
            late = ours.preview(self._unsaved)
            ours.put(late)
            self._touched.update(late)
            try:
                self._end(commit(self._backend, self._base, ours.snapshot(), self.head.journal))
            except StateConflict:
                self._commit_onto_theirs(ours)
        else:
            self._backend.drop(self.head.journal)
        self._is_committed = True

    def replace(self, snapshot: Snapshot) -> None:
        """
        Replace this state by another one, under a serial that is ahead of both. Ends this ledger.

        Args:
            snapshot: of this environment; what it lacks is lost here, so callers have compared the two.

        Raises:
            StateConflict: another run wrote the document meanwhile; nothing was changed.
            StateError: this ledger has entries, or was committed.
            BackendError: the storage failed.
        """
        if self._is_committed or self._entries:
            raise StateError("The state cannot be replaced now.", "This run has written to it already.")
        self._end(commit(self._backend, self._base, snapshot, self.head.journal))
        self._is_committed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> None:
        if error is None:
            try:
                self.commit()
            except KeyboardInterrupt as err:  # it was broken off
                raise self.give_up() from err
        elif isinstance(error, Exception):
            note_failure(self.commit, error)

    def _keep(self, entries: Sequence[Entry]) -> None:
        self._unsaved += [entry for entry in entries if isinstance(entry, Outcome)]

    def _commit_onto_theirs(self, ours: Draft) -> None:
        """Merge ours into a document that another run wrote meanwhile; no campaign of either is lost."""
        while True:
            theirs = load(self._backend, self.head.environment)
            if theirs.snapshot.lineage != self.head.lineage:
                raise StateConflict(
                    "Another state is in the place of this one.",
                    f"{self._backend.url}: its lineage is {theirs.snapshot.lineage}, not {self.head.lineage}.",
                    "Restore the former state; the journal beside it holds what this run did.",
                )
            if theirs.snapshot.journal == self.head.journal or self.head.journal not in self._backend.journals():
                self._accept_theirs(theirs, ours)
                return
            draft = Draft(theirs.snapshot)
            warnings = merge_into(draft, base=Draft(self._base.snapshot), ours=ours, touched=self._touched)
            with suppress(StateConflict):
                self._end(commit(self._backend, theirs, draft.snapshot(), self.head.journal))
                self._warnings += warnings
                return

    def _accept_theirs(self, theirs: VersionedSnapshot, ours: Draft) -> None:
        """Leave the document as it is: our own write came through after all, or a run that sealed us folded us in."""
        draft = Draft(theirs.snapshot)
        if all(draft.slot(address) == ours.slot(address) for address in self._touched):
            self._end(theirs)
        else:
            self._warnings.append(f"{self._backend.url}: another run took over the state during this one.")

    def _end(self, committed: VersionedSnapshot) -> None:
        self._base = committed
        self._draft = Draft(committed.snapshot)
        self._unsaved.clear()


def _begin(backend: Backend, claim: Claim) -> Ledger:
    """Begin this run's journal, and only then seal all others: of two runs, the one that does both last can write."""
    environment, journal = claim.environment, claim.holder.lock_id
    found = load(backend, environment)
    head = Opened(journal, found.snapshot.lineage, found.snapshot.serial, environment, claim.now())
    backend.append(journal, encode_entries([head], first=0))
    try:
        for other in read_unfolded(backend, found.snapshot):
            if other != journal:
                settle(backend, other, environment)
        # Read again: a run that was still at work may have committed after the first reading.
        stored = read_document(backend)
        base = found if stored.version == found.version else parse(stored, where=backend.url, environment=environment)
    except MsgflashApplyError:
        with suppress(BackendError):
            backend.drop(journal)
        raise
    return Ledger(backend, base, head)
