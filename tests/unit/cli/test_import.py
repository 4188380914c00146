"""The file of an imported campaign is there once the record is, and never without it."""

from pathlib import Path

import pytest

from msgflash_apply.cli.output import placed_anew
from msgflash_apply.errors import MsgflashApplyError
from msgflash_apply.files.yaml_tree import parse


def test_file_is_no_campaign_until_the_record_is_made(tmp_path: Path) -> None:
    """While the record is being made the file holds no document; then it holds all of its text."""
    path = tmp_path / "promo/sale.yaml"
    with placed_anew(path, "name: Sale\n", root=tmp_path):
        assert parse(path.read_bytes()) == ()
    assert path.read_text(encoding="utf-8") == "name: Sale\n"
    assert list(path.parent.iterdir()) == [path]


def test_record_that_fails_leaves_no_file(tmp_path: Path) -> None:
    """If nothing was recorded, no file may be left in the repo: an apply would create it again."""
    with pytest.raises(KeyboardInterrupt), placed_anew(tmp_path / "sale.yaml", "name: Sale\n", root=tmp_path):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_file_that_is_there_is_not_touched(tmp_path: Path) -> None:
    """It is refused before anything is recorded."""
    path = tmp_path / "sale.yaml"
    path.write_text("name: Mine\n", encoding="utf-8")
    with pytest.raises(MsgflashApplyError, match="cannot be written"), placed_anew(path, "name: Sale\n", root=tmp_path):
        pytest.fail("nothing may be recorded")
    assert path.read_text(encoding="utf-8") == "name: Mine\n"


def test_folder_that_leads_out_is_refused(tmp_path: Path) -> None:
    """No file and no folder is made behind a link that leads out of the repo."""
    repo = tmp_path / "repo"
    (repo / "campaigns").mkdir(parents=True)
    (tmp_path / "home").mkdir()
    (repo / "campaigns/promo").symlink_to("../../home")
    path = repo / "campaigns/promo/new/sale.yaml"
    with pytest.raises(MsgflashApplyError, match="cannot be written"), placed_anew(path, "name: Sale\n", root=repo):
        pytest.fail("nothing may be recorded")
    assert list((tmp_path / "home").iterdir()) == []
