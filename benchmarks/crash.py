"""
Kill the real command at random times, many times, and count on the server what people would have got.

    python benchmarks/crash.py --runs 300 --seed 1 [--store KIND] [--faults | --fences] [--sequence N]

A sequence is one account (a sandbox in this process), one campaigns repo with its state, and a few runs of
`msgflash-apply apply --auto-approve`, each in a process of its own that is struck: at any time from its start to just
after its end, while requests are in flight, or while the state is committed. The files change in between: campaigns are
added, paused, resumed, replaced, retired, brought back and moved, many of one kind or some of each, and edits are taken
back. At the end of a sequence every doubt is resolved by looking at the server, and the command runs undisturbed until
nothing is left to do.

With `--faults` some strikes are SIGINT or SIGTERM, once or twice, and the server breaks answers too. With `--fences`
the run is stopped (SIGSTOP); its lock is broken, its doubts are resolved when that is allowed, the files change,
another run does what they want, and then the first one wakes up. Its half minute takes three seconds here. With
`--store` the state is on a server of that kind (one of `tests/support/stores`), whose lock a dead run may leave behind:
then `state unlock` takes it away, as a person would.

Checked after every strike: no payload is on the server twice; every campaign of the server is in the state or in doubt;
every id in the state is on the server with that payload, and has the status on record there or one that is recorded as
unknown; no template says anything else than was approved; only what was in flight came into doubt; no traceback. At the
end also: the next plan has nothing to do, and each campaign sends or is paused as the files want it, in their words.
Exits 1 on any violation, with the command that repeats it. The same seed gives the same files and the same times of
striking; what a process has reached by then is its own affair.
"""

import argparse
import shutil
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Final

from benchmarks.crashing.sequence import Sequence, Store
from benchmarks.crashing.strikes import Kind
from benchmarks.crashing.tally import Tally, table
from tests.support.stores import KINDS

RUNS_IN_A_SEQUENCE: Final = 5


def run_sequence(store: Store, seed: int, number: int, strikes: int, kind: Kind) -> Tally:
    """Run one sequence in a folder of its own, which stays where something was violated."""
    folder = Path(tempfile.mkdtemp(prefix="msgflash-crash-"))
    dice = Random(f"{seed}/{number}")  # noqa: S311 - a repeatable dice, nothing secret
    tally = Sequence(folder, store, dice, kind).run(strikes)
    if tally.violations:
        chosen = f"--store {store.kind} --seed {seed} --sequence {number}{'' if kind == 'kills' else f' --{kind}'}"
        again = f"python benchmarks/crash.py {chosen}"
        tally.violations = [f"{what}\n  repo: {folder}\n  again: {again}" for what in tally.violations]
    else:
        shutil.rmtree(folder)
    return tally


def run_sequences(options: argparse.Namespace, folder: Path) -> Tally:
    """Start the server, whose data goes into a folder, and run all sequences."""
    bounds = [*range(0, options.runs, RUNS_IN_A_SEQUENCE), options.runs]
    sizes = {number: high - low for number, (low, high) in enumerate(pairwise(bounds))}
    if options.sequence is not None:
        sizes = {options.sequence: RUNS_IN_A_SEQUENCE}
    tally = Tally()
    serve, _ = KINDS[options.store]
    with serve(folder) as server, ThreadPoolExecutor(options.workers) as pool:
        one = partial(run_sequence, Store(options.store, server), options.seed, kind=options.kind)
        for counted in pool.map(one, sizes, sizes.values()):
            tally.add(counted)
    return tally


def main(arguments: list[str]) -> int:
    """Run as told; returns the exit code."""
    parser = argparse.ArgumentParser(description="Kill the real command at random times and count.")
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--store", choices=KINDS, default="local", help="where the state is kept")
    kinds = parser.add_mutually_exclusive_group()
    for kind, what in (("faults", "also signals, and a server that breaks answers"), ("fences", "runs that sleep")):
        kinds.add_argument(f"--{kind}", dest="kind", action="store_const", const=kind, default="kills", help=what)
    parser.add_argument("--sequence", type=int, help="only this one, to repeat a violation")
    parser.add_argument("--workers", type=int, default=2, help="sequences side by side")
    options = parser.parse_args(arguments)
    began_at = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="msgflash-crash-store-") as folder:
        tally = run_sequences(options, Path(folder))
    for violation in tally.violations:
        sys.stderr.write(f"VIOLATED: {violation}\n\n")
    sys.stdout.write("\n".join(table(tally, time.monotonic() - began_at)) + "\n")
    return 1 if tally.violations else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
