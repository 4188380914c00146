"""The lock in a bucket: a lease that is renewed, runs out, is taken over, and is found lost."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from msgflash_apply.errors import BackendError, StateError, StateLocked
from msgflash_apply.state.backends.base import Backend
from msgflash_apply.state.backends.object_store.lock import Terms
from tests.support.buckets import Bucket, a_bucket, once
from tests.support.command import wait_until
from tests.support.states import a_holder
from tests.support.stores.gcs_server import Request, error

RENEWED_AT_ONCE = Terms(renew_seconds=0.01)


@pytest.fixture
def bucket(tmp_path: Path) -> Iterator[Bucket]:
    """Serve an empty bucket."""
    with a_bucket(tmp_path) as serving:
        yield serving


def renewals(bucket: Bucket) -> int:
    """Count the requests that wrote the lock."""
    return sum(seen.method == "PUT" and seen.key.endswith("lock.json") for seen in bucket.server.seen)


def test_lock_says_who_and_for_how_long(bucket: Bucket) -> None:
    """The lock's object can be read by people: who holds it, and how long it lasts; then that it is free."""
    client = bucket.client()
    client.lock(a_holder())
    held = json.loads(bucket.objects().read("lock.json").data)  # type: ignore[union-attr] # it was just written

    client.unlock("run-1")

    freed = json.loads(bucket.objects().read("lock.json").data)  # type: ignore[union-attr] # likewise
    assert (held["holder"]["who"], held["lease_seconds"]) == ("ada", 60.0)
    assert freed["free"] is True


def test_abandoned_lock_is_taken_over(bucket: Bucket) -> None:
    """A lock that nobody renewed for its lease and a minute of grace is taken, whatever the time is here."""
    bucket.client().lock(a_holder("run-1"))
    bucket.server.backdate("lock.json", timedelta(seconds=122))
    other = bucket.client()

    other.lock(a_holder("run-2"))

    assert other.holder() == a_holder("run-2")
    other.unlock("run-2")


def test_lock_in_its_grace_says_when(bucket: Bucket) -> None:
    """A lock whose lease has just run out is refused, with the time that is left."""
    bucket.client().lock(a_holder("run-1"))
    bucket.server.backdate("lock.json", timedelta(seconds=80))

    with pytest.raises(StateLocked, match=r"in (39|40|41) seconds it can be taken over") as caught:
        bucket.client().lock(a_holder("run-2"))

    assert "state unlock run-1" in caught.value.fix


def test_clock_here_takes_no_lock(bucket: Bucket) -> None:
    """A client whose own clock runs ahead asks the store again before it takes a lock over, and is refused."""
    bucket.client().lock(a_holder("run-1"))
    other = bucket.client()
    with pytest.raises(StateLocked):
        other.lock(a_holder("run-2"))
    bucket.clock.seconds += 10_000

    with pytest.raises(StateLocked):
        other.lock(a_holder("run-2"))

    assert other.holder() == a_holder("run-1")


def test_lock_that_was_taken_in_between_is_refused(bucket: Bucket) -> None:
    """Of two clients that both found the lock free one gets it."""
    quick = bucket.client()
    bucket.server.answer = once("PUT", "/lock.json", lambda _request: quick.lock(a_holder("run-1")))

    with pytest.raises(StateLocked, match="held by ada"):
        bucket.client().lock(a_holder("run-2"))

    assert quick.holder() == a_holder("run-1")


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"{",
        b'{"holder": {"who": "ada"}, "lease_seconds": 60}',
        b'{"holder": {"since": 7}}',
        b"[" * 200_000,
    ],
)
def test_unreadable_lock_is_never_taken_over(bucket: Bucket, text: bytes) -> None:
    """A lock that cannot be read is somebody's, for ever, until a person breaks it."""
    bucket.objects().put("lock.json", text, expected=None)
    bucket.server.backdate("lock.json", timedelta(days=400))
    client = bucket.client()

    with pytest.raises(StateLocked, match="held by unknown"):
        client.lock(a_holder("run-2"))

    client.break_lock("unknown")
    assert client.holder() is None


@pytest.mark.parametrize("lease", ["NaN", "-1", "1e300"])
def test_lock_with_a_lease_that_is_none_is_never_taken_over(bucket: Bucket, lease: str) -> None:
    """A lease that is no time at all does not run out."""
    client = bucket.client()
    client.lock(a_holder("run-1"))
    found = bucket.objects().read("lock.json")
    assert found is not None
    _rewrite(bucket, found.data.replace(b"60.0", lease.encode()))
    bucket.server.backdate("lock.json", timedelta(days=400))

    with pytest.raises(StateLocked, match="held by ada"):
        bucket.client().lock(a_holder("run-2"))


