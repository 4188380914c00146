"""Former documents that the storage of a state still has: read by name, and proven before anybody relies on one."""

from msgflash_apply.errors import StateDamaged, StateError
from msgflash_apply.state.backends.base import Backend, Stored
from msgflash_apply.state.reading import prove

_SEE = "See: msgflash-apply state history --backups"


def read_former(backend: Backend, name: str, *, environment: str) -> bytes:
    """
    Read a former document as it was written, marked copies included.

    Args:
        backend: where the state is.
        name: as `Backend.backups` lists it.
        environment: whose it must be.

    Raises:
        StateError: there is none of this name, it belongs to another environment, or a newer version wrote it.
        StateDamaged: it can not be read or proven.
        BackendError: the storage failed.
    """
    document = backend.read_backup(name)
    if document is None:
        raise StateError("There is no such backup.", f"{backend.url}: nothing is kept as {name!r}.", _SEE)
    try:
        prove(Stored(document, ""), where=f"{backend.url}, backup {name}", environment=environment)
    except StateDamaged as err:
        # What to do about a damaged state is no advice for somebody who found a damaged backup.
        raise StateDamaged("The backup is damaged.", err.detail, f"Take another one. {_SEE}") from err
    return document
