"""The bundle of a state behind HTTP: what is written is read again, and nothing else is taken for it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msgflash_apply.errors import BackendError
from msgflash_apply.state.backends.terraform_http.bundle import Bundle, Journal, decode, encode

WHERE = "https://states.example/prod"
GOOD = {"format": "msgflash-apply state", "format_version": 1, "serial": 1, "write": "w", "journals": {}}

journals = st.dictionaries(st.text(), st.builds(Journal, st.binary(), st.booleans()))


@given(st.builds(Bundle, st.integers(), st.text(), st.none() | st.binary(), journals))
def test_bundle_is_read_as_it_was_written(bundle: Bundle) -> None:
    """Any bytes, UTF-8 or not, come back as they were; no document stays none."""
    assert decode(encode(bundle), where=WHERE) == bundle


def test_bundle_can_be_read_by_people() -> None:
    """Text is there as text, with the serial that GitLab wants on top, and without Terraform's `version`."""
    bundle = Bundle(7, "w", "état\n".encode(), {"run-1": Journal(b"line\n", is_sealed=True)})

    assert json.loads(encode(bundle)) == {
        "format": "msgflash-apply state",
        "format_version": 1,
        "serial": 7,
        "write": "w",
        "document": "état\n",
        "journals": {"run-1": {"sealed": True, "lines": "line\n"}},
    }


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"<html>Sign in</html>", "it is no JSON"),
        (b"[" * 100_000, "it is no JSON"),
        (b"\xff\xfe", "it is no JSON"),
        (b"[]", "JSON of another kind"),
        (b'{"serial": 1}', "JSON of another kind"),
        (b'{"version": 4, "terraform_version": "1.9.0", "serial": 7}', "a state of Terraform"),
    ],
)
def test_foreign_document_is_refused(body: bytes, what: str) -> None:
    """What another program keeps there is named and left alone."""
    with pytest.raises(BackendError, match=f"{what}.*stays as it is"):
        decode(body, where=WHERE)


def test_newer_format_is_refused() -> None:
    """A bundle of a later version is not guessed at."""
    with pytest.raises(BackendError, match="newer version"):
        decode(json.dumps({**GOOD, "format_version": 2}).encode(), where=WHERE)


@pytest.mark.parametrize(
    "damage",
    [
        {"serial": "1"},
        {"serial": True},
        {"write": None},
        {"journals": []},
        {"journals": {"run-1": "lines"}},
        {"journals": {"run-1": {"sealed": False}}},
        {"journals": {"run-1": {"lines": "line"}}},
        {"journals": {"run-1": {"sealed": False, "lines_base64": 1}}},
        {"document": 1},
        {"document": "\ud800"},
        {"document_base64": "?"},
    ],
)
def test_damaged_bundle_is_refused(damage: dict[str, object]) -> None:
    """A bundle with a part missing or of the wrong kind is damage."""
    with pytest.raises(BackendError, match="is damaged"):
        decode(json.dumps({**GOOD, **damage}).encode(), where=WHERE)


def test_unclear_seal_counts_as_sealed() -> None:
    """A journal whose seal is anything but a plain no takes no more lines."""
    body = json.dumps({**GOOD, "journals": {"run-1": {"sealed": "no", "lines": ""}}}).encode()

    assert decode(body, where=WHERE).journals["run-1"].is_sealed
