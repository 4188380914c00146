"""The state as files: what lies where, what a failing disk leaves, and who may look."""

import os
import resource
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from msgflash_apply.errors import BackendError, StateConflict, StateLocked
from msgflash_apply.state.backends.backend import open_backend
from msgflash_apply.state.backends.base import Location
from tests.support.states import LocalBackend, a_backend, a_holder


@contextmanager
def a_disk_that_is_full_after(size_bytes: int) -> Iterator[None]:
    """Let no file of this process grow beyond a size, as a full disk does: the last write is cut short."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def a_pipe(path: Path) -> None:
    """Make a named pipe without a writer."""
    os.mkfifo(path)


def an_endless_device(path: Path) -> None:
    """Link to a device that gives zeros without end."""
    path.symlink_to("/dev/zero")


def a_terabyte(path: Path) -> None:
    """Make a file of a terabyte that takes no room."""
    path.touch()
    os.truncate(path, 2**40)


def names(folder: Path) -> set[str]:
    """List a folder."""
    return {path.name for path in folder.iterdir()}


def test_files_lie_side_by_side(tmp_path: Path) -> None:
    """A state is a handful of files whose names begin alike, for this user alone."""
    backend = a_backend(tmp_path)
    version = backend.write(b"one", expected=None)
    backend.write(b"two", expected=version)
    backend.lock(a_holder())
    backend.append("run-1", b"line\n")

    assert names(tmp_path) == {
        "default.json",
        "default.json.backup",
        "default.journal-run-1.jsonl",
        "default.lock",
        "default.guard",
    }
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}
    assert (tmp_path / "default.json.backup").read_bytes() == b"one"
    backend.unlock("run-1")


def test_document_may_have_any_name(tmp_path: Path) -> None:
    """A document that does not end in .json lends its whole name to the files beside it."""
    LocalBackend(tmp_path / "production.state").append("run-1", b"line\n")

    assert names(tmp_path) == {"production.state.guard", "production.state.journal-run-1.jsonl"}


def test_two_states_of_one_folder_do_not_mix(tmp_path: Path) -> None:
    """Environments whose states lie in one folder see only their own journals."""
    LocalBackend(tmp_path / "prod.json").append("run-1", b"line\n")
    other = LocalBackend(tmp_path / "prod.eu.json")

    assert (list(other.journals()), other.remains()) == ([], ())


def test_symbolic_link_is_followed_once(tmp_path: Path) -> None:
    """A state behind a symbolic link is replaced where it is, and locked for runs that come another way."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link.json").symlink_to(tmp_path / "real" / "default.json")

    LocalBackend(tmp_path / "link.json").write(b"one", expected=None)

    assert (tmp_path / "link.json").is_symlink()
    assert names(tmp_path / "real") == {"default.json", "default.guard"}


def test_loop_of_links_is_reported(tmp_path: Path) -> None:
    """A location that leads nowhere is an error that names it."""
    (tmp_path / "loop.json").symlink_to(tmp_path / "loop.json")

    with pytest.raises(BackendError, match=r"loop\.json: Too many levels of symbolic links"):
        LocalBackend(tmp_path / "loop.json").read()


def test_disk_full_leaves_the_document(tmp_path: Path) -> None:
    """A document that does not fit is an error; the one before it stays, and nothing half-written is left."""
    backend = a_backend(tmp_path)
    version = backend.write(b"one", expected=None)

    with a_disk_that_is_full_after(100), pytest.raises(BackendError, match="File too large"):
        backend.write(b"x" * 200, expected=version)

    assert backend.read() is not None
    assert (tmp_path / "default.json").read_bytes() == b"one"
    assert names(tmp_path) == {"default.json", "default.json.backup", "default.guard"}


def test_disk_full_takes_the_torn_line_back(tmp_path: Path) -> None:
    """A line that the disk cut short is taken back, so that what comes next is not joined to it."""
    backend = a_backend(tmp_path)
    backend.append("run-1", b"first\n")

    with a_disk_that_is_full_after(10), pytest.raises(BackendError):
        backend.append("run-1", b"second line\n")

    assert backend.read_journal("run-1") == b"first\n"
    backend.append("run-1", b"third\n")
    assert backend.read_journal("run-1") == b"first\nthird\n"


def test_disk_full_leaves_no_half_signed_lock(tmp_path: Path) -> None:
    """A lock that could not be signed is not left behind, or it would lock all runs out."""
    backend = a_backend(tmp_path)

    with a_disk_that_is_full_after(10), pytest.raises(BackendError):
        backend.lock(a_holder())

    assert backend.holder() is None
    backend.lock(a_holder())
    backend.unlock("run-1")


def test_journal_that_somebody_wrote_to_is_not_continued(tmp_path: Path) -> None:
    """A journal that is not as this run left it gets no more lines: one of them would be damage."""
    backend = a_backend(tmp_path)
    backend.append("run-1", b"first\n")
    with (tmp_path / "default.journal-run-1.jsonl").open("ab") as file:
        file.write(b"torn")

    with pytest.raises(BackendError, match="not as this run left it"):
        backend.append("run-1", b"second\n")


def test_folder_that_is_gone_is_reported(tmp_path: Path) -> None:
    """Without its folder a state can be looked for, but nothing can be written; the error says where."""
    backend = a_backend(tmp_path / "gone")

    assert (backend.read(), backend.holder(), backend.remains(), list(backend.journals())) == (None, None, (), [])
    for change in (
        lambda: backend.append("run-1", b""),
        lambda: backend.lock(a_holder()),
        lambda: backend.write(b"", expected="1"),
    ):
        with pytest.raises(BackendError, match="No such file or directory") as caught:
            change()
        assert str(tmp_path / "gone") in caught.value.detail
        assert "The folder is gone" in caught.value.fix


