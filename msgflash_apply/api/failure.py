"""An answer to a read that is of no use, as the exception that says what to do."""

from msgflash_apply.api.access import Access
from msgflash_apply.api.outcome import Answer, NoReply, Problem, problem_in
from msgflash_apply.errors import ApiError, NotOnThisPlan, QuotaExhausted, Unauthorized, Unreachable

REACH_FIX = "Check the network and MSGFLASH_BASE_URL, then run the command again."
KEY_FIX = "Check MSGFLASH_API_KEY (and MSGFLASH_TEAM_ID for a team key)."


def failure(access: Access, path: str, answer: Answer) -> ApiError:
    """
    Translate a useless answer.

    Args:
        access: for the host's name.
        path: of the endpoint, below `/api/v1`.
        answer: what came instead of a 200.
    """
    if isinstance(answer, NoReply):
        return Unreachable(f"MsgFlash can not be reached at {access.host}.", answer.what, REACH_FIX)
    problem = problem_in(answer)
    if problem is None:
        detail = f"GET {path}: {answer.status} from {access.host}, without an error code of MsgFlash."
        return Unreachable(f"There is no usable answer from {access.host}.", detail, REACH_FIX)
    return _refused(f"GET {path}: {problem}", problem)


def unusable_network(err: Exception) -> ApiError:
    """Say that the environment's network settings do not work: not in the error's words, which may quote a password."""
    return ApiError(
        "The network settings of the environment can not be used.",
        f"HTTPS_PROXY, ALL_PROXY, NO_PROXY, SSL_CERT_FILE or SSL_CERT_DIR: {type(err).__name__}.",
        "Mend them: a proxy is http://host:port, and SSL_CERT_FILE and SSL_CERT_DIR name what is there.",
    )


def endless(access: Access, path: str) -> ApiError:
    """Say that a list was read page by page and does not end."""
    return ApiError("MsgFlash's answers have no end.", f"GET {path}: {access.host} always tells of another page.")


def _refused(detail: str, problem: Problem) -> ApiError:
    if problem.status == 401:
        return Unauthorized("MsgFlash does not accept the API key.", detail, KEY_FIX)
    if problem.stops_the_run and problem.status == 429:
        return QuotaExhausted("A monthly quota of the account is used up.", detail)
    if problem.stops_the_run:
        return NotOnThisPlan("The account's plan does not include this.", detail)
    return ApiError("MsgFlash refused a request.", detail)
