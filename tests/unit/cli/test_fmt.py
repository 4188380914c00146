"""A file is replaced as a whole, or left as it is."""

from pathlib import Path

import pytest

from msgflash_apply.cli.fmt import rewrite
from msgflash_apply.errors import MsgflashApplyError


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o755])
def test_content_changes_and_permissions_do_not(tmp_path: Path, mode: int) -> None:
    """The new content has the old mode, and nothing else is beside it."""
    path = tmp_path / "a.yaml"
    path.write_text("old", encoding="utf-8")
    path.chmod(mode)
    rewrite(path, b"new", root=tmp_path)
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"new", mode)
    assert list(tmp_path.iterdir()) == [path]


def test_link_is_followed(tmp_path: Path) -> None:
    """The file behind a link is replaced, and the link stays one."""
    target, link = tmp_path / "target.yaml", tmp_path / "link.yaml"
    target.write_text("old", encoding="utf-8")
    link.symlink_to(target)
    rewrite(link, b"new", root=tmp_path)
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


def test_refusal_of_the_system_is_an_error(tmp_path: Path) -> None:
    """A file that is gone is not made anew."""
    with pytest.raises(MsgflashApplyError, match="cannot be written"):
        rewrite(tmp_path / "gone.yaml", b"new", root=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_failure_leaves_nothing_beside_the_file(tmp_path: Path) -> None:
    """If a folder is in its place nothing is replaced, and the file written aside is removed."""
    place = tmp_path / "folder"
    (place / "inside").mkdir(parents=True)
    with pytest.raises(MsgflashApplyError):
        rewrite(place, b"new", root=tmp_path)
    assert [path.name for path in tmp_path.rglob("*")] == ["folder", "inside"]
