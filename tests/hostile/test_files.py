"""Things in the place of files: what a stranger's branch may hold, or put there while it is read, ends in a finding."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from msgflash_apply.cli.output import source_line
from msgflash_apply.errors import MsgflashApplyError
from msgflash_apply.files.load import load
from msgflash_apply.files.repo import read_bytes
from msgflash_apply.files.settings import load_settings
from msgflash_apply.findings import InvalidFiles
from msgflash_apply.models.project import Settings
from tests.unit.files.repos import WELCOME, in_short, loaded, settings_of, write

Plant = Callable[[Path], None]


def a_pipe(path: Path) -> None:
    """Make a named pipe that nobody writes to."""
    os.mkfifo(path)


def a_folder(path: Path) -> None:
    """Make a folder."""
    path.mkdir()


def a_terabyte(path: Path) -> None:
    """Make a file of a terabyte that takes no room."""
    path.touch()
    os.truncate(path, 2**40)


def an_endless_device(path: Path) -> None:
    """Link to a device that gives zeros without end."""
    path.symlink_to("/dev/zero")


def this_process(path: Path) -> None:
    """Link to what the kernel tells of this process: its environment holds the secrets."""
    path.symlink_to("/proc/self/environ")


def a_file_elsewhere(path: Path) -> None:
    """Link to a file outside of the repo."""
    path.symlink_to("/etc/passwd")


def a_link_to_itself(path: Path) -> None:
    """Link in a circle."""
    path.symlink_to(path)


PLANTS = [a_pipe, a_folder, a_terabyte, an_endless_device, this_process, a_file_elsewhere, a_link_to_itself]
WITHOUT_FOLDER = [plant for plant in PLANTS if plant is not a_folder]


@pytest.mark.parametrize("plant", PLANTS)
def test_project_file_that_is_none(tmp_path: Path, plant: Plant) -> None:
    """Whatever stands in the place of msgflash.yaml is refused by its looks, and none of it is shown."""
    plant(tmp_path / "msgflash.yaml")

    with pytest.raises(InvalidFiles) as caught:
        load_settings(tmp_path, environment=None, environ={})

    (finding,) = caught.value.diagnostics
    assert finding.file == "msgflash.yaml"
    assert "root:" not in f"{finding.message}{finding.hint}"


@pytest.mark.parametrize("plant", WITHOUT_FOLDER)
def test_campaign_file_that_is_none(tmp_path: Path, plant: Plant) -> None:
    """Whatever stands among the campaigns is a finding about its name, and the others are read."""
    write(tmp_path, {"campaigns/b.yaml": WELCOME})
    plant(tmp_path / "campaigns/a.yaml")

    found = load(Settings(tmp_path))

    assert [finding.file for finding in found.diagnostics] == ["campaigns/a.yaml"]
    assert [campaign.address for campaign in found.campaigns] == ["b"]


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "---\n---\n"])
def test_project_file_without_content(tmp_path: Path, text: str) -> None:
    """A project file of comments alone lacks its version, which is told at its beginning."""
    with pytest.raises(InvalidFiles) as caught:
        settings_of(write(tmp_path, {"msgflash.yaml": text}))

    assert in_short(caught.value.diagnostics) == ["msgflash.yaml:1:1 MF302"]


def test_folder_that_is_called_like_a_file(tmp_path: Path) -> None:
    """A folder may have any name: what lies in it are campaigns, and it is none itself."""
    assert in_short(loaded(tmp_path, {"a.yaml/b.yaml": WELCOME}).diagnostics) == []


@pytest.mark.parametrize("plant", [a_pipe, an_endless_device])
def test_file_that_became_a_pipe(tmp_path: Path, plant: Plant) -> None:
    """What was a file when it was found and is none when it is read is an error, and nobody waits for it."""
    plant(tmp_path / "a.yaml")

    with pytest.raises(OSError, match="not a regular file"):
        read_bytes(str(tmp_path / "a.yaml"))


def test_file_that_vanished_or_shrank(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line of a finding is left out where the file is not there any more, or has fewer lines by now."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "short.yaml").write_text("one\n")
    a_pipe(tmp_path / "pipe.yaml")

    assert source_line("gone.yaml", 1) is None
    assert source_line("pipe.yaml", 1) is None
    assert source_line("short.yaml", 3) is None
    assert source_line("short.yaml", 1) == "one"


@pytest.mark.parametrize("link", [".msgflash", ".msgflash/default.json"])
def test_default_state_does_not_lead_out(tmp_path: Path, link: str) -> None:
    """A link in the place of the state, or of its folder, is refused where it leads out of the repo."""
    repo = write(tmp_path / "repo", {"campaigns/a.yaml": WELCOME})
    (repo / link).parent.mkdir(exist_ok=True)
    (repo / link).symlink_to(tmp_path)

    with pytest.raises(MsgflashApplyError, match="outside the repo"):
        settings_of(repo)
    assert settings_of(repo, environ={"MSGFLASH_STATE": "/elsewhere/{environment}.json"}).state_is_from_environment


def test_state_of_an_environment_does_not_lead_out(tmp_path: Path) -> None:
    """The place is checked with the environment's name filled in, since that is where the link would be."""
    project = "version: 1\nstate: states/{environment}.json\nenvironments: {live: {}}\n"
    repo = write(tmp_path / "repo", {"states/readme": ""})
    (repo / "states/live.json").symlink_to(tmp_path / "other.json")

    assert settings_of(repo, project).state == "states/default.json"
    with pytest.raises(MsgflashApplyError, match=r"states/live\.json leads out"):
        settings_of(repo, project, environment="live")


def test_variables_may_come_through_a_pipe(tmp_path: Path) -> None:
    """A file of variables is named by a person, who may give a pipe: all of it is read."""
    reading, writing = os.pipe()
    os.write(writing, b"brand: Acme\n")
    os.close(writing)

    settings = settings_of(tmp_path, variable_files=[Path(f"/dev/fd/{reading}")])

    os.close(reading)
    assert settings.custom_above == {"brand": "Acme"}


def test_endless_variables_are_refused(tmp_path: Path) -> None:
    """A file of variables without an end is read as far as any honest one goes."""
    with pytest.raises(MsgflashApplyError, match="larger than 1024 KiB"):
        settings_of(tmp_path, variable_files=[Path("/dev/zero")])
