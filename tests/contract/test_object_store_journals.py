"""Journals in a bucket: the race for the next number, tombstones, and a writer that slept through everything."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from msgflash_apply.errors import BackendError
from tests.support.buckets import Bucket, a_bucket, once
from tests.support.states import a_holder
from tests.support.stores.gcs_server import Request

DAY_SECONDS = 86_400.0


@pytest.fixture
def bucket(tmp_path: Path) -> Iterator[Bucket]:
    """Serve an empty bucket."""
    with a_bucket(tmp_path) as serving:
        yield serving


def test_each_append_is_one_object(bucket: Bucket) -> None:
    """An append costs one request, and is one object under the next number."""
    client = bucket.client()

    client.append("run-1", b"first\n")
    client.append("run-1", b"second\n")

    assert bucket.listing() == ["journal/run-1/000000.jsonl", "journal/run-1/000001.jsonl"]
    assert [seen.method for seen in bucket.server.seen] == ["PUT", "PUT"]


def test_sealer_that_is_overtaken_takes_the_next_number(bucket: Bucket) -> None:
    """A writer that appends while its journal is being sealed still gets that line in, and no other."""
    writer, sealer = bucket.client(), bucket.client()
    writer.append("run-1", b"first\n")
    bucket.server.answer = once("PUT", "/000001.jsonl", lambda _request: writer.append("run-1", b"second\n"))

    sealer.seal("run-1")

    with pytest.raises(BackendError, match="another run sealed it"):
        writer.append("run-1", b"third\n")
    assert sealer.read_journal("run-1") == b"first\nsecond\n"


def test_dropped_journal_leaves_a_tombstone(bucket: Bucket) -> None:
    """What stops a writer that knows of nothing stays when its journal is dropped, and is no journal."""
    writer, other = bucket.client(), bucket.client()
    writer.append("run-1", b"first\n")
    writer.append("run-1", b"second\n")

    other.drop("run-1")

    assert bucket.listing() == ["journal/run-1/000002.jsonl"]
    with pytest.raises(BackendError, match="another run sealed it"):
        writer.append("run-1", b"third\n")
    assert (other.read_journal("run-1"), list(other.journals()), other.remains()) == (None, [], ())


def test_own_journal_is_dropped_for_good(bucket: Bucket) -> None:
    """A writer that drops its own journal leaves nothing behind, and remembers."""
    writer, other = bucket.client(), bucket.client()
    writer.append("run-1", b"first\n")
    writer.append("run-1", b"second\n")
    other.seal("run-1")

    writer.drop("run-1")
    writer.drop("run-1")

    assert bucket.listing() == []
    with pytest.raises(BackendError, match="it was dropped"):
        writer.append("run-1", b"third\n")


def test_journal_of_another_is_not_written_to(bucket: Bucket) -> None:
    """A number that somebody else used is an error, and not taken for an answer that was lost."""
    bucket.client().append("run-1", b"theirs\n")

    with pytest.raises(BackendError, match="another run began it"):
        bucket.client().append("run-1", b"ours\n")


def test_writer_gives_up_before_its_tombstone_goes(bucket: Bucket) -> None:
    """A writer that began five days ago appends nothing, also if it only fell asleep while it sent."""
    early, asleep = bucket.client(), bucket.client()
    early.append("run-1", b"first\n")
    asleep.append("run-2", b"first\n")
    bucket.clock.seconds += 5 * DAY_SECONDS
    early.append("run-1", b"second\n")

    def sleep_on(_request: Request) -> None:
        bucket.clock.seconds += 1

    bucket.server.answer = once("PUT", "/run-2/000001.jsonl", sleep_on)
    with pytest.raises(BackendError, match="more than 5 days ago"):
        asleep.append("run-2", b"second\n")
    with pytest.raises(BackendError, match="more than 5 days ago"):
        early.append("run-1", b"third\n")


def test_old_litter_is_swept_up(bucket: Bucket) -> None:
    """Tombstones, halves of dropped journals and probes go a week later; what is younger or alive stays."""
    client = bucket.client()
    version = client.write(b"one", expected=None)
    client.write(b"two", expected=version)
    for journal in ("old", "young", "live"):
        bucket.client().append(journal, b"first\n")
    for journal in ("old", "young"):
        bucket.client().drop(journal)
    bucket.objects().put("probe/1", b"1", expected=None)
    bucket.objects().put("journal/half/000001.jsonl", b"second\n", expected=None)
    for ending in ("old/000001.jsonl", "live/000000.jsonl", "half/000001.jsonl", "probe/1", "state.json"):
        bucket.server.backdate(ending, timedelta(days=7, seconds=10))
    bucket.server.backdate("young/000001.jsonl", timedelta(days=6, hours=23))

    client.drop("none")

    assert bucket.listing() == ["backup.json", "journal/live/000000.jsonl", "journal/young/000001.jsonl", "state.json"]


def test_litter_is_swept_up_once(bucket: Bucket) -> None:
    """Sweeping costs a listing once in the life of a client, and none before it knows what time it is there."""
    client = bucket.client()
    client.drop("none")
    assert len(bucket.server.seen) == 1
    client.lock(a_holder())
    bucket.server.seen.clear()

    client.drop("none")
    client.drop("none")

    assert len(bucket.server.seen) == 3


def test_reader_survives_a_drop(bucket: Bucket) -> None:
    """A journal that is dropped while it is read is gone, and never half there."""
    writer = bucket.client()
    for line in (b"first\n", b"second\n", b"third\n"):
        writer.append("run-1", line)
    bucket.server.answer = once("GET", "/000001.jsonl", lambda _request: bucket.client().drop("run-1"))

    assert bucket.client().read_journal("run-1") is None


def test_long_journal_is_read_in_order(bucket: Bucket) -> None:
    """More objects than one page lists, and than are read at a time, come in the order of their numbers."""
    objects = bucket.objects()
    for number in range(1_050):
        objects.put(f"journal/run-1/{number:06}.jsonl", f"{number}\n".encode(), expected=None)

    found = bucket.client().read_journal("run-1")

    assert found == "".join(f"{number}\n" for number in range(1_050)).encode()


def test_error_while_reading_many_stands(bucket: Bucket) -> None:
    """One object of a journal that cannot be read is an error, and not the end of the journal."""
    writer = bucket.client()
    writer.append("run-1", b"first\n")
    objects = bucket.objects("nowhere")

    with pytest.raises(BackendError, match="NoSuchBucket"):
        objects.read_all(["journal/run-1/000000.jsonl"])


def test_foreign_keys_are_no_journals(bucket: Bucket) -> None:
    """What else lies in the folder of the journals is left alone."""
    bucket.objects().put("journal/readme.txt", b"hello", expected=None)
    bucket.server.backdate("readme.txt", timedelta(days=30))
    client = bucket.client()
    client.lock(a_holder())

    client.drop("none")

    assert (list(client.journals()), client.remains()) == ([], ())
    assert "journal/readme.txt" in bucket.listing()


def test_id_of_a_journal_names_no_other_object(bucket: Bucket) -> None:
    """An id that a document made up cannot reach outside the journals."""
    client = bucket.client()
    steps: list[Callable[[], object]] = [
        lambda: client.append("../state", b"x"),
        lambda: client.read_journal("a/b"),
        lambda: client.drop(""),
    ]
    for step in steps:
        with pytest.raises(BackendError, match="cannot be the id of a journal"):
            step()
