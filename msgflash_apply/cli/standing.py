"""
Nothing changed since a plan found nothing to do: then there is nothing to work out again.

What that plan was made from is compared by content: every byte of every file, the settings, the program, the time zones
and the state's document. With one bit of it otherwise, or with a run at work, the plan is made in full.
"""

import json
from collections.abc import Collection
from hashlib import sha256

from msgflash_apply.config.basis import basis_of
from msgflash_apply.config.cache import Cache
from msgflash_apply.config.settings import Settings
from msgflash_apply.config.sources import Sources
from msgflash_apply.config.zones import zone_digests, zones_still_are
from msgflash_apply.engine.plan import Plan
from msgflash_apply.engine.standstill import Standstill, from_plain, standstill_of, to_plain
from msgflash_apply.errors import BackendError, StateError
from msgflash_apply.state.backends.base import Backend


class Standing:
    """
    What a plan is about to be made from, and what the last one was. Reads the state's document when it is made.

    Args:
        cache: where the last plan is kept.
        settings: of the run.
        sources: the files.
        backend: where the state is.
    """

    def __init__(self, cache: Cache, settings: Settings, sources: Sources, backend: Backend) -> None:
        self._cache = cache
        self._backend = backend
        where = json.dumps([str(settings.root), settings.environment, backend.url])
        self._name = f"standing-{sha256(where.encode()).hexdigest()[:32]}"
        self._version = None if sources.diagnostics else self._read_version()
        made_from = [basis_of(settings), repr(settings.policy), settings.environment, sources.digest, self._version]
        self._key = sha256(json.dumps(made_from).encode()).hexdigest()

    def recall(self) -> Standstill | None:
        """Give what is left to tell of this very plan; None where it has to be made."""
        known = self._cache.read(self._name)
        if self._version is None or not isinstance(known, dict) or known.get("key") != self._key:
            return None
        journal = known.get("journal")
        if not isinstance(journal, str | None) or not zones_still_are(known.get("zones")):
            return None
        return from_plain(known.get("plan")) if self._stands_still(journal) else None

    def keep(self, plan: Plan, journal: str | None, zones: Collection[str]) -> None:
        """
        Remember a plan, if nothing is to be done in it, and if the state is still as it was before it was made.

        Args:
            plan: from these files and this state.
            journal: the one that the state's document holds already.
            zones: time zones of the campaigns in the files.
        """
        standstill = standstill_of(plan)
        if self._version is not None and standstill is not None and self._stands_still(journal):
            plain = to_plain(standstill)
            value = {"key": self._key, "journal": journal, "zones": zone_digests(zones), "plan": plain}
            self._cache.write(self._name, value)

    def _read_version(self) -> str | None:
        try:
            stored = self._backend.read()
        except (BackendError, StateError):  # whoever makes the plan will tell
            return None
        return None if stored is None else stored.version

    def _stands_still(self, journal: str | None) -> bool:
        """Whether no run is at work, and none was since we looked: an open journal would say more than the document."""
        try:
            is_quiet = set(self._backend.journals()) <= {journal}
        except (BackendError, StateError):
            return False
        return is_quiet and self._read_version() == self._version
