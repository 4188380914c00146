"""What counts as drift, and what a campaign does by itself."""

import pytest

from msgflash_apply.operations.drift import Drift, drift_of
from msgflash_apply.plan.refresh import RemoteStatus
from tests.support.builders import a_record, a_snapshot


@pytest.mark.parametrize(
    ("recorded", "found"),
    [
        ("scheduled", "scheduled"),
        ("scheduled", "running"),
        ("scheduled", "completed"),
        ("running", "completed"),
        ("paused_quota", "running"),
    ],
)
def test_what_a_campaign_does_by_itself_is_no_drift(recorded: str, found: str) -> None:
    """A campaign that starts, ends or gets its quota back was sent to do so."""
    record = a_record(status=recorded)
    assert drift_of(a_snapshot({"sale": record}), {record.id: RemoteStatus(found)}) == ()


@pytest.mark.parametrize(
    ("recorded", "found"),
    [
        ("scheduled", "paused"),
        ("paused", "running"),
        ("running", "cancelled"),
        ("scheduled", "failed"),
        ("running", "paused_plan"),
        ("scheduled", "something-new"),
    ],
)
def test_what_people_or_trouble_did_is_drift(recorded: str, found: str) -> None:
    """Paused, resumed, cancelled, failed: the record does not know, so it is drift."""
    record = a_record(status=recorded)
    assert drift_of(a_snapshot({"sale": record}), {record.id: RemoteStatus(found)}) == (
        Drift(next(iter(a_snapshot({"sale": record}).campaigns)), record.id, recorded, found),
    )


def test_gone_campaign_is_drift_and_unread_one_is_not() -> None:
    """A campaign that MsgFlash does not know any more is drift; one that was not read is none."""
    gone, unread = a_record("b"), a_record("a")
    found = drift_of(a_snapshot({"b": gone, "a": unread}), {gone.id: None})
    assert [(one.address, one.found) for one in found] == [("b", None)]
