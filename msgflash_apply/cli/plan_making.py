"""
Making the plan that `plan` shows: from what is known of the last one where nothing changed, else in full.

At first without an event loop, which takes as long to load as thousands of campaigns to plan; where a request turns out
to be needed, once more with one, and with what was read already.
"""

import gc
from contextlib import suppress
from typing import TYPE_CHECKING

from msgflash_apply.cli import wiring
from msgflash_apply.cli.context import Globals
from msgflash_apply.cli.planning import Request, planner_for
from msgflash_apply.cli.running import run_to_end, without_waiting
from msgflash_apply.config.settings import Settings
from msgflash_apply.config.sources import Sources
from msgflash_apply.engine.plan import Plan
from msgflash_apply.engine.refresh import Refresh
from msgflash_apply.errors import MsgflashApplyError
from msgflash_apply.state.reading import read_state
from msgflash_apply.state.snapshot import Snapshot

if TYPE_CHECKING:  # most plans ask nothing
    from msgflash_apply.api.when_needed import ClientWhenNeeded
    from msgflash_apply.config.load import Loaded
    from msgflash_apply.engine.lookup import Lookups
    from msgflash_apply.engine.standstill import Standstill


def make_plan(options: Globals, request: Request) -> Plan:
    """
    Plan without the lock: for showing, not for applying.

    Raises:
        InvalidFiles: every mistake in the files.
        StateError: there is no state, or it can not be used.
        ApiError: MsgFlash could not be asked.
    """
    from msgflash_apply.api.when_needed import RequestNeeded

    gc.disable()  # values without cycles, most of which live to the end: nothing to collect
    making = _Making(wiring.settings_of(options), request)
    making.read()
    connection = None if request.offline else wiring.connection_of(making.settings)
    with suppress(RequestNeeded):
        return without_waiting(making.plan(connection))
    return run_to_end(_connected(making, connection))  # outside: what the first try made is gone by now


async def _connected(making: "_Making", connection: "ClientWhenNeeded | None") -> Plan:
    assert connection is not None  # noqa: S101 - only a connection needs requests
    async with connection:
        return await making.plan(connection)


class _Making:
    """A plan in the making; what was read and worked out for it stays, should it have to begin again."""

    def __init__(self, settings: Settings, request: Request) -> None:
        self.settings = settings
        self._request = request
        self._sources = wiring.read_files(settings)
        self._standing = wiring.standing_of(settings, self._sources) if request.may_recall else None
        self._standstill = self._standing.recall() if self._standing is not None else None

    def read(self) -> None:
        """Read files and state, unless nothing changed: what is wrong with them is told before any other trouble."""
        if self._standstill is None:
            self._loaded, self._snapshot = self._read_all()

    async def plan(self, connection: "ClientWhenNeeded | None") -> Plan:
        """Tell that nothing changed, if that is so; else plan in full."""
        lookups = self._lookups_for_names(connection)
        if self._standstill is not None:
            if await _still_holds(self._standstill, lookups):
                return self._told(self._standstill, connection)
            self._standstill = None
            self.read()
        return await self._in_full(connection, lookups)

    def _lookups_for_names(self, connection: "ClientWhenNeeded | None") -> "Lookups | None":
        """Open a way to ask what the names of a standstill mean now, if they have to be asked for."""
        if self._standstill is None or not self._standstill.names:
            return None
        if connection is None or self._request.refresh is Refresh.NONE:
            return None
        from msgflash_apply.engine.lookup import Lookups

        return Lookups(connection)

    def _told(self, standstill: "Standstill", connection: "ClientWhenNeeded | None") -> Plan:
        return standstill.plan(
            environment=self.settings.environment,
            now=wiring.now(),
            complete=connection is not None,
            requests_used=connection.requests_sent if connection is not None else 0,
        )

    async def _in_full(self, connection: "ClientWhenNeeded | None", lookups: "Lookups | None") -> Plan:
        loaded, snapshot = self._loaded, self._snapshot
        plan = await planner_for(self.settings, loaded, self._request, connection, lookups).plan(snapshot)
        if self._standing is not None:
            zones = {campaign.timezone for campaign in loaded.campaigns if campaign.timezone is not None}
            self._standing.keep(plan, snapshot.journal, zones)
        return plan

    def _read_all(self) -> "tuple[Loaded, Snapshot]":
        """Read the state first, since it tells of files; what is wrong with it is told when mistakes in files are."""
        try:
            snapshot = self._read_state()
        except MsgflashApplyError:
            wiring.load_files(self.settings, self._sources)
            raise
        for_record = self._request.is_saved
        loaded = wiring.load_files(self.settings, self._sources, records=snapshot.campaigns, for_record=for_record)
        self._sources = Sources((), 0, ())  # the bytes of all files have served their purpose
        return loaded, snapshot

    def _read_state(self) -> Snapshot:
        if self._request.has_state:
            return read_state(wiring.backend_of(self.settings), environment=self.settings.environment)
        return Snapshot("", 0, self.settings.environment, campaigns={}, in_doubt={}, history={})


async def _still_holds(standstill: "Standstill", lookups: "Lookups | None") -> bool:
    """Whether names mean on MsgFlash what they meant; without a way to ask, they mean what the state remembers."""
    return lookups is None or standstill.holds_with(await lookups.table(standstill.fields))
