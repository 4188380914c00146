"""The world as a JSON file."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from msgflash_apply.sandbox.persistence import DamagedDataError, from_document, load, save, to_document
from msgflash_apply.sandbox.seed import demo_account
from tests.support.sandbox import NOON, a_campaign, a_template_body, a_world


def no_id() -> str:
    """Stand in where nothing new may be made."""
    raise AssertionError("loading makes nothing new")


def test_world_comes_back_as_it_was(tmp_path: Path) -> None:
    """A world with campaigns in the middle of their life is the same after save and load."""
    world = a_world()
    world.create_campaign(a_template_body(variables={"brand": "Acme"}), NOON)
    a_campaign(world, NOON + timedelta(hours=1), repeat="daily")
    world.advance(NOON + timedelta(seconds=20))
    save(world, tmp_path / "deep" / "world.json")
    again = load(tmp_path / "deep" / "world.json", demo_account(), no_id)
    assert again is not None
    assert to_document(again) == to_document(world)


def test_life_goes_on_after_a_restart() -> None:
    """What was due next is still due after a restart."""
    world = a_world()
    a_campaign(world)
    world.pause(a_campaign(world))
    world.advance(NOON + timedelta(seconds=20))
    again = from_document(to_document(world), demo_account(), no_id)
    for each in (world, again):
        each.advance(NOON + timedelta(hours=1))
    assert again.messages == world.messages
    assert [campaign.status for campaign in again.campaigns.values()] == ["completed", "paused"]


def test_no_link_is_written_through(tmp_path: Path) -> None:
    """Links in the place of the file, or of the one written aside, are replaced: what they lead to stays."""
    (tmp_path / "victim").write_text("owner", encoding="utf-8")
    for name in ("data.json", "data.json.new"):
        (tmp_path / name).symlink_to("victim")

    save(a_world(), tmp_path / "data.json")

    assert (tmp_path / "victim").read_text(encoding="utf-8") == "owner"
    assert not (tmp_path / "data.json").is_symlink()


def test_no_file_is_no_world(tmp_path: Path) -> None:
    """Where nothing was saved there is nothing to load."""
    assert load(tmp_path / "world.json", demo_account(), no_id) is None


@pytest.mark.parametrize(
    "change",
    [{"format": 2}, {"contacts": []}, {"outbound": []}, {"contacts": {"1": {}}}, {"now": "soon"}, {"messages": None}],
)
def test_other_documents_are_damaged(tmp_path: Path, change: dict[str, object]) -> None:
    """A file that is no world of this version is refused by name, never read in part."""
    path = tmp_path / "world.json"
    path.write_text(json.dumps(to_document(a_world()) | change), encoding="utf-8")
    with pytest.raises(DamagedDataError, match=r"world\.json does not hold a sandbox of this version"):
        load(path, demo_account(), no_id)


def test_wrong_types_are_damaged(tmp_path: Path) -> None:
    """A value of another type than the program wrote is damage too."""
    document = json.dumps(to_document(a_world())).replace('"boutique-principale"', "7")
    (tmp_path / "world.json").write_text(document, encoding="utf-8")
    with pytest.raises(DamagedDataError, match="7 is not of type str"):
        load(tmp_path / "world.json", demo_account(), no_id)


def test_half_a_file_is_damaged(tmp_path: Path) -> None:
    """A file cut in the middle is damage, not emptiness."""
    (tmp_path / "world.json").write_text('{"format": 1, "contacts": {', encoding="utf-8")
    with pytest.raises(DamagedDataError, match="does not hold a sandbox of this version"):
        load(tmp_path / "world.json", demo_account(), no_id)
