"""Nothing here needs another machine."""

from collections.abc import Iterator

import pytest

from tests.support.loopback import on_this_machine_alone


@pytest.fixture(scope="package", autouse=True)
def stay_here() -> Iterator[None]:
    """Refuse connections to other machines."""
    with on_this_machine_alone():
        yield
