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
        for file in CAMPAIGNS:
            shutil.copy(file, repo.folder / "campaigns" / file.name)
        refused = repo.apply()
        assert account.campaigns() == []
        return refused


@pytest.mark.parametrize("file", CAMPAIGNS, ids=lambda file: file.stem)
def test_bad_campaign_is_pointed_at(refusal: Completed, file: Path) -> None:
    """A mistake in a campaign file is an error, told at its place however many others there are."""
    assert refusal.code == 1
    assert_points(refusal.err, f"campaigns/{file.name}")


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
