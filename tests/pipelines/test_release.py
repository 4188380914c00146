"""What is published: the same bytes from the same commit, a bill of what is in it, and a signature that proves it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from packaging.utils import canonicalize_name

from tests.pipelines.locks import ROOT, locked_here

BILL = "msgflash-apply.cdx.json"


def shell(command: str, folder: Path, **environ: str) -> str:
    """Run a command line; fails with what it said."""
    env = {**os.environ, "PYTHON": sys.executable, **environ}
    done = subprocess.run(["bash", "-c", command], cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def a_clone(folder: Path) -> Path:
    """Clone this repo, with what lies in its working tree committed, so that a test sees what it would release."""
    shell(f"git clone --quiet {ROOT} {folder}", folder.parent)
    shell(f"cd {ROOT} && git ls-files -z -co --exclude-standard | tar -c --null -T - | tar -x -C {folder}", folder)
    identity = "-c user.name=Ada -c user.email=ada@example.com -c commit.gpgsign=false"
    shell(f"git add -A && git {identity} commit --quiet --allow-empty --date 2026-01-02T03:04:05Z -m All", folder)
    return folder


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a release in a clone."""
    clone = a_clone(tmp_path_factory.mktemp("release") / "clone")
    shell(".ci/release dist", clone)
    return clone


@pytest.mark.slow
def test_same_commit_gives_the_same_bytes(released: Path, tmp_path: Path) -> None:
    """Another folder, another day, another mask of rights and files that lie about change no byte of a release."""
    again = tmp_path / "elsewhere"
    shell(f"git clone --quiet {released} {again}", tmp_path)
    (again / "msgflash_apply/stray.py").write_text("STRAY = 1\n", encoding="utf-8")

    shell("umask 077; .ci/release built", again, TZ="Asia/Tokyo", LC_ALL="C")

    assert (again / "built/SHA256SUMS").read_bytes() == (released / "dist/SHA256SUMS").read_bytes()


@pytest.mark.slow
def test_bill_of_materials_is_one_and_lists_what_is_installed(released: Path) -> None:
    """The bill keeps to its format, and names what is installed at the versions of the runtime lock."""
    from cyclonedx.validation.json import JsonStrictValidator  # noqa: PLC0415 - collecting all tests takes no longer

    text = (released / "dist" / BILL).read_text(encoding="utf-8")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    bill = json.loads(text)
    listed = {canonicalize_name(part["name"]): part["version"] for part in bill["components"]}

    assert listed == locked_here("runtime.txt")


def test_signature_proves_the_files(released: Path, tmp_path: Path) -> None:
    """The recipe of the page signs a release and checks it; one changed byte, or another signer, is found."""
    signing, checking = (section_commands(name) for name in ("Sign", "Check"))
    (tmp_path / ".ssh").mkdir()
    shell("ssh-keygen -q -t ed25519 -N '' -f .ssh/release -C release@example.com", tmp_path)
    shell(f"cp -r {released}/dist . && (printf 'release@example.com ' && cat .ssh/release.pub) > SIGNERS", tmp_path)

    shell(signing[0], tmp_path, HOME=str(tmp_path))
    for command in checking[:2]:
        shell(command, tmp_path)

    wheel = next((tmp_path / "dist").glob("*.whl"))
    wheel.write_bytes(wheel.read_bytes()[:-1] + b"?")
    with pytest.raises(AssertionError, match="FAILED"):
        shell(checking[1], tmp_path)
    (tmp_path / "dist/SHA256SUMS").write_text("", encoding="utf-8")
    with pytest.raises(AssertionError, match="Could not verify"):
        shell(checking[0], tmp_path)


def test_workflows_have_the_least_rights() -> None:
    """No workflow has rights by default, and every action is named by its commit."""
    for file in sorted((ROOT / ".github/workflows").glob("*.yml")):
        text = file.read_text(encoding="utf-8")
        assert "\npermissions: {}\n" in text
        uses = re.findall(r"uses: (\S+)", text)
        assert uses
        assert all(re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", action) for action in uses)


def section_commands(title: str) -> list[str]:
    """Read the commands of a section of the page."""
    page = (ROOT / "docs/releasing.md").read_text(encoding="utf-8")
    section = page.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]
    return re.findall(r"^    (.*)$", section, re.MULTILINE)
