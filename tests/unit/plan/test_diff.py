"""Attribute diffs between two payloads, by meaning."""

from collections.abc import Mapping

import pytest

from msgflash_apply.plan.diff import differences
from tests.support.builders import a_payload


def as_tuples(before: Mapping[str, object], after: Mapping[str, object]) -> list[tuple[str, object, object]]:
    """Give diffs as plain tuples."""
    return [(diff.path, diff.before, diff.after) for diff in differences(before, after)]


def test_same_meaning_has_no_diff() -> None:
    """Order and repetition of tags mean nothing."""
    before = a_payload(recipients={"type": "tags", "value": ["a", "b"]})
    after = a_payload(recipients={"type": "tags", "value": ["b", "a", "a"]})

    assert as_tuples(before, after) == []


def test_tags_are_a_set() -> None:
    """What was removed and added is listed, not what is at which place."""
    before = a_payload(recipients={"type": "tags", "value": ["a", "b"]})
    after = a_payload(recipients={"type": "tags", "value": ["b", "c"]})

    assert as_tuples(before, after) == [("recipients.value", "a", None), ("recipients.value", None, "c")]


@pytest.mark.parametrize(
    ("before", "after", "path"),
    [
        ({"body": "a"}, {"body": "b"}, "body"),
        ({"body": None}, {"body": "b"}, "body"),
        ({"variables": {"n": 1}}, {"variables": {"n": "1"}}, "variables.n"),
        ({"variables": {"it's": 1}}, {"variables": {"it's": 2}}, "variables.it's"),
        ({"buttons": [{"url": "a"}]}, {"buttons": [{"url": "b"}]}, "buttons[0].url"),
        ({"recipients": {"type": "all"}}, {"recipients": {"type": "group"}}, "recipients.type"),
    ],
)
def test_paths_are_dotted(before: dict[str, object], after: dict[str, object], path: str) -> None:
    """Each attribute is named by the path at which people find it."""
    assert [entry[0] for entry in as_tuples({**a_payload(), **before}, {**a_payload(), **after})] == [path]


def test_what_is_new_or_gone_has_no_other_side() -> None:
    """A field that only one side has is None on the other."""
    assert as_tuples(a_payload(), a_payload(footer="f")) == [("footer", None, "f")]
    assert as_tuples(a_payload(footer="f"), a_payload()) == [("footer", "f", None)]
