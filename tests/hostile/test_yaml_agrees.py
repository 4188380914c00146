"""
What we read as YAML is what somebody else's reader of YAML 1.2 reads: ruamel.yaml's own parser, which shares no code.

We refuse more: tags, keys that are no texts, two equal keys, other versions, numbers that JSON has not. What both take
must mean the same. Known differences, each of them ours on purpose or a mistake of theirs, are left out:

- dates are texts here and dates there (we are asked for what is written, and check it ourselves);
- `1_000` is a text here and a number there (as in YAML 1.1);
- a block of text at the margin, with a comment or a document's end behind it, is empty here; they take that for its
  text;
- tabs between tokens are refused there in places where the grammar allows them.
"""

import math
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from msgflash_apply.files.yaml_tree import parse
from msgflash_apply.findings import Refused
from tests.fuzz.edits import mutant
from tests.fuzz.seeds import seeds

FILES = sorted((Path(__file__).parent / "corpus/yaml/read").iterdir())
LEFT_OUT = frozenset({"no-numbers", "tab-after-value", "tab-between"})
DATE = re.compile(r"\d{4}-\d\d?-\d\d?")
KNOWN = re.compile(r"\t|[0-9]_|[|>][-+0-9]*[ ]*(#.*)?[\r\n]+(#|---|\.\.\.)")
"""Where a known difference may show: tabs, numbers with an underscore, blocks at the margin."""

pytestmark = pytest.mark.filterwarnings("ignore::ruamel.yaml.error.ReusedAnchorWarning")


def theirs(text: str) -> list[object]:
    """Read as ruamel.yaml does."""
    reader = YAML(typ="safe", pure=True)
    reader.version = (1, 2)
    return [comparable(value) for value in reader.load_all(text) if value is not None]


def ours(data: bytes) -> list[object]:
    """Read as we do."""
    return [comparable(document.value) for document in parse(data) if document.value is not None]


def comparable(value: object) -> object:
    """Take dates out, and tell true from one and one from one and a half."""
    if isinstance(value, dict):
        return {str(key): comparable(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [comparable(inner) for inner in value]
    if hasattr(value, "isoformat") or (isinstance(value, str) and DATE.match(value)):
        return "a date"
    if isinstance(value, float) and math.isfinite(value):
        return f"float {value!r}"
    return value if isinstance(value, str) else repr(value)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_corpus_means_the_same(file: Path) -> None:
    """Whatever of the corpus we read, they read alike."""
    data = file.read_bytes()
    if file.name in LEFT_OUT:
        assert parse(data)
    else:
        assert theirs(data.decode("utf-8-sig")) == ours(data)


@settings(max_examples=150)
@given(st.data())
def test_mutants_mean_the_same(data: st.DataObject) -> None:
    """Altered files that both readers take mean the same to both."""

    def choose(bound: int) -> int:
        return data.draw(st.integers(0, bound - 1))

    written = mutant(seeds()["yaml"], choose, as_json=False)
    try:
        read = ours(written)
    except Refused:
        return
    text = written.decode("utf-8-sig")
    try:
        others = theirs(text)
    except (YAMLError, ValueError):  # theirs takes dates for dates, and `2026-13-01` for a mistake
        return
    assert KNOWN.search(text) or others == read