def test_held_lock_is_renewed(bucket: Bucket) -> None:
    """A lock is written anew while it is held, each time as another version, and no more once it is given back."""
    client = bucket.client(RENEWED_AT_ONCE)
    client.lock(a_holder("run-1"))
    wait_until(lambda: renewals(bucket) >= 4)

    client.append("run-1", b"first\n")
    client.unlock("run-1")

    after = renewals(bucket)
    assert client.holder() is None
    assert renewals(bucket) == after
    assert len({seen.body for seen in bucket.server.seen if seen.key.endswith("lock.json") and seen.body}) == after


def test_renewal_that_fails_is_tried_again(bucket: Bucket) -> None:
    """A store that is away for a moment costs no lock."""
    client = bucket.client(RENEWED_AT_ONCE)
    client.lock(a_holder("run-1"))
    bucket.server.answer = lambda request: error(403, "AccessDenied") if request.method == "PUT" else None
    before = renewals(bucket)
    wait_until(lambda: renewals(bucket) >= before + 3)
    bucket.server.answer = lambda _request: None

    client.append("run-1", b"first\n")

    assert client.holder() == a_holder("run-1")
    client.unlock("run-1")


def test_lock_that_could_not_be_renewed_is_lost(bucket: Bucket) -> None:
    """After more than its lease without a renewal nothing is written under a lock, and the error says what to do."""
    client = bucket.client()
    client.lock(a_holder("run-1"))
    client.append("run-1", b"first\n")
    bucket.clock.seconds += 61

    for step in (lambda: client.append("run-1", b"second\n"), lambda: client.write(b"one", expected=None)):
        with pytest.raises(BackendError, match="could not be renewed for 61 seconds") as caught:
            step()
        assert caught.value.fix.startswith("Run again")

    assert client.read_journal("run-1") == b"first\n"
    client.unlock("run-1")


def test_broken_lock_is_found_lost(bucket: Bucket) -> None:
    """A run whose lock was broken and taken finds out with its next renewal, and leaves the new lock alone."""
    client, other = bucket.client(RENEWED_AT_ONCE), bucket.client()
    client.lock(a_holder("run-1"))

    other.break_lock("run-1")
    wait_until(lambda: _is_lost(client))

    with pytest.raises(BackendError, match="it was broken or taken over"):
        client.append("run-1", b"second\n")
    other.lock(a_holder("run-2"))
    client.unlock("run-1")
    assert other.holder() == a_holder("run-2")
    other.unlock("run-2")


def test_late_renewal_of_its_own_is_no_loss(bucket: Bucket) -> None:
    """A renewal that came through after it was given up costs a run its patience, and not its lock."""
    client = bucket.client(RENEWED_AT_ONCE)
    client.lock(a_holder("run-1"))

    bucket.server.answer = once("PUT", "/lock.json", lambda request: _rewrite(bucket, request.body + b" "))
    before = renewals(bucket)
    wait_until(lambda: renewals(bucket) >= before + 4)

    client.append("run-1", b"first\n")
    assert client.holder() == a_holder("run-1")
    client.unlock("run-1")
    assert client.holder() is None


def test_breaking_survives_a_renewal(bucket: Bucket) -> None:
    """A lock that is renewed at the moment when it is broken is broken all the same."""
    client, other = bucket.client(), bucket.client()
    client.lock(a_holder("run-1"))

    def renew(_request: Request) -> None:
        found = bucket.objects().read("lock.json")
        assert found is not None
        _rewrite(bucket, found.data + b" ")

    bucket.server.answer = once("PUT", "/lock.json", renew)
    other.break_lock("run-1")

    assert client.holder() is None
    with pytest.raises(StateError, match="it is not locked"):
        other.break_lock("run-1")


def test_lock_of_another_is_not_given_back(bucket: Bucket) -> None:
    """Giving back a lock that is not there, or is somebody else's, changes nothing."""
    client, other = bucket.client(), bucket.client()
    client.unlock("run-0")
    assert bucket.listing() == []
    client.lock(a_holder("run-1"))

    other.unlock("run-2")
    client.unlock("run-2")

    assert other.holder() == a_holder("run-1")


def _rewrite(bucket: Bucket, data: bytes) -> None:
    """Write the lock as somebody who has just read it."""
    objects = bucket.objects()
    found = objects.read("lock.json")
    assert found is not None
    assert objects.put("lock.json", data, expected=found.version) is not None


def _is_lost(client: Backend) -> bool:
    try:
        client.append("run-1", b"first\n")
    except BackendError as err:
        return "The state's lock was lost" in str(err)
    return False
