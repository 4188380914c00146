"""What an answer to a create proves; contract section 6, reference 2.7 and 10.1."""

import pytest

from msgflash_apply.api.outcome import Created, NoReply, NotCreated, Reply, Then, Unknown, classify


def envelope(code: str, details: object = None) -> dict[str, object]:
    """Build an error as MsgFlash words it."""
    error: dict[str, object] = {"code": code, "message": "no"}
    return {"error": error if details is None else {**error, "details": details}}


def test_created_needs_201_and_an_id() -> None:
    """A 201 with an id is a created campaign."""
    outcome = classify(Reply(201, {"data": {"id": "c1", "status": "scheduled"}}))

    assert outcome == Created("c1", {"id": "c1", "status": "scheduled"})


def test_doubled_envelope_is_read() -> None:
    """A campaign inside `data.data` is understood as well."""
    assert isinstance(classify(Reply(201, {"data": {"data": {"id": "c1"}}})), Created)


@pytest.mark.parametrize(
    ("status", "code", "then"),
    [
        (400, "VALIDATION_ERROR", Then.FAIL),
        (401, "UNAUTHORIZED", Then.STOP),
        (403, "FORBIDDEN", Then.FAIL),
        (403, "UNSUPPORTED_FEATURE", Then.FAIL),
        (403, "CAMPAIGNS_NOT_AVAILABLE_ON_PLAN", Then.STOP),
        (403, "SUBSCRIPTION_INACTIVE", Then.STOP),
        (403, "TEAM_KEY_REQUIRED", Then.STOP),
        (404, "NOT_FOUND", Then.FAIL),
        (413, "PAYLOAD_TOO_LARGE", Then.FAIL),
        (422, "INVALID_DESTINATION", Then.FAIL),
        (429, "API_RATE_LIMIT_EXCEEDED", Then.RETRY),
        (429, "MONTHLY_API_REQUEST_QUOTA_EXCEEDED", Then.STOP),
        (429, "MONTHLY_OUTBOUND_QUOTA_EXCEEDED", Then.STOP),
    ],
)
def test_refusals_created_nothing(status: int, code: str, then: Then) -> None:
    """A 4xx with the error envelope created nothing; the code says what that means for the run."""
    outcome = classify(Reply(status, envelope(code)))

    assert isinstance(outcome, NotCreated)
    assert outcome.then is then
    assert outcome.is_rate_limit is (then is Then.RETRY)
    assert code in outcome.what


def test_no_connection_created_nothing() -> None:
    """A request that never left created nothing and may be tried again."""
    assert classify(NoReply(sent=False, what="refused")) == NotCreated("refused", Then.RETRY)


@pytest.mark.parametrize(
    "answer",
    [
        NoReply(sent=True, what="timeout"),
        Reply(408, envelope("REQUEST_TIMEOUT")),
        Reply(409, envelope("CONFLICT")),
        Reply(418, envelope("SOMETHING_NEW")),
        Reply(499, envelope("CLIENT_CLOSED_REQUEST")),
        Reply(500, envelope("INTERNAL_ERROR")),
        Reply(502, envelope("PROVIDER_TIMEOUT")),
        Reply(503, None),
        Reply(201, None),
        Reply(201, {"data": {"id": ""}}),
        Reply(201, {"data": {"id": 7}}),
        Reply(201, {"data": []}),
        Reply(200, {"data": {"id": "c1"}}),
        Reply(302, None),
        Reply(429, None),
        Reply(404, {"error": "not found"}),
        Reply(404, {"error": {"message": "no code"}}),
        Reply(400, ["not", "an", "object"]),
    ],
)
def test_everything_else_is_unknown(answer: Reply | NoReply) -> None:
    """What proves neither is unknown, whatever it looks like."""
    assert isinstance(classify(answer), Unknown)


def test_unexpected_success_names_the_id_it_saw() -> None:
    """An id in an answer that is not a 201 is reported, so that a person can resolve the doubt with it."""
    outcome = classify(Reply(200, {"data": {"id": "c1"}}))

    assert isinstance(outcome, Unknown)
    assert "c1" in outcome.what


def test_details_are_reported() -> None:
    """The envelope's details reach the person, whatever their shape."""
    outcome = classify(Reply(400, envelope("VALIDATION_ERROR", details=[{"path": "body"}])))

    assert isinstance(outcome, NotCreated)
    assert "body" in outcome.what
