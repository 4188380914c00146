"""The benchmarks in their quick form, so that they never rot; and what holds on every machine, however busy."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.corpus import write_corpus
from benchmarks.measure import run
from msgflash_apply.sandbox.server import Sandbox
from tests.support.command import PROGRAM, Repo

ROOT = Path(__file__).parents[2]
MOST_MEGABYTES = 150
MOST_KIB_EACH = 13
"""Of a campaign in an apply, from its file to the report."""

MIB = 1.048576


def table_of(*command: str) -> list[list[str]]:
    """Run a benchmark, and read the table that it prints."""
    done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert not done.stderr, done.stderr
    return [[cell.strip() for cell in line.strip("| ").split("|")] for line in done.stdout.splitlines()]


def test_speed_is_measured() -> None:
    """Every row of the small size comes with a ratio; the targets themselves are for a machine that is not busy."""
    rows = {row[0]: row for row in table_of("benchmarks.speed", "--sizes", "300", "--rounds", "1")}

    for name in (
        "--version",
        "--help",
        "validate of one file",
        *(f"300 campaigns: plan, {n}" for n in ("first", "again")),
    ):
        assert float(rows[name][2]) > 0
    assert "with look-ups" in "".join(rows)


def test_applies_are_measured() -> None:
    """What a create costs hardly depends on how many there are: memory from file to report, bytes of the journal."""
    *_, few, more = table_of("benchmarks.apply", "--paced", "0", "--sizes", "200", "1200")

    assert (few[0], more[0]) == ("200", "1200")
    assert float(more[4]) <= MOST_KIB_EACH
    assert 0 < int(more[5]) <= int(few[5]) < 2000
    assert int(more[5]) == pytest.approx(int(few[5]), rel=0.01)


@pytest.mark.parametrize("again", [False, True], ids=["first", "again"])
def test_memory_of_ten_thousand_campaigns(tmp_path: Path, sandbox: Sandbox, *, again: bool) -> None:
    """A plan of ten thousand campaigns in which nothing changes fits into 150 MB."""
    write_corpus(tmp_path / "repo", 10_000)
    environ = {**Repo(tmp_path, sandbox)._environment(None), "XDG_CACHE_HOME": str(tmp_path / "cache")}

    took = [run((*PROGRAM, "plan"), folder=tmp_path / "repo", environ=environ) for _ in range(1 + again)]

    assert took[-1].peak_mib * MIB <= MOST_MEGABYTES