def test_file_in_the_place_of_the_folder_is_reported(tmp_path: Path) -> None:
    """A path that runs through a file is an error for every way of looking."""
    (tmp_path / "file").touch()
    backend = a_backend(tmp_path / "file")

    for look in (backend.read, backend.holder, backend.remains, backend.journals, lambda: backend.read_journal("a")):
        with pytest.raises(BackendError, match="Not a directory"):
            look()
    with pytest.raises(BackendError, match="File exists"):
        backend.write(b"", expected=None)


def test_folder_in_the_place_of_the_document_is_reported(tmp_path: Path) -> None:
    """A folder that is where the document should be is an error, not an absent state."""
    (tmp_path / "default.json").mkdir()

    with pytest.raises(BackendError, match="Is a directory") as caught:
        a_backend(tmp_path).read()

    assert "A folder is in the place of the file" in caught.value.fix


@pytest.mark.parametrize("name", ["default.json", "default.journal-a.jsonl", "default.lock", "default.json.backup"])
@pytest.mark.parametrize("plant", [a_pipe, an_endless_device, a_terabyte])
def test_what_has_no_end_is_reported(tmp_path: Path, name: str, plant: Callable[[Path], None]) -> None:
    """A pipe, a device or a file of a terabyte in the place of one of ours is neither waited for nor read."""
    plant(tmp_path / name)
    backend = a_backend(tmp_path)
    looks: dict[str, Callable[[], object]] = {
        "default.json": backend.read,
        "default.journal-a.jsonl": lambda: backend.read_journal("a"),
        "default.lock": backend.holder,
        "default.json.backup": lambda: backend.read_backup(name),
    }

    with pytest.raises(BackendError, match=r"Not a regular file|more than any|Too many levels of symbolic") as caught:
        looks[name]()

    assert "That is not a state" in caught.value.fix


def test_planted_link_is_not_written_through(tmp_path: Path) -> None:
    """A symbolic link in the place of a lock or journal is refused, so that it cannot aim our writing elsewhere."""
    (tmp_path / "default.lock").symlink_to(tmp_path / "victim")
    (tmp_path / "default.journal-run-1.jsonl").symlink_to(tmp_path / "victim")

    with pytest.raises(BackendError):
        a_backend(tmp_path).lock(a_holder())
    with pytest.raises(BackendError):
        a_backend(tmp_path).append("run-1", b"line\n")

    assert not (tmp_path / "victim").exists()


@pytest.mark.parametrize("name", ["default.journal-a.jsonl", "default.lock", "default.json.backup"])
def test_planted_link_is_not_read_through(tmp_path: Path, name: str) -> None:
    """A branch may bring such a link along: what it leads to is no part of the state, and is not looked at."""
    (tmp_path / "victim").write_bytes(b"secret")
    (tmp_path / name).symlink_to(tmp_path / "victim")
    backend = a_backend(tmp_path)
    looks: dict[str, Callable[[], object]] = {
        "default.journal-a.jsonl": lambda: backend.read_journal("a"),
        "default.lock": backend.holder,
        "default.json.backup": lambda: backend.read_backup(name),
    }

    with pytest.raises(BackendError, match="Too many levels of symbolic links") as caught:
        looks[name]()

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("journal", ["../../etc/passwd", "a/b", "", "a.b", "a\n", "é"])
def test_journal_id_cannot_name_another_file(tmp_path: Path, journal: str) -> None:
    """An id that is not made of letters, digits and hyphens, as a forged document may hold, is refused."""
    with pytest.raises(BackendError, match="cannot be the id of a journal"):
        a_backend(tmp_path).drop(journal)


def test_document_that_vanished_is_a_conflict(tmp_path: Path) -> None:
    """A document that was removed since it was read is not written anew."""
    backend = a_backend(tmp_path)
    version = backend.write(b"one", expected=None)
    (tmp_path / "default.json").unlink()

    with pytest.raises(StateConflict):
        backend.write(b"two", expected=version)

    assert backend.read() is None


def test_new_folders_are_private(tmp_path: Path) -> None:
    """Folders that the first document needs are made for this user alone."""
    a_backend(tmp_path / "a" / "b").write(b"one", expected=None)

    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700


def test_no_descriptor_stays_open(tmp_path: Path) -> None:
    """Whatever succeeded or failed, only the lock in hand keeps a file open."""
    backend = a_backend(tmp_path)
    before = open_descriptors()

    backend.write(b"one", expected=None)
    backend.lock(a_holder())
    backend.append("run-1", b"line\n")
    with pytest.raises(BackendError):
        a_backend(tmp_path).append("run-1", b"line\n")
    with pytest.raises(StateLocked):
        a_backend(tmp_path).lock(a_holder())
    backend.unlock("run-1")

    assert open_descriptors() == before


def open_descriptors() -> int:
    """Count the files that this process has open."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_path_is_relative_to_the_repo(tmp_path: Path) -> None:
    """A path is taken from the campaigns repo, and an absolute one as it is."""
    assert open_backend(Location(".msgflash/default.json", tmp_path)).url == str(
        tmp_path / ".msgflash" / "default.json"
    )
    assert open_backend(Location("/states/default.json", tmp_path)).url == "/states/default.json"


def test_unknown_scheme_is_reported_without_its_credentials(tmp_path: Path) -> None:
    """A URL that no backend serves is an error that names the scheme and nothing secret."""
    with pytest.raises(BackendError, match="ftp://") as caught:
        open_backend(Location("ftp://ada:hunter2@db/states", tmp_path))

    assert "hunter2" not in str(caught.value)
