"""The first step of the action: the program comes from the action's own checkout, and knows no secret."""

import subprocess
import sys
from pathlib import Path

import pytest

from msgflash_apply import __version__
from tests.pipelines.locks import installed, locked_here
from tests.pipelines.runner import ACTION, ROOT, Runner

TRAP = "raise SystemExit('a module of the checkout was imported')\n"


@pytest.mark.slow
def test_program_is_installed_from_the_checkout_of_the_action(runner: Runner) -> None:
    """The step installs what is locked, even in a checkout that shadows the modules of Python that it uses."""
    for name in ("venv", "ensurepip", "pip", "site", "hatchling"):
        runner.repo.write(f"{name}.py", TRAP)
    runner.environ["PYTHONPATH"] = str(runner.repo.folder)
    runner.environ["PYTHONWARNINGS"] = "default"  # of other people's installer

    process = runner.start_step(ACTION["runs"]["steps"][0], {})
    log, _ = process.communicate(timeout=300)

    assert process.returncode == 0, log
    program = runner.folder / "msgflash-apply/bin/msgflash-apply"
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    assert __version__ in said.stdout
    assert installed(program.parents[1]) == {**locked_here("runtime.txt"), "msgflash-apply": __version__}


def test_other_commit_of_the_same_version_is_replaced(runner: Runner) -> None:
    """A job that uses the action at two commits runs the program of the second, whatever its version says."""
    program = runner.folder / "msgflash-apply"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", program], check=True)
    [packages] = program.glob("lib/python*/site-packages")
    info = packages / f"msgflash_apply-{__version__}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: msgflash-apply\nVersion: {__version__}\n", "utf-8")
    (info / "RECORD").write_text(f"msgflash_apply/gone.py,,\n{info.name}/METADATA,,\n{info.name}/RECORD,,\n", "utf-8")
    (packages / "msgflash_apply").mkdir()
    (packages / "msgflash_apply/gone.py").write_text("GONE = 1\n", encoding="utf-8")

    process = runner.start_step(ACTION["runs"]["steps"][0], {})
    log, _ = process.communicate(timeout=300)

    assert process.returncode == 0, log
    assert not (packages / "msgflash_apply/gone.py").exists()
    assert (packages / "msgflash_apply/__main__.py").exists()


def test_old_python_is_told_plainly(runner: Runner) -> None:
    """A runner whose python3 is too old learns which one is needed."""
    old = runner.repo.write("bin/python3", "#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    runner.environ["PATH"] = f"{old.parent}:/usr/bin:/bin"

    process = runner.start_step(ACTION["runs"]["steps"][0], {})
    log, _ = process.communicate(timeout=60)

    assert process.returncode == 1
    assert "::error::msgflash-apply needs python3 of version 3.11 or later" in log


def test_installation_sees_no_secret(runner: Runner) -> None:
    """Whatever runs while packages are built, it finds no key of MsgFlash, the storage or the pipeline."""
    secrets = ("MSGFLASH_API_KEY", "MSGFLASH_STATE_KEY", "PGPASSWORD", "AWS_SECRET_ACCESS_KEY", "TF_HTTP_PASSWORD")
    runner.environ.update(dict.fromkeys((*secrets, "CI_JOB_TOKEN", "GH_TOKEN"), "canary-4711"))
    seen = runner.folder / "seen"
    spy = runner.repo.write("bin/python3", f"#!/bin/sh\nenv >> {seen}\n")
    spy.chmod(0o755)
    runner.environ["PATH"] = f"{spy.parent}:/usr/bin:/bin"

    runner.start_step(ACTION["runs"]["steps"][0], {}).communicate(timeout=60)

    assert "PATH=" in seen.read_text()
    assert "canary-4711" not in seen.read_text()


def test_scripts_are_strict() -> None:
    """Every script of the action starts strictly: errors, unset names and broken pipes end it."""
    for script in (".github/scripts/install.sh", ".github/scripts/run.sh", ".ci/install"):
        text = Path(ROOT / script).read_text(encoding="utf-8")

        assert "\nset -euo pipefail\n" in text
        assert "eval" not in text
