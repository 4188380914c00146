"""A key of MsgFlash in a file of the repo is a mistake, wherever it is."""

from pathlib import Path

import pytest

from msgflash_apply.files.repo import leaked_keys
from msgflash_apply.findings import InvalidFiles
from tests.unit.files.repos import WELCOME, in_short, loaded, settings_of

KEY = "msgf_live_" + "cafe" * 16


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (f"{WELCOME}# {KEY}\n", "6:3"),
        (WELCOME.replace("Hello", f"é {KEY}"), "5:9"),
        (f"\ufeff# {KEY}\r\n{WELCOME}", "1:3"),
        (f"custom: {{a: {KEY.replace('live', 'team')}}}\n{WELCOME}", "1:13"),
    ],
)
def test_key_in_a_campaign_is_pointed_at(tmp_path: Path, text: str, place: str) -> None:
    """A key in a comment, a text or a variable is reported at its place, and not repeated."""
    found = loaded(tmp_path, {"a.yaml": text}).diagnostics

    assert in_short(found) == [f"a.yaml:{place} MF105"]
    assert KEY not in str(found)


def test_key_in_the_project_file_is_pointed_at(tmp_path: Path) -> None:
    """The project file is read by as many people as the campaigns are."""
    with pytest.raises(InvalidFiles) as caught:
        settings_of(tmp_path, f"version: 1\n# {KEY}\n")

    assert in_short(caught.value.diagnostics) == ["msgflash.yaml:2:3 MF105"]


def test_talk_about_keys_is_no_key(tmp_path: Path) -> None:
    """The beginning of a key, as documentation writes it, gives nothing away."""
    assert in_short(loaded(tmp_path, {"a.yaml": f"{WELCOME}# a key is msgf_live_...\n"}).diagnostics) == []


def test_a_few_keys_are_enough() -> None:
    """A file of nothing but keys is reported in a few lines."""
    assert len(list(leaked_keys(f"{KEY}\n".encode() * 5_000, "a.yaml"))) == 10
