"""From the URL of a state to the backend that keeps it."""

import re
from pathlib import Path

from msgflash_apply.errors import BackendError
from msgflash_apply.state.backends.base import Backend
from msgflash_apply.state.backends.local import LocalBackend

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


def open_backend(url: str, *, root: Path) -> Backend:
    """
    Choose the backend of a state. Reads and writes nothing; whether a state is there is found out later.

    Args:
        url: a path (absolute, or relative to `root`) or a URL; `{environment}` is filled in already.
        root: the campaigns repo.

    Raises:
        BackendError: no backend keeps states under this scheme; names those that there are, and no credentials.
    """
    scheme = _SCHEME.match(url)
    if scheme is not None:
        raise BackendError(
            "The state's location is not supported.",
            f"No backend of this version keeps a state at {scheme[1]}://.",
            "Give the path of a file, relative to the folder of msgflash.yaml or absolute.",
        )
    return LocalBackend(root / url)
