"""The table of endpoints that the fuzzer asks holds all there are, and good answers get through each of them."""

import inspect
import json

import pytest

from msgflash_apply.api.client import Client
from msgflash_apply.api.outcome import Reply
from tests.fuzz.seeds import EVERYTHING, INSTANCES
from tests.hostile.answers import asking
from tests.hostile.endpoints import ENDPOINTS, Echo

WAITING = "back_off"


def test_every_endpoint_is_asked() -> None:
    """A method of the client that waits for an answer is in the table."""
    methods = inspect.getmembers(Client, inspect.iscoroutinefunction)

    assert {name for name, _ in methods if not name.startswith("_")} - {WAITING} == ENDPOINTS.keys()


@pytest.mark.parametrize("name", ENDPOINTS)
def test_good_answers_get_through(name: str) -> None:
    """The seeds of the fuzzer are answers that each endpoint understands, so that mutants of them begin behind it."""
    good = INSTANCES if name == "instances" else EVERYTHING
    answer = asking(Echo(json.dumps({"data": good}).encode()), ENDPOINTS[name])

    assert answer
    assert not isinstance(answer, Reply) or answer.body
