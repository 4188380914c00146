"""Which tests run here: all of them in CI; elsewhere those whose programs are on the machine, and the run says so."""

import os
import signal
import sys
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.support.programs import find
from tests.support.scenes import Scenes
from tests.support.stores import Stores

# A busy machine must not turn a slow example into a failure, nor a new example a change that has nothing to do with it:
# examples are the same in every run, and others are looked for with EXPLORE=1.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("repeatable", settings.get_profile("unhurried"), derandomize=True)
settings.load_profile("unhurried" if os.environ.get("EXPLORE") else "repeatable")

# Hundreds of commands start here. Where Python may not keep bytecode, as in many containers, each of them would compile
# the whole program first.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# The HTTP library looks for this module five times a request: a module that is not there is looked for everywhere.
sys.modules.setdefault("sniffio", None)  # type: ignore[arg-type]  # how Python marks what cannot be imported

# A shell that runs the tests in the background lets them ignore Ctrl-C, and so would every command that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stores]:
    """Start the servers that keep states, each when it is first asked for."""
    with Stores(tmp_path_factory) as running:
        yield running


@pytest.fixture(scope="session")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Scenes:
    """Arrange what many tests begin with, each when it is first begun with."""
    return Scenes(tmp_path_factory)


COVERING = tuple(
    f"tests/{name}/" for name in ("contract", "unit/api", "unit/apply", "unit/operations", "unit/plan", "unit/state")
)
"""
Tests that reach every branch of plan, apply, operations, state and api. The others would run half as fast if they were
watched.
"""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out tests marked `needs(PROGRAM)` where the program is missing; in CI they must run, and fail."""
    for item in items:
        if not item.nodeid.startswith(COVERING):
            item.add_marker("no_cover")
    if os.environ.get("CI"):
        return
    left_out = [item for item in items if any(not find(program) for program in needed_by(item))]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def needed_by(item: pytest.Item) -> list[str]:
    """Name the programs that a test cannot do without."""
    return [str(marker.args[0]) for marker in item.iter_markers("needs")]
