"""
A corpus of inputs for every reader: `corpus/READER/ENDING/NAME`, where the ending is `read` or `refused`.

Adding a file adds a test. What a fuzzer finds is kept here, under the name of what it was.
"""

import time
from pathlib import Path

import pytest

from tests.hostile.readers import READERS

CORPUS = Path(__file__).parent / "corpus"
FILES = sorted(path for path in CORPUS.glob("*/*/*") if path.is_file())
SECONDS = 5.0
"""Of processor time; a hundred times what any of them takes."""


@pytest.mark.parametrize("file", FILES, ids=lambda file: "-".join(file.relative_to(CORPUS).parts))
def test_input_ends_as_it_should(file: Path) -> None:
    """Each input is read, or refused in our own words, and soon."""
    reader, ending, _ = file.relative_to(CORPUS).parts
    before = time.process_time()

    what = READERS[reader](file.read_bytes())

    assert (what == "read") == (ending == "read"), what
    assert what.strip()
    assert time.process_time() - before < SECONDS


def test_every_reader_has_a_corpus_or_a_fuzzer() -> None:
    """The folders of the corpus are readers, and the readers of files that people write all have one."""
    folders = {path.name for path in CORPUS.iterdir()}

    assert folders <= READERS.keys()
    assert {"yaml", "template", "campaign", "project", "answer", "lock"} <= folders
