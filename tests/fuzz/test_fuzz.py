"""
Mutants of good inputs, for every reader: in CI the same ones in every run. `run.py` goes on for longer.

Whatever is found here belongs into `tests/hostile/corpus`.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.edits import chooser, mutant
from tests.fuzz.seeds import JSON, seeds
from tests.hostile.readers import READERS

EXAMPLES = 25


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=EXAMPLES)
@given(data=st.data())
def test_mutants_end_in_a_value_or_an_error_of_ours(name: str, data: st.DataObject) -> None:
    """A good input that was altered in a few places is read or refused; nothing else is raised."""

    def choose(bound: int) -> int:
        return data.draw(st.integers(0, bound - 1))

    written = mutant(seeds()[name], choose, as_json=name in JSON)

    assert READERS[name](written).strip()


@pytest.mark.parametrize("name", READERS)
def test_seeds_are_good(name: str) -> None:
    """The first seed of each reader is read, so that its mutants differ from something that works."""
    assert READERS[name](seeds()[name][0]) == "read"


@pytest.mark.parametrize("name", READERS)
def test_edits_change_something(name: str) -> None:
    """Most mutants are others than their seeds."""
    choose = chooser(1)

    made = [mutant(seeds()[name], choose, as_json=name in JSON) for _ in range(50)]

    assert sum(one not in seeds()[name] for one in made) > 40
