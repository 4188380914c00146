"""What the record tells of files: only of those that are as they were, and that say no more than it holds."""

import shutil
import subprocess
import sys
import zoneinfo
from dataclasses import replace
from pathlib import Path

import pytest

import msgflash_apply
from msgflash_apply.campaign import Address, Desired, Record
from msgflash_apply.config.load import load
from msgflash_apply.config.sent import SentFiles
from msgflash_apply.config.settings import Settings
from msgflash_apply.config.sources import read_sources
from msgflash_apply.config.zones import zone_digests
from tests.support.builders import a_record, facts_as_sent
from tests.unit.config.repos import WELCOME, settings_of, write

TABLE = WELCOME.replace("Hello", "'{{ each.value }}'") + "for_each: {fr: Bonjour, de: Hallo}\n"
TWO = f"key: one\n{WELCOME}---\nkey: two\n{WELCOME.replace('Hello', 'Hi')}"


def recorded(campaigns: tuple[Desired, ...]) -> dict[Address, Record]:
    """Record campaigns as an apply does."""
    return {wanted.address: a_record(wanted.address, facts=facts_as_sent(wanted)) for wanted in campaigns}


def told(settings: Settings, records: dict[Address, Record]) -> list[str]:
    """Tell the files that a state tells of."""
    sent = SentFiles(settings, records)
    return [name for name, data in read_sources(settings).files if sent.contents_of(name, data) is not None]


@pytest.mark.parametrize(
    "text",
    [
        WELCOME,
        TABLE,
        TWO,
        f"# a word\n\n{WELCOME}labels: {{team: shop}}\n",
        f"{WELCOME}lifecycle: {{on_remove: keep}}\n",
        f"{WELCOME.replace('+01:00', '')}timezone: Europe/Paris\n",
        f"{WELCOME}instance: shop\n",
        WELCOME.replace("Hello", "'{{ custom.word }}'") + "custom: {word: Hello}\n",
    ],
)
def test_campaigns_are_those_of_the_file(tmp_path: Path, text: str) -> None:
    """What is taken from the record is what the file would give, line and all."""
    settings = settings_of(write(tmp_path, {"campaigns/sale.yaml": text}))
    read = load(settings, for_record=True)
    records = recorded(read.campaigns)

    assert told(settings, records) == ["campaigns/sale.yaml"]
    assert load(settings, sent=SentFiles(settings, records)) == load(settings) == read


@pytest.mark.parametrize(
    "more",
    [
        "paused: false",
        "repeat: daily",
        "lifecycle: {on_change: replace}",
        "lifecycle: {ignore_changes: [body]}",
        "moved_from: [old]",
    ],
)
def test_files_that_say_more_are_read(tmp_path: Path, more: str) -> None:
    """Where a file draws a warning, or says what no record holds, its campaign carries no digest."""
    settings = settings_of(write(tmp_path, {"campaigns/sale.yaml": f"{WELCOME}{more}\n"}))

    assert [campaign.inputs for campaign in load(settings, for_record=True).campaigns] == [None]


def test_digest_is_only_there_for_the_record(tmp_path: Path) -> None:
    """Who records nothing does not pay for it."""
    settings = settings_of(write(tmp_path, {"campaigns/sale.yaml": WELCOME}))

    assert [campaign.inputs for campaign in load(settings).campaigns] == [None]


@pytest.mark.parametrize("lost", ['sale["fr"]', 'sale["de"]'])
def test_every_campaign_of_the_file_is_on_record(tmp_path: Path, lost: str) -> None:
    """Where one campaign of a file is off the record, or stands elsewhere, the file is read."""
    settings = settings_of(write(tmp_path, {"campaigns/sale.yaml": TABLE}))
    records = recorded(load(settings, for_record=True).campaigns)
    moved = {Address("moved" if at == lost else at): record for at, record in records.items()}
    del records[Address(lost)]

    assert [told(settings, records), told(settings, moved)] == [[], []]


@pytest.mark.parametrize(
    "changes",
    [
        {"custom_below": {"word": "Other"}},
        {"custom_above": {"word": "Other"}},
        {"instance": "other"},
        {"timezone": "Asia/Tokyo"},
        {"campaigns": "./campaigns"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_other_settings_are_another_digest(tmp_path: Path, changes: dict[str, str]) -> None:
    """With other variables or defaults a file is read again."""
    settings = settings_of(write(tmp_path, {"campaigns/sale.yaml": WELCOME}))
    records = recorded(load(settings, for_record=True).campaigns)

    assert told(settings, records)
    assert not told(replace(settings, **changes), records)  # type: ignore[arg-type]


def test_other_bytes_or_another_name_are_another_digest(tmp_path: Path) -> None:
    """A comment more, or the same file elsewhere, is read again."""
    settings = settings_of(write(tmp_path, {"campaigns/sale.yaml": WELCOME}))
    records = recorded(load(settings, for_record=True).campaigns)
    elsewhere = {at: replace(one, facts=replace(one.facts, file="campaigns/x.yaml")) for at, one in records.items()}

    write(tmp_path, {"campaigns/sale.yaml": WELCOME + "# a word\n"})
    assert not told(settings, records)

    write(tmp_path, {"campaigns/sale.yaml": WELCOME, "campaigns/x.yaml": WELCOME})
    assert told(settings, records) == ["campaigns/sale.yaml"]
    assert told(settings, elsewhere) == []


def test_other_rules_of_a_zone_are_another_digest(tmp_path: Path) -> None:
    """When a country changes its clocks, local starts are worked out again."""
    text = WELCOME.replace("+01:00", "") + "timezone: Europe/Paris\n"
    settings = settings_of(write(tmp_path, {"campaigns/sale.yaml": text}))
    records = recorded(load(settings, for_record=True).campaigns)
    shutil.copytree(next(Path(folder) for folder in zoneinfo.TZPATH if Path(folder, "Europe").is_dir()) / "Europe",
                    tmp_path / "zones/Europe")  # fmt: skip
    before = zoneinfo.TZPATH
    try:
        zoneinfo.reset_tzpath([str(tmp_path / "zones")])
        assert told(settings, records)
        shutil.copy(tmp_path / "zones/Europe/Rome", tmp_path / "zones/Europe/Paris")
        assert not told(settings, records)
    finally:
        zoneinfo.reset_tzpath(before)


@pytest.mark.parametrize("name", ["/dev/zero", "../../../dev/zero", "Europe/../../dev/zero", "a\0b", "x" * 65, ""])
def test_names_that_no_zone_has_lead_nowhere(name: str) -> None:
    """A damaged state or cache can name what it likes as a zone: no such file is opened."""
    assert zone_digests([name]) == {name: ""}


def test_same_program_elsewhere_has_the_same_digest(tmp_path: Path) -> None:
    """On every machine the same versions agree; a program that reads files otherwise does not."""
    package = Path(msgflash_apply.__file__).parent
    copy = tmp_path / "there/msgflash_apply"
    shutil.copytree(package, copy, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(package.parent / "schemas", copy / "schemas")

    here, there = (_digest_in(folder) for folder in (package.parent, copy.parent))
    (copy / "config/desired.py").write_text("# another\n", encoding="utf-8")

    assert here == there
    assert _digest_in(copy.parent) != there


def _digest_in(folder: Path) -> str:
    tell = "from msgflash_apply.config.stamp import reader_digest; print(reader_digest())"
    asked = [sys.executable, "-c", tell]  # Python looks first where it is started
    return subprocess.run(asked, cwd=folder, capture_output=True, text=True, check=True).stdout
