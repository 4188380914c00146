"""The document in a bucket, and what the one door to the library makes of a store that fails, lies or is in the way."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from msgflash_apply.errors import BackendError, StateConflict
from tests.support.buckets import Bucket, a_bucket, once
from tests.support.fates import Cut, always, only
from tests.support.proxy import Proxy
from tests.support.states import a_holder
from tests.support.stores.gcs_server import Reply, Request, error


@pytest.fixture
def bucket(tmp_path: Path) -> Iterator[Bucket]:
    """Serve an empty bucket."""
    with a_bucket(tmp_path) as serving:
        yield serving


def test_missing_bucket_is_not_an_absent_state(bucket: Bucket) -> None:
    """A bucket that is not there is an error that says so, whatever is wanted there, and never an empty state."""
    objects = bucket.objects("nowhere")

    for step in (
        lambda: objects.read("state.json"),
        objects.list,
        lambda: objects.put("a", b"1", expected=None),
        lambda: objects.put("a", b"1", expected="7"),
        lambda: objects.delete(["a"]),
    ):
        with pytest.raises(BackendError, match="404 NoSuchBucket") as caught:
            step()
        assert "Make that bucket" in caught.value.fix


def test_404_of_something_else_is_not_absence(bucket: Bucket) -> None:
    """Where a server that is no store says 404, nothing is known about the state."""
    bucket.server.answer = lambda _request: Reply(404, b"<html>not here</html>")

    with pytest.raises(BackendError, match="answered 404") as caught:
        bucket.client().read()

    assert "is not a store of this kind" in caught.value.fix


def test_wrong_token_is_told_without_it(bucket: Bucket) -> None:
    """Credentials that the store refuses are not repeated."""
    with pytest.raises(BackendError, match="401 AuthenticationRequired") as caught:
        bucket.objects(token="c4nary-that-is-wrong").read("state.json")  # noqa: S106 - a secret of the tests' own

    assert "c4nary" not in str(caught.value)
    assert "credentials" in caught.value.fix


@pytest.mark.parametrize("expected", [None, "present"])
def test_write_whose_answer_was_lost_is_found(bucket: Bucket, expected: str | None) -> None:
    """A write that was carried out although the connection broke is a success, and not somebody else's."""
    objects = bucket.objects()
    version = objects.put("a", b"0", expected=None) if expected else None

    def lose(request: Request) -> Reply:
        bucket.server.carry_out(request)
        return Reply(None)

    bucket.server.answer = once("PUT", "/a", lose)

    written = objects.put("a", b"1", expected=version)

    found = objects.read("a")
    assert found is not None
    assert (found.data, found.version) == (b"1", written)


@pytest.mark.parametrize("expected", [None, "present"])
def test_write_that_did_not_arrive_is_sent_again(bucket: Bucket, expected: str | None) -> None:
    """A connection that breaks before the store got the write ends nothing: it is sent again once that is certain."""
    with Proxy(bucket.server.port) as proxy:
        bucket.server.port = proxy.port  # as its clients see it
        objects = bucket.objects()
        version = objects.put("a", b"0", expected=None) if expected else None
        proxy.count(only(1, Cut.BEFORE))

        written = objects.put("a", b"1", expected=version)

        found = objects.read("a")
    assert found is not None
    assert (found.data, found.version) == (b"1", written)
    assert bucket.pauses == [0.3]


def test_write_that_ended_in_500_is_looked_for(bucket: Bucket) -> None:
    """Where the store fails for good after it wrote, the write is found; where it wrote nothing, the error stands."""

    def fail_after(request: Request) -> Reply | None:
        if request.method != "PUT":
            return None
        if request.key.endswith("/kept"):
            bucket.server.carry_out(request)
        return error(500, "InternalError")

    bucket.server.answer = fail_after
    objects = bucket.objects()

    assert objects.put("kept", b"1", expected=None) is not None
    with pytest.raises(BackendError, match="answered 500"):
        objects.put("lost", b"1", expected=None)


