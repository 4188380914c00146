"""Faults: their text, and which request they take."""

import pytest

from msgflash_apply.sandbox.faults import Fault, FaultQueue, Kind, parse_fault

CREATE = "/api/v1/campaigns"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("POST /api/v1/campaigns drop_after", Fault("POST", CREATE, Kind.DROP_AFTER)),
        ("post /api/v1/campaigns drop_after times=1", Fault("POST", CREATE, Kind.DROP_AFTER)),
        ("* * refuse times=*", Fault("*", "*", Kind.REFUSE, times=None)),
        ("GET * 500", Fault("GET", "*", Kind.STATUS, status=500)),
        ("GET * 500_after skip=2", Fault("GET", "*", Kind.STATUS_AFTER, status=500, skip=2)),
        ("GET * 429 retry_after=2", Fault("GET", "*", Kind.STATUS, status=429, retry_after="2")),
        ("GET * 403 code=FORBIDDEN", Fault("GET", "*", Kind.STATUS, status=403, code="FORBIDDEN")),
        ("GET * html status=502", Fault("GET", "*", Kind.HTML, status=502)),
        ("* * alter field=body value=Bye", Fault("*", "*", Kind.ALTER, field="body", value="Bye")),
        ("GET * delay seconds=0.5", Fault("GET", "*", Kind.DELAY, seconds=0.5)),
        ("GET * stall probability=0.25 seed=7", Fault("GET", "*", Kind.STALL, times=None, probability=0.25, seed=7)),
    ],
)
def test_text_says_it_all(text: str, fault: Fault) -> None:
    """Each option of a fault can be written."""
    assert parse_fault(text) == fault


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "METHOD PATH KIND"),
        ("POST /api/v1/campaigns", "METHOD PATH KIND"),
        ("POST api/v1/campaigns refuse", "starts with /"),
        ("POST * explode", "'explode' is not a kind of fault; use a 4xx"),
        ("POST * status", "not a kind of fault"),
        ("POST * 200", "not a kind of fault"),
        ("POST * refuse time=1", "'time=1' is not an option"),
        ("POST * refuse times", "'times' is not an option"),
        ("POST * refuse times=0", "whole number from 1"),
        ("POST * refuse times=-1", "whole number"),
        ("POST * refuse probability=0", "above 0"),
        ("POST * refuse probability=2", "from 0 to 1"),
        ("POST * refuse probability=nan", "from 0 to 1"),
        ("POST * delay", "needs seconds"),
        ("POST * alter field=body", "needs field and value"),
        ("POST * misreport value=1", "needs field and value"),
        ("POST * delay seconds=soon", "must be a number"),
        ("POST * delay seconds=90000", "from 0 to 86400"),
        ("POST * html status=99", "from 200 to 599"),
    ],
)
def test_bad_text_raises_what_is_wrong(text: str, complaint: str) -> None:
    """A text that is not a fault raises ValueError with a message that helps."""
    with pytest.raises(ValueError, match=complaint):
        parse_fault(text)


def take(queue: FaultQueue, *requests: tuple[str, str]) -> list[str | None]:
    """Say which kind took each request."""
    taken = [queue.take(method, path) for method, path in requests]
    return [None if fault is None else str(fault.kind) for fault in taken]


def test_only_what_matches_is_taken() -> None:
    """Method and path must both match, as patterns."""
    queue = FaultQueue([parse_fault("POST /api/v1/campaigns/*/pause stall")])
    taken = take(queue, ("GET", f"{CREATE}/1/pause"), ("POST", CREATE), ("POST", f"{CREATE}/1/pause"))
    assert taken == [None, None, "stall"]


def test_first_rule_wins_until_used_up() -> None:
    """Rules act in the order they were added, each so many times, and are gone afterwards."""
    queue = FaultQueue([parse_fault("* * half times=2"), parse_fault("* * empty")])
    assert take(queue, *[("GET", CREATE)] * 4) == ["half", "half", "empty", None]
    assert queue.left() == []


def test_skip_lets_requests_by() -> None:
    """`skip` counts matching requests only."""
    queue = FaultQueue([parse_fault("POST * empty skip=1")])
    assert take(queue, ("GET", CREATE), ("POST", CREATE), ("POST", CREATE)) == [None, None, "empty"]


def test_probability_repeats_with_its_seed() -> None:
    """The same seed takes the same requests; about a quarter of them at 0.25."""
    first, second = (FaultQueue([parse_fault("* * empty probability=0.25 seed=3")]) for _ in range(2))
    requests = [("GET", CREATE)] * 400
    taken = take(first, *requests)
    assert taken == take(second, *requests)
    assert 60 < taken.count("empty") < 140


def test_clear_disarms() -> None:
    """After clear nothing goes wrong."""
    queue = FaultQueue([parse_fault("* * empty")])
    queue.clear()
    assert take(queue, ("GET", CREATE)) == [None]
