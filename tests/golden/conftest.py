"""Expected texts are files beside the tests, one per case; `pytest tests/golden --snapshot-update` rewrites them."""

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode


class TextFiles(SingleFileSnapshotExtension):
    """Keeps each expected text as it is, in a file of its own, so that a review reads what a user would."""

    _write_mode = WriteMode.TEXT
    file_extension = "txt"


@pytest.fixture
def golden(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    """Compare with the expected text of this test case."""
    return snapshot.use_extension(TextFiles)
