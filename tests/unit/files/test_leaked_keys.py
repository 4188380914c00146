"""A key of MsgFlash in a file of the repo is a mistake, wherever it is."""

from pathlib import Path

import pytest

from msgflash_apply.errors import MsgflashApplyError
from msgflash_apply.files.leaked_keys import leaked_keys
from msgflash_apply.files.settings import load_settings
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


@pytest.mark.parametrize(
    ("text", "places"),
    [
        (WELCOME.replace("body: Hello", f'body: "msgf_\\x6cive_{KEY[10:]}"'), ["5:7"]),
        (WELCOME.replace("body: Hello", f'body: "msgf_\\\n  live_{KEY[10:]}"'), ["5:7"]),
        (f'custom: {{a: [{{"msgf_\\u006cive_{KEY[10:]}": 1}}]}}\n{WELCOME}', ["1:15"]),
        (f"custom: {{b: {KEY[5:]}}}\n{WELCOME}".replace("Hello", "\"a {{ 'msgf_' ~ custom.b }}\""), ["6:7"]),
        (f"custom: {{a: msgf_, b: {KEY[5:]}}}\n{WELCOME}".replace("Hello", "'{{ custom.a }}{{ custom.b }}'"), ["6:7"]),
        (f"custom: {{a: {KEY}}}\n{WELCOME}".replace("Hello", "'{{ custom.a }}'"), ["1:13", "6:7"]),
        (
            f"labels: {{a: '{{{{ each.key }}}}{KEY[5:]}'}}\nfor_each: {{msgf_: 1}}\n{WELCOME}",
            ["1:13"],
        ),
    ],
)
def test_key_that_only_arises(tmp_path: Path, text: str, places: list[str]) -> None:
    """A key that escapes, line breaks or templates put together is reported where it arises, and not repeated."""
    found = loaded(tmp_path, {"a.yaml": text}).diagnostics

    assert in_short(found) == [f"a.yaml:{place} MF105" for place in places]
    assert KEY not in str(found)


def test_key_in_what_another_finding_quotes(tmp_path: Path) -> None:
    """No finding repeats a key, whatever it is about."""
    found = loaded(tmp_path, {"a.yaml": f"{WELCOME}{KEY}: 1\nrepeat: {KEY}\n"}).diagnostics

    assert sorted(each.code for each in found if each.code != "MF105") != []
    assert KEY[:20] not in str(found)


@pytest.mark.parametrize("name", ["MSGFLASH_VAR_a", "--var", "--var-file", "escaped"])
def test_key_in_a_variable(tmp_path: Path, name: str) -> None:
    """A variable from outside that is a key, or holds one, is refused without repeating it."""
    file = tmp_path / "variables.yaml"
    file.write_text(f"b: 1\na: [{KEY}]\n" if name == "--var-file" else f'a: {{b: "\\x6dsgf_{KEY[5:]}"}}\n')

    with pytest.raises(MsgflashApplyError) as caught:
        load_settings(
            tmp_path,
            environment=None,
            environ={"MSGFLASH_VAR_a": KEY} if name == "MSGFLASH_VAR_a" else {},
            variables=[f"a=x {KEY}"] if name == "--var" else [],
            variable_files=[file] if name in {"--var-file", "escaped"} else [],
        )

    said = f"{caught.value.summary} {caught.value.detail} {caught.value.fix}"
    assert KEY not in said
    assert ("variables.yaml:2:5:" in said) == (name == "--var-file")
    assert ("variables.yaml:1:8:" in said) == (name == "escaped")
    assert ("custom.a" in said) == (name in {"MSGFLASH_VAR_a", "--var"})


def test_key_in_the_project_file_is_pointed_at(tmp_path: Path) -> None:
    """The project file is read by as many people as the campaigns are."""
    with pytest.raises(InvalidFiles) as caught:
        settings_of(tmp_path, f"version: 1\n# {KEY}\n")

    assert in_short(caught.value.diagnostics) == ["msgflash.yaml:2:3 MF105"]


@pytest.mark.parametrize(
    ("text", "places"),
    [
        (f'version: 1\ncustom: {{a: "msgf_\\x6cive_{KEY[10:]}"}}\n', ["2:13 MF105"]),
        (f"version: 1\ncustom: [{KEY}\n", ["2:9 MF102", "2:10 MF105"]),
        (f"version: 1\n--- {{}}\n# {KEY}\n", ["2:1 MF102", "3:3 MF105"]),
    ],
)
def test_key_in_a_project_file_with_other_mistakes(tmp_path: Path, text: str, places: list[str]) -> None:
    """However it is spelled, and whatever else is wrong with the file."""
    with pytest.raises(InvalidFiles) as caught:
        settings_of(tmp_path, text)

    assert in_short(caught.value.diagnostics) == [f"msgflash.yaml:{place}" for place in places]


def test_talk_about_keys_is_no_key(tmp_path: Path) -> None:
    """The beginning of a key, as documentation writes it, gives nothing away."""
    assert in_short(loaded(tmp_path, {"a.yaml": f"{WELCOME}# a key is msgf_live_...\n"}).diagnostics) == []


def test_a_few_keys_are_enough() -> None:
    """A file of nothing but keys is reported in a few lines."""
    assert len(list(leaked_keys(f"{KEY}\n".encode() * 5_000, "a.yaml"))) == 10
