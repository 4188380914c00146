"""How often a request to a state's server is repeated, and after how long."""

import pytest

from msgflash_apply.errors import BackendError
from msgflash_apply.state.backends.terraform_http.connection import NoResponse, Obstacle, Response
from msgflash_apply.state.backends.terraform_http.server import Retries

SILENT = NoResponse(was_sent=True, obstacle=Obstacle.SILENCE, what="read timed out")


def a_response(status: int, retry_after_seconds: float | None = None) -> Response:
    """Build an answer without a body."""
    return Response(status, b"", "", None, retry_after_seconds)


def test_waits_double_up_to_a_limit() -> None:
    """The wait doubles with every attempt, is never longer than the limit, and ends when there were enough."""
    retries = Retries(repeats=4, shortest_seconds=1, longest_seconds=3)

    assert [retries.waits(SILENT, attempt) for attempt in range(1, 6)] == [1, 2, 3, 3, None]
    assert Retries(repeats=10_000).waits(SILENT, 9_999) == 30


def test_server_says_how_long() -> None:
    """What the server asks for is waited, within the limit."""
    assert Retries().waits(a_response(429, 7), 1) == 7
    assert Retries().waits(a_response(503, 3600), 1) == 30


@pytest.mark.parametrize(
    "result",
    [
        a_response(200),
        a_response(401),
        a_response(409),
        NoResponse(was_sent=False, obstacle=Obstacle.TLS, what="expired"),
    ],
)
def test_lasting_results_are_not_repeated(result: Response | NoResponse) -> None:
    """What will be the same next time is not asked again."""
    assert Retries().waits(result, 1) is None


def test_variables_are_terraforms() -> None:
    """Terraform's variables and its defaults hold."""
    environ = {"TF_HTTP_RETRY_MAX": "5", "TF_HTTP_RETRY_WAIT_MIN": "0.5", "TF_HTTP_RETRY_WAIT_MAX": "2"}

    assert Retries.from_environment(environ) == Retries(5, 0.5, 2)
    assert Retries.from_environment({}) == Retries(2, 1, 30)


@pytest.mark.parametrize("value", ["many", "-1", "nan", "inf", "1 s"])
def test_unusable_variable_is_reported(value: str) -> None:
    """A number that is none, or lies below 0, is refused by its name."""
    with pytest.raises(BackendError, match="TF_HTTP_RETRY_WAIT_MIN is"):
        Retries.from_environment({"TF_HTTP_RETRY_WAIT_MIN": value})
