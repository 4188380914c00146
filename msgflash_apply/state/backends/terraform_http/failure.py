"""What an answer of a state's server means when it is no success, and what to do about it."""

from typing import Final

from msgflash_apply.errors import BackendError
from msgflash_apply.state.backends.terraform_http.connection import Obstacle, Response, Result
from msgflash_apply.state.backends.terraform_http.endpoints import Endpoints

_SERVER_TROUBLE: Final = "The server reports an error of its own. Run again later."
_LOCK_CHANGED: Final = "Another run changed the lock at the same moment. Look again."
_REMEDIES: Final = {
    400: "The server does not understand this request: correct the state's address, it may be no address of a state.",
    401: "Give TF_HTTP_USERNAME and TF_HTTP_PASSWORD, or another password: a token may have expired.",
    403: "This user may not do that. In GitLab, to read takes the role of a developer, to lock and write that of a"
    " maintainer; the token of a job has the role of who started it.",
    404: "Correct the state's address. GitLab answers so, too, for a project that this user may not see.",
    405: "Name what the server takes: TF_HTTP_LOCK_ADDRESS, TF_HTTP_LOCK_METHOD and their like.",
    409: _LOCK_CHANGED,
    413: "The state is larger than the server takes. Raise its limit (GitLab: maximum Terraform state size), or move"
    " the state to an object store or PostgreSQL.",
    422: "GitLab answers so where a state is being deleted, or has a version of this number already.",
    423: _LOCK_CHANGED,
    429: "The server got too many requests. Run again later.",
    500: f"{_SERVER_TROUBLE} GitLab answers so, too, to a write under a lock that was broken.",
    501: "Name what the server takes: TF_HTTP_LOCK_ADDRESS, TF_HTTP_LOCK_METHOD and their like.",
}
_WAYS_AROUND: Final = {
    Obstacle.NAME: "Check the host in the state's address, and this machine's name service.",
    Obstacle.TLS: "If the server's certificate comes from an authority of your own, give the text of that authority's"
    " certificate in TF_HTTP_CLIENT_CA_CERTIFICATE_PEM.",
    Obstacle.SILENCE: "Check the network and any proxy on the way, then run again.",
    Obstacle.NETWORK: "Check that the server runs and that this machine may reach it, then run again.",
}
_LOCK_IS_LOST: Final = "Run again: what was written is read back, and what is in doubt is named."


def failure(endpoints: Endpoints, action: str, result: Result) -> BackendError:
    """
    Word the failure of a request.

    Args:
        endpoints: of the state.
        action: what was tried: `read`, `write`, `lock`, `unlock`.
        result: what came back.
    """
    if isinstance(result, Response):
        return _refused(endpoints, action, result)
    return BackendError(
        "The state's server cannot be reached.",
        f"{endpoints.shown}: no answer to the attempt to {action}: {result.what}.",
        _WAYS_AROUND[result.obstacle],
    )


def lock_lost(endpoints: Endpoints, what: str) -> BackendError:
    """Say that the lock is not this run's any more; `what` is how that was found out."""
    return BackendError("The state's lock was lost.", f"{endpoints.shown}: {what}: it was broken.", _LOCK_IS_LOST)


def locks_ignored(endpoints: Endpoints, what: str) -> BackendError:
    """Say that a server cannot keep two runs apart."""
    return BackendError(
        "The state's server does not enforce its lock.",
        f"{endpoints.shown}: it {what}. Two runs at once could send every campaign twice.",
        "Use a server that enforces locks, such as GitLab's, or keep the state elsewhere.",
    )


def _refused(endpoints: Endpoints, action: str, answer: Response) -> BackendError:
    words = f" ({answer.words})" if answer.words else ""
    if answer.leads_to is not None:
        return BackendError(
            "The state's server redirects.",
            f"{endpoints.shown}: the attempt to {action} was sent on to {answer.leads_to}.",
            "A password must not travel along. If that is the right address, give it as the state's own.",
        )
    return BackendError(
        "The state's server said no.",
        f"{endpoints.shown}: the attempt to {action} was answered with {answer.status}{words}.",
        _REMEDIES.get(answer.status, _SERVER_TROUBLE if answer.status >= 500 else _REMEDIES[400]),
    )
