"""
The targets of speed and size, measured in one run, as ratios.

    python -m benchmarks.speed [--sizes 1000 10000 100000] [--rounds 5] [--terraform] [--keep FOLDER]

Whole process against whole process. The floor is PyYAML's `CSafeLoader` that does nothing but parse the same files. A
plan is `plan --refresh none` of unchanged campaigns, which sends no request, as the floor sends none; "with look-ups"
is a plain `plan` that asks a sandbox on this machine for the names in the files. Every number is the best of its
rounds; `cpu` is time on the processor, which a busy machine disturbs less. Exits 1 if a target is missed.
"""

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks import terraform
from benchmarks.corpus import write_corpus
from benchmarks.measure import Contender, Run, in_turn
from msgflash_apply.sandbox.server import Options, Sandbox

PYTHON: Final = sys.executable
PROGRAM: Final = (PYTHON, "-m", "msgflash_apply")
PLAN: Final = (*PROGRAM, "plan", "--refresh", "none")
FLOOR: Final = """
import os, yaml
for folder, _, names in os.walk("campaigns"):
    for name in names:
        with open(os.path.join(folder, name), "rb") as file:
            for document in yaml.load_all(file.read(), Loader=yaml.CSafeLoader):
                pass
"""
START_ROUNDS: Final = 4
"""As many times the rounds of the others: starting takes milliseconds."""

TARGETS: Final = {1_000: 5.0, 10_000: 2.0}
"""Most that a plan may take, in floors, on two cores; with fewer campaigns starting takes longer than reading them."""

MOST_MEGABYTES: Final = 150
MOST_GROWTH: Final = 11


@dataclass(frozen=True)
class Row:
    """One line of the table: what was measured against what, and what may come out."""

    what: str
    measured: str
    ratio: float | None = None
    target: float | None = None

    @property
    def is_met(self) -> bool:
        """Whether the target is met; True without one."""
        return self.ratio is None or self.target is None or self.ratio <= self.target

    def __str__(self) -> str:
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        target = "" if self.target is None else f"<= {self.target:g}"
        verdict = "" if self.target is None else "met" if self.is_met else "MISSED"
        return f"| {self.what} | {self.measured} | {ratio} | {target} | {verdict} |"


@dataclass(frozen=True)
class Bench:
    """
    Where and how to measure.

    Attributes:
        folder: for the repos.
        environ: of every process.
        rounds: of every contender.
    """

    folder: Path
    environ: Mapping[str, str]
    rounds: int

    def repo(self, campaigns: int) -> Path:
        """Give a repo of so many campaigns, with its state; made once."""
        root = self.folder / str(campaigns)
        if not root.exists():
            write_corpus(root, campaigns)
        return root


def plans(bench: Bench, campaigns: int) -> dict[str, Run]:
    """Measure the floor and the plans of one size, in turn."""
    contenders = {
        "floor": Contender((PYTHON, "-c", FLOOR)),
        "plan": Contender(PLAN),
        "plan with look-ups": Contender((*PROGRAM, "plan")),
    }
    return in_turn(contenders, rounds=bench.rounds, folder=bench.repo(campaigns), environ=bench.environ)


def rows_of_size(campaigns: int, runs: Mapping[str, Run]) -> Iterator[Row]:
    """Hold the plans of one size against the floor."""
    floor, plan = runs["floor"], runs["plan"]
    yield Row(f"{campaigns} campaigns: floor", _told(floor))
    for name, target in (("plan", TARGETS.get(campaigns)), ("plan with look-ups", None)):
        took = runs[name]
        yield Row(f"{campaigns} campaigns: {name}", _told(took), took.wall_seconds / floor.wall_seconds, target)
    if campaigns == 10_000:
        megabytes = 1.048576 * plan.peak_mib
        yield Row("10000 campaigns: memory of a plan, MB", f"{megabytes:.0f} MB", megabytes, MOST_MEGABYTES)