@pytest.mark.parametrize("reply", [Reply(None), error(500, "InternalError")])
def test_write_that_never_arrived_is_sent_again(bucket: Bucket, reply: Reply) -> None:
    """A write that was lost on the way is sent again, once it is clear that nothing has changed."""
    objects = bucket.objects()
    version = objects.put("a", b"0", expected=None)
    bucket.server.answer = lambda request: reply if request.method == "PUT" and not bucket.pauses else None

    assert objects.put("a", b"1", expected=version) is not None

    found = objects.read("a")
    assert found is not None
    assert (found.data, bucket.pauses) == (b"1", [0.3])


def test_other_bytes_are_no_lost_answer(bucket: Bucket) -> None:
    """A write that failed is no success because somebody else's object stands there, and is not sent again."""
    objects = bucket.objects()
    objects.put("a", b"theirs", expected=None)
    bucket.server.answer = lambda request: error(503, "SlowDown") if request.method == "PUT" else None

    assert objects.put("a", b"ours", expected=None) is None
    assert bucket.pauses == []


def test_right_to_write_is_asked_for_once(bucket: Bucket) -> None:
    """Who may not write is told so, and nothing is read back."""
    bucket.server.answer = lambda request: error(403, "AccessDenied") if request.method == "PUT" else None

    with pytest.raises(BackendError, match="403 AccessDenied") as caught:
        bucket.objects().put("a", b"1", expected=None)

    assert "the right to list the bucket" in caught.value.fix
    assert [seen.method for seen in bucket.server.seen] == ["PUT"]


def test_refused_create_of_nothing_is_tried_again(bucket: Bucket) -> None:
    """A store that refuses one of two requests which met, and keeps neither, is asked again."""
    bucket.server.answer = once("PUT", "/a", lambda _request: error(409, "OperationAborted"))

    assert bucket.objects().put("a", b"1", expected=None) is not None

    assert (bucket.listing(), bucket.pauses) == (["a"], [0.3])


def test_replacing_what_is_gone_is_refused(bucket: Bucket) -> None:
    """An object that was removed meanwhile cannot be replaced, and is not made anew."""
    assert bucket.objects().put("a", b"1", expected="7") is None
    assert bucket.listing() == []


def test_throttled_write_waits(bucket: Bucket) -> None:
    """A store that asks to wait is given time, longer each time, and in the end the error says that it is busy."""
    bucket.server.answer = once("PUT", "/a", lambda _request: error(429, "SlowDown"))
    objects = bucket.objects()
    assert objects.put("a", b"1", expected=None) is not None
    bucket.pauses.clear()

    bucket.server.answer = lambda request: error(429, "SlowDown") if request.method == "PUT" else None
    with pytest.raises(BackendError, match="429 SlowDown") as caught:
        objects.put("b", b"1", expected=None)

    assert bucket.pauses == [0.3, 0.6, 1.2, 2.4, 4.8]
    assert "Run again later" in caught.value.fix


def test_store_without_versions_is_refused(bucket: Bucket) -> None:
    """A store that names no version of an object cannot keep a state."""
    bucket.server.is_nameless = True

    with pytest.raises(BackendError, match="name no version"):
        bucket.objects().put("a", b"1", expected=None)


def test_what_is_gone_can_be_deleted(bucket: Bucket) -> None:
    """Deleting what is not there is no error, nor is deleting nothing; being refused is one."""
    objects = bucket.objects()
    objects.delete(["a"])
    objects.delete([])

    bucket.server.answer = lambda _request: error(403, "AccessDenied")

    with pytest.raises(BackendError, match="403 AccessDenied"):
        objects.delete(["a"])


