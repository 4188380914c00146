"""How often a request to a state's server is repeated, and after how long."""

import pytest

from msgflash_apply.errors import BackendError
from msgflash_apply.state.backends.terraform_http.connection import Answer, NoAnswer, Obstacle
from msgflash_apply.state.backends.terraform_http.patience import Patience

SILENT = NoAnswer(was_sent=True, obstacle=Obstacle.SILENCE, what="read timed out")


def an_answer(status: int, retry_after_seconds: float | None = None) -> Answer:
    """Build an answer without a body."""
    return Answer(status, b"", "", None, retry_after_seconds)


def test_waits_double_up_to_a_limit() -> None:
    """The wait doubles with every attempt, is never longer than the limit, and ends when there were enough."""
    patience = Patience(repeats=4, shortest_seconds=1, longest_seconds=3)

    assert [patience.waits(SILENT, attempt) for attempt in range(1, 6)] == [1, 2, 3, 3, None]
    assert Patience(repeats=10_000).waits(SILENT, 9_999) == 30


def test_server_says_how_long() -> None:
    """What the server asks for is waited, within the limit."""
    assert Patience().waits(an_answer(429, 7), 1) == 7
    assert Patience().waits(an_answer(503, 3600), 1) == 30


@pytest.mark.parametrize(
    "result",
    [an_answer(200), an_answer(401), an_answer(409), NoAnswer(was_sent=False, obstacle=Obstacle.TLS, what="expired")],
)
def test_lasting_results_are_not_repeated(result: Answer | NoAnswer) -> None:
    """What will be the same next time is not asked again."""
    assert Patience().waits(result, 1) is None


def test_variables_are_terraforms() -> None:
    """Terraform's variables and its defaults hold."""
    environ = {"TF_HTTP_RETRY_MAX": "5", "TF_HTTP_RETRY_WAIT_MIN": "0.5", "TF_HTTP_RETRY_WAIT_MAX": "2"}

    assert Patience.given_by(environ) == Patience(5, 0.5, 2)
    assert Patience.given_by({}) == Patience(2, 1, 30)


@pytest.mark.parametrize("value", ["many", "-1", "nan", "inf", "1 s"])
def test_unusable_variable_is_told(value: str) -> None:
    """A number that is none, or lies below 0, is refused by its name."""
    with pytest.raises(BackendError, match="TF_HTTP_RETRY_WAIT_MIN is"):
        Patience.given_by({"TF_HTTP_RETRY_WAIT_MIN": value})
