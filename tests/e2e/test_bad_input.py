"""A corpus of files that nobody should be able to break the command with; adding a file to `invalid/` adds a test."""

import os
import re
import shutil
from pathlib import Path

import pytest

from msgflash_apply.sandbox.server import Sandbox
from tests.support.command import FAST, Completed, Repo, a_repo

INVALID = Path(__file__).parent / "invalid"
CAMPAIGNS = sorted((INVALID / "campaigns").glob("*.yaml"))
TEMPLATES = sorted((INVALID / "templates").glob("*.yaml"))
PROJECTS = sorted((INVALID / "projects").glob("*.yaml"))


def assert_points(text: str, file: str) -> None:
    """Assert that a text tells an error at file, line and column, and shows no traceback."""
    assert re.search(rf"^{re.escape(file)}:[1-9]\d*:[1-9]\d*: error MF\d{{3}}: ", text, re.MULTILINE), text
    assert "Traceback" not in text
    assert "bug in msgflash-apply" not in text


@pytest.fixture(scope="module")
def refusal(tmp_path_factory: pytest.TempPathFactory) -> Completed:
    """Apply a good campaign and all the bad ones, which all have to be told in one go; nothing may be sent."""
    with Sandbox(FAST) as account:
        repo = a_repo(tmp_path_factory.mktemp("bad"), account)
        repo.campaign("good")
        (repo.folder / "templates").mkdir()
        for file in (*CAMPAIGNS, *TEMPLATES):
            shutil.copy(file, repo.folder / file.parent.name / file.name)
        refused = repo.apply()
        assert account.campaigns() == []
        return refused


