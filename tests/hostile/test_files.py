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


@pytest.mark.parametrize("name", ["state", "state_key_file"])
@pytest.mark.parametrize("section", ["", "environments: {live: {NAME: 'states/{environment}.json'}}\n"])
def test_place_is_checked_with_the_environment_filled_in(tmp_path: Path, name: str, section: str) -> None:
    """A link under the name filled in is refused, whichever environment is chosen, at the line that says so."""
    section = section or "NAME: states/{environment}.json\nenvironments: {live: {}}\n"
    repo = write(tmp_path / "repo", {"states/readme": ""})
    (repo / "states/live.json").symlink_to(tmp_path / "other.json")

    with pytest.raises(InvalidFiles) as caught:
        settings_of(repo, "version: 1\n" + section.replace("NAME", name))

    (finding,) = caught.value.diagnostics
    assert (finding.code, finding.line) == ("MF103", 2)
    assert "leads out of the repo in environment `live`" in finding.message


@pytest.mark.parametrize("place", ["{out}/key", "../key", "keys/../../key", "/nowhere/key", "keys/state"])
def test_key_file_may_be_elsewhere(tmp_path: Path, place: str) -> None:
    """A key has no business in the repo: a path that says that it leads elsewhere is the user's own choice."""
    repo = write(tmp_path / "repo", {"keys/readme": ""})

    settings = settings_of(repo, f"version: 1\nstate_key_file: {place.replace('{out}', str(tmp_path))}\n")

    assert settings.state_key_file == place.replace("{out}", str(tmp_path))


@pytest.mark.parametrize(
    ("state", "code", "says"),
    [
        ("../../outside://{environment}.json", "MF305", "holds `://`"),
        ("x/s3://acme/state", "MF305", "holds `://`"),
        (" s3://acme/state", "MF305", "holds `://`"),
        ("foo://x", "MF305", "begins with `foo://`"),
        ("file:///etc/state", "MF305", "begins with `file://`"),
        ("s3:/acme/state", "MF305", "begins with `s3:`"),
        ("C:\\\\state.json", "MF305", "begins with `C:`"),
        ("states\\\\..\\\\..\\\\x", "MF103", "leads out"),
        ("a\\u001b]0;pwn\\u0007.json", "MF305", "cannot be seen"),
        ("a\\n::add-mask::a.json", "MF305", "cannot be seen"),
        ("a\\u202e.json", "MF305", "cannot be seen"),
        ("s3://acme/\\u0085state", "MF305", "cannot be seen"),
        (".", "MF103", "leads out"),
        ("./", "MF103", "leads out"),
        (".git/state.json", "MF103", "leads out"),
        (".GIT/hooks/{environment}", "MF103", "leads out"),
        ("self/../../{environment}.json", "MF103", "leads out"),
        ("self", "MF103", "leads out"),
    ],
)
@pytest.mark.parametrize("own", [False, True])
def test_place_of_the_state_is_known(tmp_path: Path, state: str, code: str, says: str, *, own: bool) -> None:
    """A state is in a storage that is known, or in the repo; anything else is an error that says what is allowed."""
    (tmp_path / "self").symlink_to(".")
    text = f'state: "{state}"'

    with pytest.raises(InvalidFiles) as caught:
        settings_of(tmp_path, "version: 1\n" + (f"environments: {{live: {{{text}}}}}\n" if own else f"{text}\n"))

    (finding,) = caught.value.diagnostics
    assert (finding.code, finding.line) == (code, 2)
    assert says in finding.message
    assert "`.msgflash/{environment}.json`, or a URL that begins with az://, gs://, http://" in str(finding.hint)
    assert "\x1b" not in finding.message


@pytest.mark.parametrize("state", ["S3://acme/x", "postgres://db/x", "http://127.0.0.1/x", "states/a:b.json", "x y/z"])
def test_places_of_states(tmp_path: Path, state: str) -> None:
    """A scheme may be in capitals, as in any URL, and a name in the repo may hold a colon or a space."""
    assert settings_of(tmp_path, f"version: 1\nstate: {state}\n").state == state


