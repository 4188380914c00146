"""The container: what its build is given, and what the steps of its build stage make of that; no container is run."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from msgflash_apply import __version__
from tests.pipelines.locks import ROOT, installed, locked_here

STEPS = re.findall(
    r"^([A-Z]+) ((?:.*\\\n)*.*)", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE
)  # fmt: skip
PROGRAM = "/opt/msgflash-apply"
PATIENCE_SECONDS = 300


def let_through() -> list[str]:
    """List what .dockerignore lets through; it names each path in full, and leaves everything else out."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    everything, *kept = [line for line in lines if not line.startswith("#")]
    assert everything == "*"
    assert all(re.fullmatch(r"![\w./-]+", line) for line in kept)
    return [line.removeprefix("!") for line in kept]


def a_context(folder: Path) -> Path:
    """Copy what a build of the container is given."""
    for name in let_through():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    return folder


def build(context: Path, root: Path) -> "subprocess.CompletedProcess[str]":
    """Run the steps of the build stage, each path of theirs below a folder; the last step's end."""
    (_, _), (copy, copied), *running = STEPS[: [name for name, _ in STEPS].index("FROM", 1)]
    assert (copy, copied) == ("COPY", ". /src")
    assert {name for name, _ in running} == {"RUN"}
    shutil.copytree(context, root / "src")
    script = "\n".join(re.sub(r"(?<![\w.])/(?=(?:src|opt)/)", f"{root}/", command) for _, command in running)
    return subprocess.run(
        ["sh", "-e", "-c", script], cwd=root, capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS
    )


def test_container_is_small_and_harmless() -> None:
    """The Dockerfile starts from a slim image of a version, ends as a user who is not root, and takes no secret."""
    names = [name for name, _ in STEPS]

    assert all(re.match(r"python:3\.\d+-slim\b", rest) for name, rest in STEPS if name == "FROM")
    assert names.index("USER") < names.index("ENTRYPOINT")
    assert dict(STEPS)["USER"] == "10001"
    assert dict(STEPS)["ENTRYPOINT"] == '["msgflash-apply"]'
    assert not {"ARG", "ADD"} & set(names)
    assert "KEY" not in "".join(rest for _, rest in STEPS)


def test_container_has_what_the_jobs_of_gitlab_run() -> None:
    """The script of docs/gitlab-ci.yml is on the path under the name that the jobs use, with what it needs."""
    copies = [rest for name, rest in STEPS if name == "COPY"]

    assert "--from=build --chmod=0755 /src/.ci/gitlab /usr/local/bin/msgflash-gitlab" in copies
    assert any("install --yes --no-install-recommends curl jq" in rest for name, rest in STEPS if name == "RUN")


def test_container_gets_what_the_installation_needs() -> None:
    """The build context holds every file that the installation is made of, and nothing else."""
    assert sorted(let_through()) == [
        ".ci/build.txt", ".ci/gitlab", ".ci/install", ".ci/runtime.txt", "LICENSE", "README.md", "campaigns",
        "docs/gitlab-ci.yml", "docs/pipelines.md", "msgflash.yaml", "msgflash_apply", "pyproject.toml", "schemas",
        "templates",
    ]  # fmt: skip


@pytest.mark.slow
def test_build_stage_installs_what_is_locked(tmp_path: Path) -> None:
    """The program works, and beside it is just what .ci/runtime.txt names: nothing newer, nothing to build with."""
    built = build(a_context(tmp_path / "context"), tmp_path)
    assert built.returncode == 0, built.stdout + built.stderr

    folder = tmp_path / PROGRAM.removeprefix("/")
    assert installed(folder) == {**locked_here("runtime.txt"), "msgflash-apply": __version__}
    [wheel] = folder.glob("lib/python*/site-packages/msgflash_apply-*.dist-info/WHEEL")
    assert f"Generator: hatchling {locked_here('build.txt')['hatchling']}\n" in wheel.read_text(encoding="utf-8")
    command = [str(folder / "bin/msgflash-apply"), "validate"]
    said = subprocess.run(command, cwd=tmp_path / "src", capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stdout + said.stderr


@pytest.mark.parametrize("lock", ["build.txt", "runtime.txt"])
def test_replaced_package_is_refused(lock: str, tmp_path: Path) -> None:
    """A package of a locked version that is not the one that was locked ends the build, before any of it is run."""
    context = a_context(tmp_path / "context")
    text = (context / ".ci" / lock).read_text(encoding="utf-8")
    (context / ".ci" / lock).write_text(re.sub(r"(?<=--hash=sha256:)\w{8}", "0" * 8, text), encoding="utf-8")

    built = build(context, tmp_path)

    assert built.returncode != 0
    assert "DO NOT MATCH THE HASHES" in built.stderr
    assert not (tmp_path / "opt/msgflash-apply/bin/msgflash-apply").exists()
