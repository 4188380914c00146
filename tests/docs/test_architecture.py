"""What the pages for contributors say of the code: the files they name, the layers they draw, the loops they offer."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "msgflash_apply"
ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
A_PATH = re.compile(r"(?<![\w./-])((?:[\w.-]+/)+[\w.-]*|\w+\.py)(?![\w*])")


@pytest.mark.parametrize("name", sorted(set(A_PATH.findall(ARCHITECTURE.split("## Glossary")[0]))))
def test_architecture_names_what_exists(name: str) -> None:
    """Each file or folder of the page exists, below the package or in the repo."""
    assert (PACKAGE / name).exists() or list(ROOT.glob(name))


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`([\w.-]+/[\w./-]*|[A-Z]+\.md)`", CONTRIBUTING))))
def test_contributing_names_what_exists(name: str) -> None:
    """Each file or folder of the page exists in the repo."""
    assert (ROOT / name).exists() or (ROOT / "tests/unit/files" / name).exists()


def test_layers_are_those_that_lint_checks() -> None:
    """The rows that the page draws are the contract of import-linter."""
    drawn = ARCHITECTURE.split("## Which way imports point\n\n")[1].split("\n\n")[0]
    rows = [re.sub(r"\s+", " ", row).strip() for row in drawn.splitlines()]

    layers = next(
        c["layers"] for c in PROJECT["tool"]["importlinter"]["contracts"] if c["name"] == "Imports point down"
    )
    assert rows == [row.replace("msgflash_apply.", "") for row in layers]


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\bmake (\w+)", CONTRIBUTING))))
def test_targets_exist(target: str) -> None:
    """Each target of make that the page offers is one."""
    assert f"\n{target}:" in (ROOT / "Makefile").read_text(encoding="utf-8")
