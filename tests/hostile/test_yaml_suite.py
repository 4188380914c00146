"""
The public cases of YAML, read as they should be or refused: https://github.com/yaml/yaml-test-suite.

We refuse more than YAML does: tags, keys that are no texts, aliases as keys, other versions. libyaml refuses a little
of what YAML allows, most of it tabs and colons in odd places, and takes a little of what YAML forbids. A refusal shows
its place and costs its author a minute, so only what is read is held to its last character.
"""

import json
import subprocess
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import pytest

from msgflash_apply.files.yaml_tree import parse
from msgflash_apply.findings import Refused
from tests.support.programs import path_of

Case: TypeAlias = Mapping[str, Any]

READ_OTHERWISE = {"652Z/0", "HM87/1", "L24T/1", "Y2GN/0"}
"""A `?` before a key in `{..}` or `[..]`, a line of blanks that ends a block, an anchor with a colon: libyaml's."""

TAKEN_ALTHOUGH_WRONG = {
    "9C9N/0", "9JBA/0", "CVW2/0", "DK95/1", "EB22/0", "G5U8/0", "MUS6/1", "QB6E/0", "RHX7/0", "S98Z/0", "SU5Z/0",
    "X4QW/0", "Y79Y/3", "YJV2/0",
}  # fmt: skip
"""Comments without a blank before them, lines of `[..]` that stand too far out, dashes in it, directives: libyaml's."""

MOST_REFUSED = 74
"""Of good cases: 40 for their tags, the others for what is said above."""

pytestmark = pytest.mark.needs("yaml-test-suite")


@pytest.fixture(scope="module")
def cases() -> Mapping[str, Case]:
    """Take every case that says what it means, or that it means nothing."""
    printed = subprocess.run([path_of("yaml-test-suite")], capture_output=True, text=True, check=True).stdout
    return {name: case for name, case in json.loads(printed).items() if case.get("fail") or case.get("json")}


def test_what_is_read_is_what_it_means(cases: Mapping[str, Case]) -> None:
    """Of all good cases none is read otherwise than it is meant, but for the known ones; few are refused."""
    good = {name: case for name, case in cases.items() if not case.get("fail")}
    read = {name: values_in(case["yaml"]) for name, case in good.items()}

    assert {name for name, values in read.items() if values not in {None, meant_by(good[name])}} == READ_OTHERWISE
    assert sum(values is None for values in read.values()) <= MOST_REFUSED


def test_what_is_wrong_is_refused(cases: Mapping[str, Case]) -> None:
    """Of all wrong cases none is taken, but for the known ones."""
    wrong = {name: case["yaml"] for name, case in cases.items() if case.get("fail")}

    assert len(wrong) > 90
    assert {name for name, text in wrong.items() if values_in(text) is not None} == TAKEN_ALTHOUGH_WRONG


def values_in(text: str) -> str | None:
    """Read as we do; None where it is refused."""
    try:
        return told(document.value for document in parse(text.encode()))
    except Refused:
        return None


def meant_by(case: Case) -> str:
    """Read the values that a case says it means: one JSON text after the other."""
    decoder, text, values = json.JSONDecoder(), case["json"].lstrip(), []
    while text:
        value, end = decoder.raw_decode(text)
        values.append(value)
        text = text[end:].lstrip()
    return told(values)


def told(values: Iterable[object]) -> str:
    """Spell values, which tells 1 from true, without empty documents."""
    return json.dumps([value for value in values if value is not None], sort_keys=True)