@pytest.mark.parametrize("target", ["../../secret.yaml", "../.git/config", "../.env"])
def test_link_does_not_lead_to_secrets(tmp_path: Path, target: str) -> None:
    """A link to a file elsewhere, or to a hidden one, is refused unread: git's credentials and a `.env` are there."""
    hidden = dict.fromkeys(("secret.yaml", "repo/.git/config", "repo/.env"), "token: hunter2\n")
    repo = write(tmp_path, hidden) / "repo"
    (repo / "campaigns").mkdir()
    (repo / "campaigns/a.yaml").symlink_to(target)
    (repo / "vars.yaml").symlink_to(target[3:])
    (repo / "up").symlink_to(tmp_path / "a")

    assert in_short(load(Settings(repo)).diagnostics) == ["a.yaml:None:None MF103"]
    for given in (Path("vars.yaml"), repo / "vars.yaml", Path("campaigns/../vars.yaml"), Path("../repo/vars.yaml")):
        with pytest.raises(InvalidFiles) as caught:
            settings_of(repo, variable_files=[given])
        assert in_short(caught.value.diagnostics) == ["vars.yaml:None:None MF103"]
    with pytest.raises(InvalidFiles, match="1 mistake"):  # which is `../secret.yaml`, and looks like one of the repo
        settings_of(repo, variable_files=[Path("up/../secret.yaml")])
    with pytest.raises(InvalidFiles, match="1 mistake"):
        settings_of(repo, "version: 1\nstate_key_file: up/../secret.yaml\n")
    (repo / "msgflash.yaml").unlink()
    (repo / "msgflash.yaml").symlink_to(target[3:])
    with pytest.raises(InvalidFiles) as caught:
        settings_of(repo)
    assert in_short(caught.value.diagnostics) == ["msgflash.yaml:None:None MF103"]


def test_variables_from_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path that leads out of the repo by itself is the user's choice, and so is a link that no branch can write."""
    repo = write(tmp_path, {"real/secret.yaml": "brand: Acme\n", "repo/vars/own.yaml": "brand: Acme\n"}) / "repo"
    (tmp_path / "link.yaml").symlink_to("real/secret.yaml")
    (repo / "vars.yaml").symlink_to("vars/own.yaml")
    monkeypatch.chdir(repo)

    for given in ("../link.yaml", f"{tmp_path}/link.yaml", "vars.yaml", "vars/own.yaml"):
        assert settings_of(repo, variable_files=[Path(given)]).custom_above == {"brand": "Acme"}


@pytest.mark.parametrize("folder", ["linked", "linked/inner", "./linked"])
def test_campaigns_folder_is_no_link(tmp_path: Path, folder: str) -> None:
    """Links to folders are not followed, not even within the repo: the hint says what to write."""
    write(tmp_path, {"real/inner/a.yaml": WELCOME})
    (tmp_path / "linked").symlink_to("real")

    with pytest.raises(InvalidFiles) as caught:
        settings_of(tmp_path, f"version: 1\ncampaigns: {folder}\n")

    (finding,) = caught.value.diagnostics
    assert (finding.code, finding.message) == ("MF103", "links to folders are not followed")
    assert f"write `campaigns: {folder.replace('linked', 'real').removeprefix('./')}`" in str(finding.hint)
    (found,) = load(Settings(tmp_path, campaigns="linked")).diagnostics
    assert found.code == "MF103"


@pytest.mark.parametrize("name", ["msgflash.yml", ".msgflash.yaml", "MSGFLASH.YAML", "Msgflash.yml"])
@pytest.mark.parametrize("project", ["", "version: 1\n"])
def test_project_file_of_another_name(tmp_path: Path, name: str, project: str) -> None:
    """A file whose limits do not hold is an error, beside msgflash.yaml too."""
    write(tmp_path, {name: "policy: {max_creates: 0}\n"})

    with pytest.raises(InvalidFiles) as caught:
        settings_of(tmp_path, project)

    assert in_short(caught.value.diagnostics) == [f"{name}:None:None MF108"]
    wanted = "move what it says" if project and name != "MSGFLASH.YAML" else "rename it to msgflash.yaml"
    assert wanted in str(caught.value.diagnostics[0].hint)


@pytest.mark.parametrize("name", ["msgflash.yaml.bak", "msgflash.json", ".msgflash.yaml.swp", "my-msgflash.yml"])
def test_names_that_are_no_slip(tmp_path: Path, name: str) -> None:
    """Other files are nothing to us."""
    write(tmp_path, {name: "{{{"})

    assert settings_of(tmp_path).policy.max_creates == 500


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
