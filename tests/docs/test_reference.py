"""The reference of fields says what the schemas say."""

import json
import re

from docs.generate import PAGE, ROOT, reference


def test_reference_is_up_to_date() -> None:
    """The page is what `make docs` writes."""
    assert PAGE.read_text(encoding="utf-8") == reference()


def test_reference_names_every_field() -> None:
    """Every field of both schemas, those of sections included, has a row."""
    rows = set(re.findall(r"^\| `(\w+)`", reference(), re.MULTILINE))
    for name in ("campaign", "project"):
        schema = json.loads((ROOT / f"schemas/{name}.schema.json").read_text(encoding="utf-8"))
        sections = [schema, *(one for one in schema["$defs"].values() if "properties" in one)]

        assert {field for section in sections for field in section["properties"]} <= rows