def test_answer_that_was_cut_short_is_asked_for_again(bucket: Bucket) -> None:
    """Reading, listing and deleting survive a connection that breaks in the middle, though not one that always does."""
    objects = bucket.objects()
    objects.put("a", b"1", expected=None)
    steps: list[Callable[[], object]] = [lambda: objects.read("a"), objects.list, lambda: objects.delete(["a"])]
    with Proxy(bucket.server.port) as proxy:
        objects = bucket.objects(port=proxy.port)
        for step in steps:
            proxy.count(only(1, Cut.IN_ANSWER))
            step()
        assert (bucket.listing(), proxy.exchanges) == ([], 2)

        proxy.count(always(Cut.IN_ANSWER))
        with pytest.raises(BackendError, match="gave no answer that can be understood"):
            objects.list()


@pytest.mark.parametrize(("ignored", "words"), [("create", "overwrote"), ("replace", "on a condition")])
def test_store_that_ignores_conditions_is_refused(bucket: Bucket, ignored: str, words: str) -> None:
    """A store that does what it was told to do on a condition only is trusted with no lock and no first document."""
    bucket.server.ignores = frozenset({ignored})
    client = bucket.client()

    for step in (lambda: client.lock(a_holder()), lambda: client.write(b"one", expected=None)):
        with pytest.raises(BackendError, match="This store ignores conditions") as caught:
            step()
        assert words in caught.value.detail

    assert bucket.listing() == []


def test_store_that_forgets_is_refused(bucket: Bucket) -> None:
    """A store in which a new object is not there any more a moment later is refused too."""

    def forget(request: Request) -> Reply | None:
        reads = sum(seen.method == "GET" and "/probe/" in seen.key for seen in bucket.server.seen)
        return error(404, "NoSuchKey") if request.method == "GET" and reads == 3 else None

    bucket.server.answer = forget

    with pytest.raises(BackendError, match="is not there"):
        bucket.client().lock(a_holder())


def test_store_is_tried_once(bucket: Bucket) -> None:
    """One client tries the store once, however much it writes, and leaves nothing of it behind."""
    client = bucket.client()
    version = client.write(b"one", expected=None)
    client.write(b"two", expected=version)

    creates = [seen for seen in bucket.server.seen if seen.method == "PUT" and "/probe/" in seen.key]

    assert len(creates) == 3
    assert bucket.listing() == ["backup.json", "state.json"]


def test_creates_may_be_announced_ahead(bucket: Bucket) -> None:
    """An append takes a request, so a run announces a few creates ahead of those that it sends."""
    assert (bucket.client().appends.ahead, bucket.client().appends.every_seconds) == (4, 0.0)


def test_late_writer_does_not_turn_the_backup_back(bucket: Bucket) -> None:
    """A writer that is overtaken after it looked at the backup changes neither the document nor the backup."""
    slow, quick = bucket.client(), bucket.client()
    first = slow.write(b"one", expected=None)

    def overtake(_request: Request) -> None:
        quick.write(b"three", expected=quick.write(b"two", expected=first))

    # Between its look at the document and its write of the backup.
    bucket.server.answer = once("PUT", "/backup.json", overtake)

    with pytest.raises(StateConflict):
        slow.write(b"late", expected=first)

    stored = quick.read()
    assert stored is not None
    assert (stored.document, quick.read_backup("backup.json")) == (b"three", b"two")


def test_removed_document_is_not_replaced(bucket: Bucket) -> None:
    """A document that somebody removed meanwhile is a conflict, and stays removed."""
    client = bucket.client()
    version = client.write(b"one", expected=None)
    bucket.objects().delete(["state.json"])

    with pytest.raises(StateConflict):
        client.write(b"two", expected=version)

    assert bucket.listing() == []


def test_document_replaced_at_the_last_moment_stays(bucket: Bucket) -> None:
    """Of two writers that both kept the backup, the second finds the document replaced."""
    slow, quick = bucket.client(), bucket.client()
    first = slow.write(b"one", expected=None)

    def overtake(_request: Request) -> None:
        quick.write(b"two", expected=first)

    bucket.server.answer = once("PUT", "/state.json", overtake)

    with pytest.raises(StateConflict):
        slow.write(b"late", expected=first)

    stored = quick.read()
    assert stored is not None
    assert stored.document == b"two"
