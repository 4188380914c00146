"""Whole files, good and bad: adding one to `valid/` or `invalid/` adds a test."""

import re
from pathlib import Path

import pytest

from msgflash_apply.files.load import Loaded, load, load_each
from msgflash_apply.files.settings import load_each_settings, load_settings
from msgflash_apply.models.project import Settings

HERE = Path(__file__).parent
REPO = HERE.parents[2]
EXPECTS = re.compile(r"^# expects (MF[0-9]{3} [0-9]+:[0-9]+) (.*)$", re.MULTILINE)


def files_in(*folders: str) -> list[Path]:
    """The example files of some folders."""
    return sorted(file for folder in folders for file in (HERE / folder).iterdir())


def load_alone(file: Path, tmp_path: Path) -> Loaded:
    """Load a copy of one file as the only campaign file, or template file, of a repo."""
    folder = tmp_path / ("templates" if file.parent.name.endswith("templates") else "campaigns")
    for name in {"campaigns", folder.name}:
        (tmp_path / name).mkdir()
    (folder / file.name).write_bytes(file.read_bytes())
    return load(Settings(tmp_path, custom_below={"brand": "Acme"}))


@pytest.mark.parametrize("file", files_in("valid", "valid_templates"), ids=lambda file: str(file.stem))
def test_good_file(file: Path, tmp_path: Path) -> None:
    """A file in `valid/` gives campaigns, or templates, and neither error nor warning."""
    result = load_alone(file, tmp_path)

    assert result.diagnostics == ()
    assert result.campaigns or result.templates


@pytest.mark.parametrize("file", files_in("invalid", "invalid_templates"), ids=lambda file: str(file.stem))
def test_bad_file(file: Path, tmp_path: Path) -> None:
    """A file in `invalid/` gives exactly the diagnostics that its head announces."""
    announced = EXPECTS.findall(file.read_text(encoding="utf-8"))

    result = load_alone(file, tmp_path)

    found = [(f"{d.code} {d.line}:{d.column}", f"{d.message} ({d.hint})") for d in result.diagnostics]
    assert [place for place, _ in found] == [place for place, _ in announced]
    for (_, words), (_, said) in zip(announced, found, strict=True):
        assert words in said
    assert result.has_errors


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_worked_examples_are_clean(environment: str) -> None:
    """The examples that people start from load without error or warning in each of their environments."""
    settings = load_settings(REPO, environment=environment, environ={})

    result = load(settings)

    assert result.diagnostics == ()
    assert len(result.campaigns) > result.files


def test_worked_examples_send_nothing_twice() -> None:
    """No two environments of the examples would send people the same thing: staging goes to a few colleagues."""
    every = load_each_settings(REPO, environment=None, environ={})

    result = load_each(every)

    assert result.diagnostics == ()
    assert result.environments == ("production", "staging")
    staging = load(every[1]).campaigns
    assert [campaign.payload["recipients"] for campaign in staging] == len(staging) * [
        {"type": "tags", "value": ["staff"]}
    ]


def test_worked_examples_cover_every_content_mode_and_audience() -> None:
    """There is an example of each content mode and each kind of recipients, all of them far ahead."""
    campaigns = load(load_settings(REPO, environment="production", environ={})).campaigns

    modes = {str(campaign.payload.get("type", "template")) for campaign in campaigns}
    audiences = {str(dict(campaign.payload)["recipients"]).split("'")[3] for campaign in campaigns}
    assert modes == {"template", "text", "image", "video", "audio", "document", "voice_note", "buttons"}
    assert audiences == {"all", "tags", "explicit", "group"}
    assert {campaign.starts_at.year for campaign in campaigns} == {2099}
