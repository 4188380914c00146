"""Where msgflash.yaml says that the key of the state is; the key itself is never in it."""

from pathlib import Path

import pytest

from msgflash_apply.findings import InvalidFiles
from tests.support.keys import KEY, OTHER_KEY
from tests.unit.files.repos import settings_of

PROJECT = """\
version: 1
state_key_file: /run/secrets/{environment}
environments:
  staging:
  production: {state_key_file: keys/production}
"""


def test_each_environment_may_have_a_key_of_its_own(tmp_path: Path) -> None:
    """An environment inherits the file, with its name filled in, or names another one."""
    files = [settings_of(tmp_path, PROJECT, environment=name).state_key_file for name in ("staging", "production")]

    assert files == ["/run/secrets/staging", "keys/production"]


def test_no_key_file_by_default(tmp_path: Path) -> None:
    """A project that does not name a file has none."""
    assert settings_of(tmp_path, "version: 1\n").state_key_file is None


@pytest.mark.parametrize("value", [KEY, f'"{KEY} {OTHER_KEY}"'])
def test_key_in_the_place_of_a_file_is_refused(tmp_path: Path, value: str) -> None:
    """A key where the name of a file is wanted is a secret in a file, and is not repeated."""
    with pytest.raises(InvalidFiles) as caught:
        settings_of(tmp_path, f"version: 1\nstate_key_file: {value}\n")

    (found,) = caught.value.diagnostics
    assert (found.code, found.line, found.column) == ("MF105", 2, 17)
    assert KEY not in found.message + str(found.hint)
    assert "MSGFLASH_STATE_KEY" in str(found.hint)


@pytest.mark.parametrize(("value", "code"), [("7", "MF303"), ("' '", "MF305"), ("[a, b]", "MF303")])
def test_name_of_the_file_is_a_text(tmp_path: Path, value: str, code: str) -> None:
    """Whatever is not the name of a file is a mistake."""
    with pytest.raises(InvalidFiles) as caught:
        settings_of(tmp_path, f"version: 1\nstate_key_file: {value}\n")

    assert [found.code for found in caught.value.diagnostics] == [code]
