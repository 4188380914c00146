"""
Moving a state from one place to another. At no moment are two copies of it live, whatever crashes.

Under the locks of both places:

| Step | Source | Target |
|---|---|---|
| before | live, serial n | nothing, or an older marked copy of the same state |
| 1. copy | live, n | marked "the state is at the source", n |
| 2. switch: compare and swap | marked "the state is at the target", n + 1 | marked, n |
| 3. finish | marked, n + 1 | live, n + 2 |

A crash leaves one of these rows. Until the switch the source is live; after it neither is, and both say so. Moving
again goes on from there: a marked copy that is not ahead of the source was never live since, and is overwritten.

The locks are courtesy here too. A run that began before the switch, with a broken lock, has its journal at the source:
step 3 seals every journal there and folds it in before the target goes live, so it announces no create that the target
does not know. A run that begins later is refused by the mark.
"""

from dataclasses import dataclass, replace

from msgflash_apply.errors import BackendError, StateError
from msgflash_apply.state.backends.base import Backend
from msgflash_apply.state.codec import encode
from msgflash_apply.state.commit import commit, has_effect, settle_all, write_copy
from msgflash_apply.state.edits import lost_ids
from msgflash_apply.state.lock import Claim, locked
from msgflash_apply.state.reading import (
    VersionedSnapshot,
    absent,
    load_copy,
    moved_away,
    prove,
    read_document,
    read_unfolded,
)
from msgflash_apply.state.snapshot import Snapshot

_ELSEWHERE = "Nothing was moved. Choose a place where nothing is."


def migrate(source: Backend, target: Backend, claim: Claim) -> Snapshot:
    """
    Move a state, or finish a move that was interrupted; no harm where it is finished already.

    Args:
        source: where the state is; a copy marked as moved stays there.
        target: where it goes: an empty place, or one that it moved away from earlier.
        claim: who moves it; locks both places.

    Returns:
        The state as it is live at the target.

    Raises:
        StateError: both are one place, the target is taken, or the source has moved elsewhere.
        StateMissing, StateDamaged: there is no state at the source, or it or what is at the target cannot be proven.
        StateLocked: a run is at work at one of them.
        StateConflict: the source changed under the lock; it is still live.
        BackendError: a storage failed, or what was written reads back differently. Moving again goes on.
    """
    move = _Move(source, target, claim.environment)
    read_document(source)  # A state that is not there has no folder for a lock.
    with locked(source, claim):
        move.check_apart(claim.holder.lock_id)
        found = settle_all(source, claim.environment)
        if found.snapshot.moved is None:
            move.put_first(found.snapshot)
        else:
            move.check_continues(found.snapshot.moved)
        with locked(target, claim):  # Only now: a place where nothing is may have no room for a lock.
            if found.snapshot.moved is None:
                move.copy(found.snapshot)
                move.switch(found)
            return move.finish()


@dataclass(frozen=True, slots=True)
class _Move:
    """The steps, in the order in which they are taken."""

    source: Backend
    target: Backend
    environment: str

    def check_apart(self, lock_id: str) -> None:
        """Refuse one place, under whatever names: the lock just taken at the source shows at the target."""
        holder = self.target.holder()
        if holder is not None and holder.lock_id == lock_id:
            detail = f"{self.target.url} is where the state is already, or shares its lock with {self.source.url}."
            raise StateError("A state cannot move to where it is.", detail, _ELSEWHERE)

    def put_first(self, live: Snapshot) -> None:
        """Step 1 where nothing is yet: the document comes first, for it makes the room for a lock."""
        if self.target.read() is None:
            if self.target.remains():
                raise absent(self.target)
            write_copy(self.target, None, self._copy_of(live))

    def copy(self, live: Snapshot) -> None:
        """Step 1: make the target a marked copy, whether it is one already, is outdated, or was just made."""
        copy = self._copy_of(live)
        there = load_copy(self.target, self.environment)
        if there.snapshot != copy:
            self._check_outdated(there.snapshot, live)
            write_copy(self.target, there, copy)
        self._check_arrived(copy, "Nothing was moved: the state is where it was. Repair that storage, then move again.")

    def switch(self, found: VersionedSnapshot) -> None:
        """Step 2: mark the source. From here on there is no way back but to finish, and to move again."""
        commit(self.source, found, replace(found.snapshot, moved=self.target.url), found.snapshot.journal)

    def check_continues(self, place: str) -> None:
        """Of a source that has moved: check that it moved to the target, and that something is there."""
        if place != self.target.url:
            raise moved_away(self.source.url, place)
        if self.target.read() is None:
            raise StateError(
                "The state has moved, and is not where it went.",
                f"{self.source.url}: it moved to {place!r}, and nothing is there.",
                "Restore it there from a backup. Only if it is lost for good, go on elsewhere, from the copy that "
                "it left here:\n"
                "    msgflash-apply state pull --moved > copy.json\n"
                "    MSGFLASH_STATE=... msgflash-apply state push --force copy.json",
            )

    def finish(self) -> Snapshot:
        """Step 3: make the target live, with all that any run has written at the source before it was marked."""
        last = settle_all(self.source, self.environment).snapshot
        there = load_copy(self.target, self.environment)
        if there.snapshot.moved is None and there.snapshot.lineage == last.lineage:
            return there.snapshot
        self._check_outdated(there.snapshot, last)
        live = commit(self.target, there, replace(last, moved=None), None).snapshot
        self._check_arrived(
            live, f"The marked copy at {self.source.url} has all of it. Repair that storage, then look."
        )
        return live

    def _copy_of(self, live: Snapshot) -> Snapshot:
        return replace(live, moved=self.source.url, journal=None)

    def _check_outdated(self, there: Snapshot, ours: Snapshot) -> None:
        """Check that what is at the target may be overwritten: a marked copy, in which there is nothing of its own."""
        objection = self._objection(there, ours)
        if objection:
            raise StateError("That place is taken.", f"{self.target.url}: {objection}.", _ELSEWHERE)

    def _objection(self, there: Snapshot, ours: Snapshot) -> str:
        if there.lineage != ours.lineage:
            return f"another state is there, of lineage {there.lineage}; this one is of lineage {ours.lineage}"
        if there.moved is None:
            return "this very state is there, under another name, or a copy of it that is not marked as moved"
        if there.serial > ours.serial:
            return (
                f"the copy there is at serial {there.serial}, ahead of {ours.serial} here: the state was there last. "
                f"If its move to {self.source.url} was interrupted, finish that one, from there"
            )
        if lost := lost_ids(there, ours):
            return f"the copy there knows campaigns that are not in this state: {', '.join(lost)}"
        unfolded = read_unfolded(self.target, there)
        strange = [journal for journal, entries in unfolded.items() if has_effect(entries)]
        return f"there are journals that were never folded in: {', '.join(strange)}" if strange else ""

    def _check_arrived(self, written: Snapshot, remedy: str) -> None:
        """Read the target back: byte for byte what was written, and the same state once it is decoded."""
        stored = read_document(self.target)
        is_equal = stored.document == encode(written)
        if not is_equal or prove(stored, where=self.target.url, environment=self.environment).snapshot != written:
            detail = f"{self.target.url}: what was read back differs from what was written there."
            raise BackendError("The state did not arrive as it was sent.", detail, remedy)
