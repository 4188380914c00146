"""Making the plan that `plan` shows, without the lock: for showing, not for applying."""

import asyncio
import gc

from msgflash_apply.cli import wiring
from msgflash_apply.cli.context import Globals
from msgflash_apply.cli.planning import Request, planner_for
from msgflash_apply.config.load import Loaded
from msgflash_apply.config.settings import Settings
from msgflash_apply.engine.plan import Plan
from msgflash_apply.errors import MsgflashApplyError
from msgflash_apply.state.snapshot import Snapshot


def make_plan(options: Globals, request: Request) -> Plan:
    """
    Read settings, state and files, and compare them.

    Raises:
        InvalidFiles: every mistake in the files; before anything that is wrong with the state.
        StateError: there is no state, or it can not be used.
        ApiError: MsgFlash could not be asked.
    """
    gc.disable()  # values without cycles, which live to the end: looking for some takes an eighth of the time
    settings = wiring.settings_of(options)
    try:  # the state first: decoding it takes memory for a moment, which the campaigns of the files then fill
        snapshot = _previous(settings, request)
    except MsgflashApplyError:
        wiring.load_files(settings)
        raise
    return asyncio.run(_plan(settings, wiring.load_files(settings), snapshot, request))


def _previous(settings: Settings, request: Request) -> Snapshot:
    if request.has_state:
        return wiring.snapshot_of(settings)
    return Snapshot("", 0, settings.environment, campaigns={}, in_doubt={}, history={})


async def _plan(settings: Settings, loaded: Loaded, snapshot: Snapshot, request: Request) -> Plan:
    if request.offline:
        return await planner_for(settings, loaded, request, None).plan(snapshot)
    async with wiring.client_of(settings) as client:
        return await planner_for(settings, loaded, request, client).plan(snapshot)
