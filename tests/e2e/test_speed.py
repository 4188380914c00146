"""The benchmarks in their quick form, so that they never rot; and what holds on every machine, however busy."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.speed import MOST_GROWTH, MOST_MEGABYTES, TARGETS, a_bench, plans

ROOT = Path(__file__).parents[2]
MOST_KIB_EACH = 13
"""Of a campaign in an apply, from its file to the report."""

CPU_TARGETS = {**TARGETS, 1_000: 6.5, 10_000: 4.0}
"""
In floors, but of processor time. Two cores share the files, so that twice the floor on the clock is up to four times on
the processor; a busy machine adds a tenth and more to either side of the ratio. `benchmarks.speed` holds the clock.
"""

MIB = 1.048576


pytestmark = pytest.mark.slow


def table_of(*command: str) -> list[list[str]]:
    """Run a benchmark, and read the table that it prints."""
    done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert not done.stderr, done.stderr
    return [[cell.strip() for cell in line.strip("| ").split("|")] for line in done.stdout.splitlines()]


def test_speed_is_measured() -> None:
    """Every row of a small size comes with a ratio; what no busy machine disturbs is held."""
    rows = {row[0]: row for row in table_of("benchmarks.speed", "--sizes", "300", "--rounds", "1")}

    for name in ("validate of one file", "300 campaigns: plan", "300 campaigns: plan with look-ups"):
        assert float(rows[name][2]) > 0
    assert {name: rows[name][3] for name in ("--version", "--help", "plan --help")} == {
        "--version": "<= 1.5",
        "--help": "<= 1.5",
        "plan --help": "<= 15",
    }


def test_plan_takes_so_many_floors(tmp_path: Path, subtests: pytest.Subtests) -> None:
    """
    A plan in which nothing changes takes a small multiple of what PyYAML takes to parse the same files.

    On the processor: what a busy machine gives to others does not count. Nothing in it takes the square of the number
    of campaigns, and ten thousand of them fit into 150 MB.
    """
    with a_bench(tmp_path, rounds=3) as bench:
        times = {campaigns: plans(bench, campaigns) for campaigns in TARGETS}

    for campaigns, floors in CPU_TARGETS.items():
        with subtests.test("floors", campaigns=campaigns):
            assert times[campaigns]["plan"].cpu_seconds <= floors * times[campaigns]["floor"].cpu_seconds
    with subtests.test("growth"):
        assert times[10_000]["plan"].cpu_seconds <= MOST_GROWTH * times[1_000]["plan"].cpu_seconds
    with subtests.test("memory"):
        assert times[10_000]["plan"].peak_mib * MIB <= MOST_MEGABYTES


def test_applies_are_measured() -> None:
    """What a create costs hardly depends on how many there are: memory from file to report, bytes of the journal."""
    *_, few, more = table_of("benchmarks.apply", "--paced", "0", "--sizes", "200", "1200")

    assert (few[0], more[0]) == ("200", "1200")
    assert float(more[4]) <= MOST_KIB_EACH
    assert 0 < int(more[5]) <= int(few[5]) < 2000
    assert int(more[5]) == pytest.approx(int(few[5]), rel=0.01)
