"""Former documents that a storage keeps: read as they were written, and only if they prove themselves."""

from dataclasses import replace
from pathlib import Path

import pytest

from msgflash_apply.errors import StateDamaged, StateError
from msgflash_apply.state.codec import encode
from msgflash_apply.state.reading import read_former
from msgflash_apply.state.snapshot import Snapshot
from tests.support.builders import a_record, a_snapshot
from tests.support.states import ENVIRONMENT, a_backend

NAME = "default.json.backup"
FORMER = a_snapshot({"sale": a_record()})


@pytest.mark.parametrize("document", [FORMER, replace(FORMER, moved="elsewhere")])
def test_former_document_is_given_byte_for_byte(tmp_path: Path, document: Snapshot) -> None:
    """What was written comes back, the marked copy of a state that moved back here included."""
    (tmp_path / NAME).write_bytes(encode(document))

    assert read_former(a_backend(tmp_path), NAME, environment=ENVIRONMENT) == encode(document)


def test_unknown_name_says_where_names_are(tmp_path: Path) -> None:
    """A name that the storage does not know leads to the list of those that it does."""
    with pytest.raises(StateError, match="nothing is kept as 'another'") as caught:
        read_former(a_backend(tmp_path), "another", environment=ENVIRONMENT)

    assert "state history --backups" in caught.value.fix


def test_damaged_backup_is_no_backup(tmp_path: Path) -> None:
    """A backup that does not prove itself is refused, and another one is to be taken."""
    (tmp_path / NAME).write_bytes(encode(FORMER)[:-9])

    with pytest.raises(StateDamaged, match="The backup is damaged") as caught:
        read_former(a_backend(tmp_path), NAME, environment=ENVIRONMENT)

    assert f"backup {NAME}" in caught.value.detail
    assert "Take another one" in caught.value.fix


def test_backup_of_another_environment_is_refused(tmp_path: Path) -> None:
    """Whose state it was is checked too."""
    (tmp_path / NAME).write_bytes(encode(FORMER))

    with pytest.raises(StateError, match="'default'"):
        read_former(a_backend(tmp_path), NAME, environment="staging")
