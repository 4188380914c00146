"""The hooks, run by pre-commit itself from a repo of their own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pipelines.runner import ROOT
from tests.support.command import campaign_text

NEEDED = (".pre-commit-hooks.yaml", "LICENSE", "README.md", "campaigns", "docs", "msgflash.yaml", "msgflash_apply",
          "pyproject.toml", "schemas", "templates")  # fmt: skip
PRE_COMMIT = str(Path(sys.executable).parent / "pre-commit")


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder, as somebody."""
    somebody = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.com"]
    done = subprocess.run(["git", *somebody, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def hooks(tmp_path: Path) -> Path:
    """Commit this program to a repo of its own."""
    folder = tmp_path / "program"
    folder.mkdir()
    for name in NEEDED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "all")
    return folder


@pytest.fixture
def checkout(tmp_path: Path, hooks: Path) -> Path:
    """Make a campaigns repo that uses both hooks, with one good campaign."""
    folder = tmp_path / "checkout"
    (folder / "campaigns").mkdir(parents=True)
    (folder / "msgflash.yaml").write_text("version: 1\n", encoding="utf-8")
    (folder / "campaigns/good.yaml").write_text(campaign_text("good"), encoding="utf-8")
    (folder / ".pre-commit-config.yaml").write_text(
        f"repos:\n  - repo: {hooks}\n    rev: {git(hooks, 'rev-parse', 'HEAD')}\n"
        "    hooks: [{id: msgflash-fmt}, {id: msgflash-validate}]\n",
        encoding="utf-8",
    )
    git(folder, "init", "--quiet")
    return folder


def pre_commit(checkout: Path, cache: Path) -> "subprocess.CompletedProcess[str]":
    """Stage everything, and run the hooks on it; what pre-commit installs is kept for the next run."""
    git(checkout, "add", ".")
    environment = {**os.environ, "PRE_COMMIT_HOME": str(cache)}
    command = [PRE_COMMIT, "run", "--all-files", "--verbose"]
    return subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_hooks_format_and_validate(checkout: Path, tmp_path: Path) -> None:
    """The first run writes canonical files and so fails, the second passes, and a mistake is told with its place."""
    cache = tmp_path / "cache"

    written = pre_commit(checkout, cache)
    passed = pre_commit(checkout, cache)
    (checkout / "campaigns/bad.yaml").write_text("name: x\n", encoding="utf-8")
    failed = pre_commit(checkout, cache)

    assert (written.returncode, passed.returncode, failed.returncode) == (1, 0, 1), written.stdout + passed.stdout
    assert "files were modified by this hook" in written.stdout
    assert "1 campaign is valid" in passed.stdout
    assert "campaigns/bad.yaml:1:1: error MF302" in failed.stdout


def test_manifest_is_one() -> None:
    """pre-commit takes the list of hooks."""
    done = subprocess.run([PRE_COMMIT, "validate-manifest", ROOT / ".pre-commit-hooks.yaml"], check=False)

    assert done.returncode == 0
