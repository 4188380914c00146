"""What a marker says, and when a state is not the one that was written last."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from msgflash_apply.api.models import Template
from msgflash_apply.errors import StateError
from msgflash_apply.plan.marker import Marker, compare, markers_in, refuse_taken
from msgflash_apply.sandbox.placeholders import check_placeholders
from tests.support.builders import a_snapshot

OURS = replace(a_snapshot(), serial=7, runs=("init", "r1", "r2"))
MARKER = Marker(OURS.lineage, OURS.environment, 7, "r2", "t1")


def template(marker: Marker, **fields: object) -> Template:
    """Write a marker as the account has it."""
    body = marker.body(campaigns=3, by="{{contact.name}}\nserial: 99", at=datetime(2027, 3, 1, tzinfo=UTC))
    return Template.model_validate({"id": "t1", "name": marker.name, "body": body, **fields})


def test_marker_is_read_as_it_was_written() -> None:
    """Whoever runs it may have any name: it adds neither a field nor a placeholder."""
    written = template(MARKER)

    assert markers_in([written]) == [MARKER]
    check_placeholders(written.body)
    assert "by: contact.nameserial 99" in (written.body or "")


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "promo"},
        {"name": "msgflash-apply state of mine (do not delete)"},
        {"body": None},
        {"body": "Hello"},
        {"body": "lineage: a\nenvironment: b\nserial: many\nrun: c"},
        {"body": f"lineage: a\nenvironment: b\nserial: {'9' * 5000}\nrun: c"},
    ],
    ids=str,
)
def test_what_is_no_marker_says_nothing(fields: dict[str, object]) -> None:
    """Other templates, and markers that somebody edited."""
    assert markers_in([template(MARKER, **fields)]) == []


@pytest.mark.parametrize(
    ("serial", "run"), [(7, "r2"), (6, "r2"), (6, "r1"), (7, "r1")], ids=["ended", "begun", "an earlier one", "other"]
)
def test_state_that_knows_the_run_is_the_latest(serial: int, run: str) -> None:
    """A run that the state knows of wrote into it: the state is what it left, or later."""
    found, warnings = compare(OURS, [replace(MARKER, serial=serial, run=run)], is_trusted=False)

    assert (found.id, warnings) == ("t1", [])


@pytest.mark.parametrize(("serial", "run"), [(8, "r2"), (7, "r3"), (3, "r3")])
def test_state_that_is_behind_is_refused(serial: int, run: str) -> None:
    """A later serial, or a run that it knows nothing of; unless a person says that it is the right one."""
    marker = replace(MARKER, serial=serial, run=run)

    with pytest.raises(StateError, match="not the one that was written last"):
        compare(OURS, [marker], is_trusted=False)
    assert compare(OURS, [marker], is_trusted=True) == (marker, [])


def test_latest_of_several_counts() -> None:
    """An unanswered request may have left two markers of one state."""
    earlier = template(replace(MARKER, serial=5, run="lost"), id="t0")
    markers = markers_in([template(MARKER), earlier])

    assert compare(OURS, markers, is_trusted=False)[0].id == "t1"


@pytest.mark.parametrize(
    ("runs", "environment", "is_refused"),
    [
        ((), OURS.environment, True),
        ((), "other", False),
        (("init",), OURS.environment, False),
        (("init", "r1"), OURS.environment, False),
    ],
)
def test_other_state_of_the_environment(runs: tuple[str, ...], environment: str, *, is_refused: bool) -> None:
    """A state that never looked at the account is refused where one of its environment came before it."""
    other = Marker("another-lineage", environment, 3, "r9", "t9")
    ours = replace(OURS, runs=runs)
    if is_refused:
        with pytest.raises(StateError, match="belongs to another state"):
            compare(ours, [other], is_trusted=False)
        assert compare(ours, [other], is_trusted=True)[0].id is None
    else:
        found, warnings = compare(ours, [other], is_trusted=False)
        assert (found.id, found.lineage) == (None, ours.lineage)
        assert [warning.code for warning in warnings] == (["MF525"] if "r1" in runs else [])


def test_second_state_is_refused_where_there_is_one() -> None:
    """`init` names the states that the account remembers."""
    refuse_taken([])
    with pytest.raises(StateError, match="The account has a state already") as caught:
        refuse_taken([MARKER])

    assert f"environment {OURS.environment}: lineage {OURS.lineage[:8]}, serial 7" in str(caught.value)
