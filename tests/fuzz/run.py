"""
Fuzz one reader for as long as wanted: `python -m tests.fuzz.run READER --seconds N [--seed N] [--keep FOLDER]`.

With atheris installed (`pip install atheris`) and `--coverage` the mutants follow what code they reach; otherwise they
are drawn blindly, which takes no tool. What breaks a reader is written to FOLDER, once for each place where it breaks.
"""

import argparse
import hashlib
import sys
import time
import traceback
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from tests.fuzz.edits import chooser, mutant
from tests.fuzz.seeds import JSON, seeds
from tests.hostile.readers import READERS, Reader


def main(arguments: Sequence[str]) -> int:
    """Fuzz; the exit code is 1 where something broke."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reader", choices=READERS)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, default=Path("fuzz-findings"))
    parser.add_argument("--coverage", action="store_true")
    wanted = parser.parse_args(arguments)
    if wanted.coverage:
        return guided(wanted.reader, wanted.seconds, wanted.seed, wanted.keep)
    return blind(wanted.reader, wanted.seconds, wanted.seed, wanted.keep)


def blind(name: str, seconds: float, seed: int, keep: Path) -> int:
    """Draw mutants one after the other, and tell how many there were."""
    choose, end, tried = chooser(seed), time.monotonic() + seconds, 0
    broken: set[Path] = set()
    while time.monotonic() < end:
        tried += 1
        data = mutant(seeds()[name], choose, as_json=name in JSON)
        if (found := attempt(READERS[name], data, keep / name)) is not None:
            broken.add(found)
    sys.stdout.write(f"{name}: {tried} mutants, {len(broken)} broken\n")
    return 1 if broken else 0


def guided(name: str, seconds: float, seed: int, keep: Path) -> int:
    """Let atheris, which is libFuzzer, drive: it ends the process at the first input that breaks."""
    atheris = import_module("atheris")  # not installed where nobody fuzzes
    corpus = keep / f"{name}-corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(seeds()[name]):
        (corpus / f"seed-{number}").write_bytes(data)

    def alter(data: bytes, most: int, number: int) -> bytes:
        return mutant([data or seeds()[name][0]], chooser(number), as_json=name in JSON)[:most]

    options = [f"-max_total_time={int(seconds)}", f"-seed={seed}", f"-artifact_prefix={keep}/", "-max_len=65536"]
    atheris.instrument_all()
    atheris.Setup([sys.argv[0], *options, str(corpus)], READERS[name], custom_mutator=alter)
    atheris.Fuzz()
    return 0


def attempt(reader: Reader, data: bytes, keep: Path) -> Path | None:
    """Read, and keep what breaks the reader under the name of the place where it does."""
    try:
        reader(data)
    except Exception as err:  # noqa: BLE001 - whatever it is, it is what we look for
        places = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in traceback.extract_tb(err.__traceback__)]
        digest = hashlib.sha256(" ".join([type(err).__name__, *places[-3:]]).encode()).hexdigest()[:12]
        keep.mkdir(parents=True, exist_ok=True)
        if not (file := keep / digest).exists():
            file.write_bytes(data)
            sys.stdout.write(f"{file}: {type(err).__name__}: {str(err)[:200]!r} at {places[-1]}\n")
        return file
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
