"""One spelling of values as JSON."""

from types import MappingProxyType

import pytest

from msgflash_apply.state.serialise import to_json
from tests.support.builders import NOW, an_intent


def test_values_of_ours_become_json() -> None:
    """Dataclasses are objects, times end with Z, read-only mappings are objects, and keys are sorted."""
    text = to_json({"b": MappingProxyType({"y": 1, "x": (1, 2)}), "a": NOW})

    assert text == b'{"a":"2026-11-23T12:00:00Z","b":{"x":[1,2],"y":1}}'
    assert to_json(an_intent()).startswith(b'{"announced_at":"2026-11-23T12:00:00Z","attempt":1,"facts":{')


@pytest.mark.parametrize("stranger", [object(), int, {1, 2}])
def test_stranger_is_refused(stranger: object) -> None:
    """A value without a JSON form is a mistake of the program and reported at once."""
    with pytest.raises(TypeError, match="no place in the state"):
        to_json([stranger])
