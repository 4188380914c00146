"""Which document `state pull` prints."""

from msgflash_apply.cli import wiring
from msgflash_apply.cli.context import Globals
from msgflash_apply.errors import StateError
from msgflash_apply.state.codec import encode
from msgflash_apply.state.former import read_former
from msgflash_apply.state.reading import load_copy, read_state


def pulled(options: Globals, backup: str | None, *, moved: bool) -> bytes:
    """
    Give the live state with its journals folded in; or a former document; or the copy of a state that has moved.

    Args:
        options: global ones.
        backup: name of a former document; None for none.
        moved: the copy is wanted, and nothing else.
    """
    settings = wiring.settings_of(options)
    backend = wiring.backend_of(settings)
    if backup is not None:
        return read_former(backend, backup, environment=settings.environment)
    if not moved:
        return encode(read_state(backend, environment=settings.environment))
    copy = load_copy(backend, settings.environment).snapshot
    if copy.moved is None:
        fix = "Without --moved it is printed with all that open journals hold."
        raise StateError("The state has not moved.", f"{backend.url}: it is live.", fix)
    return encode(copy)
