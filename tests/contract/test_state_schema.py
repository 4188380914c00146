"""The published schema of the state document says what the program writes."""

import json
from dataclasses import fields, replace
from pathlib import Path
from typing import cast

import jsonschema_rs
import pytest

from msgflash_apply.campaign import Address, Facts, Intent, Record
from msgflash_apply.state.codec import encode
from msgflash_apply.state.snapshot import Snapshot
from msgflash_apply.template import Effect, TemplateRecord, Version
from tests.support.builders import NOW, a_record, a_snapshot, an_intent

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas" / "state.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema_rs.validator_for(SCHEMA, validate_formats=True)
VERSION = Version("tpl-1", "promo@1", "sha256:1", NOW)
EFFECT = Effect("create", NOW, "promo@2", "sha256:2", known=("tpl-0",))
FULL = replace(
    a_snapshot({"sale": replace(a_record(retired=True), former_ids=("first",))}, {"tea": an_intent("tea")}),
    history={Address("gone"): (a_record("gone"),)},
    journal="run-1",
    templates={Address("promo"): TemplateRecord("templates/promo.yaml", versions=(VERSION,), effects=(EFFECT,))},
)
MARKED = replace(FULL, moved="s3://acme/production")


@pytest.mark.parametrize("snapshot", [a_snapshot(), FULL, MARKED])
def test_written_documents_are_valid(snapshot: Snapshot) -> None:
    """Every document that the program writes is valid by the schema."""
    assert [str(error) for error in VALIDATOR.iter_errors(json.loads(encode(snapshot)))] == []


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("record", Record),
        ("intent", Intent),
        ("facts", Facts),
        ("template", TemplateRecord),
        ("version", Version),
        ("effect", Effect),
    ],
)
def test_schema_names_every_field(
    name: str, model: type[Record | Intent | Facts | TemplateRecord | Version | Effect]
) -> None:
    """The schema has the fields of the program's own values, all of them required, and no others."""
    names = sorted(field.name for field in fields(model))
    part = SCHEMA["$defs"][name]

    assert (sorted(part["properties"]), part["required"]) == (names, names)


def test_schema_names_every_top_level_key() -> None:
    """The schema has the document's own keys and no others; all are required but the mark of a state that moved."""
    live, marked = (cast("dict[str, object]", json.loads(encode(state))) for state in (FULL, MARKED))

    assert sorted(SCHEMA["properties"]) == list(marked)
    assert SCHEMA["required"] == list(live)
    assert marked.keys() - live.keys() == {"moved"}


@pytest.mark.parametrize(
    "change", [{"serial": 0}, {"extra": 1}, {"format_version": 1}, {"checksum": "md5:0"}, {"moved": None}]
)
def test_other_documents_are_not_valid(change: dict[str, object]) -> None:
    """A document with a field too many or an impossible value is not valid."""
    document = {**json.loads(encode(FULL)), **change}

    assert not VALIDATOR.is_valid(document)
