"""Files are written aside and put in place in one step: never through a link, never half."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from msgflash_apply.cli.output import write_file, written_aside
from msgflash_apply.errors import MsgflashApplyError


def mode_of(path: Path) -> int:
    """Read the permissions of a file."""
    return stat.S_IMODE(path.stat().st_mode)


def is_there(path: Path) -> None:
    """Make a file that everyone may read."""
    path.write_text("old", encoding="utf-8")
    path.chmod(0o644)


def is_a_link_out(path: Path) -> None:
    """Make a link to a file outside the repo."""
    path.symlink_to("../victim")


def leads_nowhere(path: Path) -> None:
    """Make a link to a file that is not there yet."""
    path.symlink_to("../nobody")


def is_a_loop(path: Path) -> None:
    """Make a link to itself."""
    path.symlink_to(path.name)


@pytest.mark.parametrize("plant", [lambda _: None, is_there, is_a_link_out, leads_nowhere, is_a_loop])
def test_report_is_private_and_no_link_is_followed(tmp_path: Path, plant: Callable[[Path], None]) -> None:
    """Whatever was in its place, a report is a file of its own that its owner alone may read."""
    repo = tmp_path / "repo"
    repo.mkdir()
    (tmp_path / "victim").write_bytes(b"owner")
    plant(repo / "plan.html")

    write_file(repo / "plan.html", b"new", root=repo)

    assert not (repo / "plan.html").is_symlink()
    assert ((repo / "plan.html").read_bytes(), mode_of(repo / "plan.html")) == (b"new", 0o600)
    assert (tmp_path / "victim").read_bytes() == b"owner"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["plan.html", "repo", "victim"]


@pytest.mark.parametrize("folder", ["out", "out/inner", ".git", "sub/../out", "out/.."])
def test_folder_that_leads_out_is_refused(tmp_path: Path, folder: str) -> None:
    """A branch may bring along a link in the place of the folder of reports."""
    repo = tmp_path / "repo"
    for inside in (".git", "sub"):
        (repo / inside).mkdir(parents=True)
    (tmp_path / "home/inner").mkdir(parents=True)
    (repo / "out").symlink_to("../home")

    with pytest.raises(MsgflashApplyError, match="cannot be written") as caught:
        write_file(repo / folder / "plan.html", b"new", root=repo)

    assert "leads out of the repo" in caught.value.detail
    assert list(tmp_path.rglob("plan.html")) == []


def test_user_may_write_elsewhere(tmp_path: Path) -> None:
    """A path that leads out of the repo by itself is the user's choice, and so is a link on the way to it."""
    repo = tmp_path / "repo"
    repo.mkdir()
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")

    write_file(repo / "../link/plan.html", b"new", root=repo)

    assert (tmp_path / "real/plan.html").read_bytes() == b"new"


def test_file_for_git_has_the_mode_of_any_file(tmp_path: Path) -> None:
    """A new file for git has the mode that the umask leaves, and one that is there keeps its own."""
    before = os.umask(0o027)
    write_file(tmp_path / "new.yaml", b"new", root=tmp_path, is_shared=True)
    os.umask(before)
    is_there(tmp_path / "old.yaml")
    (tmp_path / "old.yaml").chmod(0o664)
    write_file(tmp_path / "old.yaml", b"new", root=tmp_path, is_shared=True)

    assert (mode_of(tmp_path / "new.yaml"), mode_of(tmp_path / "old.yaml")) == (0o640, 0o664)


def test_open_file_is_written_to_as_it_is(tmp_path: Path) -> None:
    """What the shell opened, a pipe or a device is written to, and nothing is put in its place."""
    reading, writing = os.pipe()
    write_file(Path(f"/dev/fd/{writing}"), b"through", root=tmp_path)
    with (tmp_path / "opened").open("wb") as stream:
        write_file(Path(f"/proc/self/fd/{stream.fileno()}"), b"open", root=tmp_path)
    os.mkfifo(tmp_path / "fifo")
    ours = os.open(tmp_path / "fifo", os.O_RDWR)
    write_file(tmp_path / "fifo", b"named", root=tmp_path)

    assert (os.read(reading, 99), os.read(ours, 99)) == (b"through", b"named")
    assert (tmp_path / "opened").read_bytes() == b"open"
    assert stat.S_ISFIFO((tmp_path / "fifo").lstat().st_mode)
    write_file(Path("/dev/null"), b"gone", root=tmp_path)
    assert stat.S_ISCHR(Path("/dev/null").lstat().st_mode)
    for descriptor in (reading, writing, ours):
        os.close(descriptor)


def test_refusal_leaves_what_was_there(tmp_path: Path) -> None:
    """A folder in its place, or a folder that is not there, is an error that names it; nothing is left over."""
    (tmp_path / "plan.html/inside").mkdir(parents=True)

    for place, says in (("plan.html", "directory"), ("absent/plan.html", "No such file")):
        with pytest.raises(MsgflashApplyError, match="cannot be written") as caught:
            write_file(tmp_path / place, b"new", root=tmp_path)
        assert says in caught.value.detail
        assert f"In {(tmp_path / place).parent}: " in caught.value.detail

    assert sorted(path.name for path in tmp_path.rglob("*")) == ["inside", "plan.html"]


def test_error_in_between_leaves_what_was_there(tmp_path: Path) -> None:
    """The file is put in place only once the block has succeeded, whose errors are its own."""
    is_there(tmp_path / "a")

    with pytest.raises(FileNotFoundError), written_aside(tmp_path / "a", b"new", root=tmp_path):
        raise FileNotFoundError

    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]
