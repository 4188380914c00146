"""Reading the keys of the state: where from, and what of a file a stranger can make us read or show."""

import os
from pathlib import Path

import pytest

from msgflash_apply.cli.wiring import keys_of
from msgflash_apply.errors import MsgflashApplyError
from msgflash_apply.models.project import Settings
from tests.support.keys import KEY, OTHER_KEY, id_of


def ids(folder: Path, file: str | None, **environ: str) -> tuple[str, ...] | None:
    """Read the keys of a repo; their ids."""
    keys = keys_of(Settings(folder, state_key_file=file), environ)
    return keys.ids if keys else None


def a_file(folder: Path, text: str, *, mode: int = 0o600) -> str:
    """Write a key file."""
    file = folder / "state.key"
    file.write_text(text, encoding="utf-8")
    file.chmod(mode)
    return str(file)


def test_environment_outranks_the_file(tmp_path: Path) -> None:
    """The variable wins over the file, and an empty one is none."""
    file = a_file(tmp_path, KEY)

    assert ids(tmp_path, file, MSGFLASH_STATE_KEY=OTHER_KEY) == (id_of(OTHER_KEY),)
    assert ids(tmp_path, file, MSGFLASH_STATE_KEY="") == (id_of(KEY),)
    assert ids(tmp_path, None, MSGFLASH_STATE_KEY="") is None


def test_file_holds_a_key_per_line(tmp_path: Path) -> None:
    """A file is named absolutely or from the repo's root, and may hold several keys, the one that encrypts first."""
    a_file(tmp_path, f"{KEY}\n{OTHER_KEY}\n")

    assert ids(tmp_path, "state.key") == (id_of(KEY), id_of(OTHER_KEY))


def test_open_file_draws_one_warning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A key that everybody may read is used, with one warning however often it is read; a private one without."""
    file = a_file(tmp_path, KEY, mode=0o644)

    found = {ids(tmp_path, file), ids(tmp_path, file)}

    assert found == {(id_of(KEY),)}
    assert capsys.readouterr().err.splitlines() == [
        f"Warning: everybody on this machine can read the state key: chmod 600 {file}"
    ]


def test_private_file_draws_no_warning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file for its owner and group is as it should be."""
    ids(tmp_path, a_file(tmp_path, KEY, mode=0o640))

    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("file", "why"),
    [
        ("absent", "No such file or directory"),
        ("folder", "it is not a regular file"),
        ("pipe", "it is not a regular file"),
        ("/dev/zero", "it is not a regular file"),
        ("a\0b", "no file can have this name"),
    ],
)
def test_unreadable_file_is_an_error(tmp_path: Path, file: str, why: str) -> None:
    """A file that is not there, or that could keep us waiting or reading for ever, is refused at once."""
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(MsgflashApplyError, match="The state key cannot be read") as caught:
        ids(tmp_path, file)

    assert caught.value.detail.endswith(f": {why}.")


@pytest.mark.parametrize("text", ["password: hunter2", "hunter2" * 100_000, "ключ", f"{KEY}x"])
def test_content_of_another_file_is_not_shown(tmp_path: Path, text: str) -> None:
    """Whatever file a branch names in the place of a key, nothing of its content gets out."""
    with pytest.raises(MsgflashApplyError, match="The state key is malformed") as caught:
        ids(tmp_path, a_file(tmp_path, text))

    assert text[:7] not in str(caught.value)


def test_empty_file_is_no_way_to_plain_text(tmp_path: Path) -> None:
    """A file without a key is an error: the state would not be encrypted, although the project wants it to be."""
    with pytest.raises(MsgflashApplyError, match="There is no state key"):
        ids(tmp_path, a_file(tmp_path, "\n"))