@pytest.mark.parametrize("file", [*CAMPAIGNS, *TEMPLATES], ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_bad_campaign_or_template_is_pointed_at(refusal: Completed, file: Path) -> None:
    """A mistake in a campaign or template file is an error, reported at its place however many others there are."""
    assert refusal.code == 1
    assert_points(refusal.err, f"{file.parent.name}/{file.name}")


def test_one_bad_campaign_is_enough(repo: Repo, sandbox: Sandbox) -> None:
    """One mistake in one file, and nothing is sent for the good ones either."""
    repo.campaign("good")
    shutil.copy(INVALID / "campaigns/misspelt_field.yaml", repo.folder / "campaigns")
    refused = repo.apply()
    assert refused.code == 1
    assert_points(refused.err, "campaigns/misspelt_field.yaml")
    assert sandbox.campaigns() == []


@pytest.mark.parametrize("file", PROJECTS, ids=lambda file: file.stem)
def test_bad_project_file_is_pointed_at(repo: Repo, file: Path) -> None:
    """A mistake in the project file is told at its place."""
    shutil.copy(file, repo.folder / "msgflash.yaml")
    refused = repo.run("validate")
    assert refused.code == 1
    assert_points(refused.out, "msgflash.yaml")


def test_link_out_of_the_repo_is_not_followed(repo: Repo, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A symbolic link to a file elsewhere is refused, and nothing of that file is shown."""
    secret = tmp_path_factory.mktemp("elsewhere") / "secret.yaml"
    secret.write_text("password: hunter2\n")
    (repo.folder / "campaigns/link.yaml").symlink_to(secret)
    refused = repo.run("validate")
    assert refused.code == 1
    assert "campaigns/link.yaml" in refused.out
    assert "hunter2" not in refused.out + refused.err


def test_pipe_instead_of_a_file_is_refused(repo: Repo) -> None:
    """A named pipe among the campaigns does not make the command wait forever."""
    os.mkfifo(repo.folder / "campaigns/pipe.yaml")
    refused = repo.run("validate")
    assert refused.code == 1
    assert "campaigns/pipe.yaml" in refused.out


def test_missing_campaigns_folder_is_told(repo: Repo) -> None:
    """A folder that is not there is an error: taken for empty it would retire every campaign."""
    (repo.folder / "campaigns").rmdir()
    refused = repo.apply()
    assert refused.code == 1
    assert "campaigns" in refused.err


@pytest.mark.parametrize(
    "project", ["", "version: 1\n", "version: 1\nenvironments: {default: , live: {campaigns: other}}\n"]
)
@pytest.mark.parametrize(
    "arguments", ["validate", "fmt", "plan --offline --no-state", "plan", "apply --auto-approve", "calendar", "init"]
)
def test_campaigns_folder_is_no_link_out(tmp_path: Path, sandbox: Sandbox, project: str, arguments: str) -> None:
    """If `campaigns` leads out of the repo, that is the error, and nothing there is read, shown or written."""
    outside, repo = tmp_path / "outside", Repo(tmp_path / "repo", sandbox)
    outside.mkdir()
    (outside / "cred.yml").write_text("oauth_token:   gho_SUPERSECRETVALUE\n")
    repo.write("other/a.yaml", "")
    if project:
        repo.write("msgflash.yaml", project)
    (repo.folder / "campaigns").symlink_to(outside)

    refused = repo.run(*arguments.split())

    assert refused.code == 1
    said = refused.out + refused.err
    assert re.search(r"^campaigns: error MF103: this folder is a link that leads out", said, re.MULTILINE), said
    assert "gho_" not in said
    assert (outside / "cred.yml").read_text() == "oauth_token:   gho_SUPERSECRETVALUE\n"
    assert [path.name for path in outside.iterdir()] == ["cred.yml"]
    assert (repo.folder / "msgflash.yaml").exists() == bool(project)


def test_outputs_go_through_no_link(repo: Repo, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A branch that brings along links in the place of a report and a saved plan reaches no file of the user."""
    repo.campaign("sale")
    home = tmp_path_factory.mktemp("home")
    (home / "keys").write_text("owner\n")
    for name in ("plan.html", "plan.bin"):
        (repo.folder / name).symlink_to(home / "keys")

    done = repo.run("plan", "--format", "html", "--output", "plan.html", "--out", "plan.bin")

    assert (done.code, done.out) == (0, "")
    assert (home / "keys").read_text() == "owner\n"
    assert [(repo.folder / name).stat().st_mode & 0o777 for name in ("plan.html", "plan.bin")] == [0o600, 0o600]
    assert repo.run("apply", "--auto-approve", "plan.bin").code == 0


@pytest.mark.parametrize("place", ["-", "/dev/stdout"])
def test_report_to_standard_output(repo: Repo, place: str) -> None:
    """A dash is standard output, and so is its own name."""
    repo.campaign("sale")

    done = repo.run("plan", "--format", "json", "--output", place)

    assert done.document["environment"] == "default"
    assert not (repo.folder / "-").exists()


def test_misnamed_project_file_is_an_error_everywhere(tmp_path: Path, sandbox: Sandbox) -> None:
    """No command goes on without the limits that a msgflash.yml should set, and `init` writes nothing beside it."""
    repo = Repo(tmp_path, sandbox)
    repo.write("msgflash.yml", "version: 1\npolicy: {max_creates: 0}\n")
    repo.campaign("sale")

    for arguments in ("init", "validate", "plan --offline --no-state", "apply --auto-approve", "fmt", "calendar"):
        refused = repo.run(*arguments.split())
        assert refused.code == 1, arguments
        assert "msgflash.yml: error MF108" in refused.out + refused.err

    assert not (repo.folder / "msgflash.yaml").exists()
    assert sandbox.campaigns() == []


def test_init_writes_through_no_link(repo: Repo, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A branch that brings along links in the place of the first files reaches nothing outside the repo."""
    home = tmp_path_factory.mktemp("home")
    (repo.folder / "msgflash.yaml").unlink()
    (repo.folder / "schemas").symlink_to(home)

    refused = repo.run("init")

    assert refused.code == 1
    assert "schemas leads out of the repo by a link" in refused.err
    assert list(home.iterdir()) == []