def growth(few: Mapping[str, Run], many: Mapping[str, Run]) -> Row:
    """Hold ten times as many campaigns against one time."""
    ratio = many["plan"].wall_seconds / few["plan"].wall_seconds
    return Row("growth of a plan, 10000 to 100000", "", ratio, MOST_GROWTH)


def starts(bench: Bench) -> Iterator[Row]:
    """Measure what should feel instant."""
    root = bench.folder / "single"
    if not root.exists():
        write_corpus(root, 1)
    contenders = {
        "import click": Contender((PYTHON, "-c", "import click")),
        "--version": Contender((*PROGRAM, "--version")),
        "--help": Contender((*PROGRAM, "--help")),
        "plan --help": Contender((*PROGRAM, "plan", "--help")),
        "validate of one file": Contender((*PROGRAM, "validate")),
    }
    runs = in_turn(contenders, rounds=bench.rounds * START_ROUNDS, folder=root, environ=bench.environ)
    yield Row("python -c 'import click'", _told(runs["import click"]))
    for name, target in (("--version", 1.5), ("--help", 1.5), ("plan --help", 15), ("validate of one file", None)):
        yield Row(name, _told(runs[name]), runs[name].wall_seconds / runs["import click"].wall_seconds, target)


def against_terraform(bench: Bench, campaigns: int, runs: Mapping[str, Run]) -> Iterator[Row]:
    """Hold a plan against `terraform plan` of as many resources."""
    took = terraform.plan(bench.folder / f"terraform-{campaigns}", campaigns)
    yield Row(f"terraform plan of {campaigns} terraform_data", _told(took))
    ratio = took.wall_seconds / runs["plan"].wall_seconds
    target = 1 / 4 if campaigns == 10_000 else None
    yield Row(f"{campaigns} campaigns: plan ({ratio:.1f} times faster)", "", 1 / ratio, target)


def _told(took: Run) -> str:
    return f"{took.wall_seconds * 1000:.0f} ms, cpu {took.cpu_seconds * 1000:.0f} ms, {took.peak_mib:.0f} MiB"


def rows(bench: Bench, sizes: list[int], *, with_terraform: bool) -> Iterator[Row]:
    """Measure everything, and tell each row as soon as it is known."""
    yield from starts(bench)
    by_size: dict[int, Mapping[str, Run]] = {}
    for size in sizes:
        by_size[size] = plans(bench, size)
        yield from rows_of_size(size, by_size[size])
        if with_terraform and size <= 10_000:
            yield from against_terraform(bench, size, by_size[size])
    if {10_000, 100_000} <= by_size.keys():
        yield growth(by_size[10_000], by_size[100_000])


@contextmanager
def a_bench(folder: Path, rounds: int) -> Iterator[Bench]:
    """Make a place to measure, with a sandbox for the plans that ask."""
    with Sandbox(Options(requests_per_second=0)) as sandbox:
        yield Bench(folder, environ_for(sandbox), rounds)


def environ_for(sandbox: Sandbox) -> dict[str, str]:
    """Make the environment of a process that is measured, without what changes how Python or this program works."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("MSGFLASH_", "PYTHON"))}
    told = {"MSGFLASH_BASE_URL": sandbox.url, "MSGFLASH_API_KEY": sandbox.api_key}
    return {**kept, **told}


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description="Measure speed and size against their targets.")
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--terraform", action="store_true", help="Measure `terraform plan` too, up to 10 000.")
    parser.add_argument("--keep", type=Path, help="Make the repos there, or use those that are there.")
    arguments = parser.parse_args()
    folder = arguments.keep or Path(tempfile.mkdtemp(prefix="msgflash-speed-"))
    missed = 0
    sys.stdout.write("| What | Best | Ratio | Target | |\n|---|---|---|---|---|\n")
    with a_bench(folder.absolute(), arguments.rounds) as bench:
        for row in rows(bench, arguments.sizes, with_terraform=arguments.terraform):
            sys.stdout.write(f"{row}\n")
            sys.stdout.flush()
            missed += not row.is_met
    if arguments.keep is None:
        shutil.rmtree(folder)
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
