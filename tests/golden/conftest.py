"""Expected texts are files beside the tests, one per case; `pytest tests/golden --snapshot-update` rewrites them."""

from collections.abc import Iterator

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from tests.support.loopback import on_this_machine_alone


class TextFiles(SingleFileSnapshotExtension):
    """Keeps each expected text as it is, in a file of its own, so that a review reads what a user would."""

    _write_mode = WriteMode.TEXT
    file_extension = "txt"


@pytest.fixture
def golden(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    """Compare with the expected text of this test case."""
    return snapshot.use_extension(TextFiles)


@pytest.fixture(scope="package", autouse=True)
def stay_here() -> Iterator[None]:
    """Refuse connections to other machines: nothing here needs one."""
    with on_this_machine_alone():
        yield
