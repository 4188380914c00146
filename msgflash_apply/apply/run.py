"""What everything of one apply shares. The functions that carry a plan out take it as their first argument."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from msgflash_apply.api.client import Client
from msgflash_apply.apply.journal_writer import JournalWriter
from msgflash_apply.apply.result import Event
from msgflash_apply.apply.stop import Stop
from msgflash_apply.campaign import SEND_WITHIN, TEMPLATE, Address, id_in, plain_id_in, with_ids
from msgflash_apply.clock import seconds_awake_or_asleep
from msgflash_apply.models.campaign_file import in_order
from msgflash_apply.plan.plan import Action, Change
from msgflash_apply.template import TemplateRecord

PAUSES_REPORTED_EVERY_SECONDS: Final = 5.0


@dataclass(slots=True)
class PauseReports:
    """Which pauses of the limiter were reported: every long one, and of many short ones one every few seconds."""

    covered_until: float = float("-inf")

    def is_news(self, seconds: float, now: float) -> bool:
        """Whether to report a pause of `seconds` from `now` (a monotonic time); remembers that it was reported."""
        if seconds <= 0 or now + seconds <= self.covered_until + 1:
            return False
        self.covered_until = now + max(seconds, PAUSES_REPORTED_EVERY_SECONDS)
        return True


@dataclass(slots=True)
class Templates:
    """
    What is known of the templates of the repo during one run.

    Attributes:
        records: by address, as they are in the journal.
        failed: why campaigns cannot send some of them.
        stale: by id, why some on MsgFlash do not say what was approved.
    """

    records: dict[Address, TemplateRecord] = field(default_factory=dict)
    failed: dict[Address, str] = field(default_factory=dict)
    stale: dict[str, str] = field(default_factory=dict)

    def filled_in(self, change: Change) -> Change:
        """Put in the id of a template that had none when the plan was made."""
        payload = change.after or {}
        if not change.is_sending or change.template_address is None or id_in(payload, TEMPLATE) is not None:
            return change
        made = self.records[change.template_address].versions[-1]
        return replace(change, after=in_order(with_ids(payload, {TEMPLATE: made.id})))

    def held_back(self, change: Change) -> str | None:
        """Why a campaign cannot be sent, or sent on, for its template; None if it can."""
        if change.action is Action.RESUME:
            return self.stale.get(plain_id_in(change.before, TEMPLATE))
        why = self.failed.get(change.template_address) if change.template_address and change.is_sending else None
        if why is None:
            return None
        return f"its template {change.template_address} was not made: {why}"


@dataclass(slots=True)
class Run:
    """
    One run over one plan.

    Attributes:
        id: of the run, the lock's id; written into every intent.
        client: MsgFlash, with the limiter that gives every request its slot.
        journal: takes every step; its block is entered.
        stop: set by a signal, a refusal that all changes share, or a storage that failed. Nothing starts after it.
        now: the clock.
        elapsed: seconds on a clock that runs on while the machine sleeps.
        on_event: receives what starts and what ended; must not block.
        announcing: how many creates may be announced and not sent yet; first come, first served, so that the soonest
            start leaves first. After a crash these are in doubt, besides those that were sent.
        retired: the addresses of the plan whose record is a retired one.
        known_ids: every campaign id on record, of this run too, and its address. MsgFlash gives no campaign a used one.
        unsupported: kinds of content that MsgFlash refused on this account, and what it said.
        unknown_in_a_row: creates whose outcome is unknown, since the last one whose outcome is known.
        pause_reports: which pauses `on_event` has received.
        templates: of the repo, as this run has made them so far.
    """

    id: str
    client: Client
    journal: JournalWriter
    stop: Stop
    now: Callable[[], datetime]
    on_event: Callable[[Event], None]
    announcing: asyncio.Semaphore
    retired: frozenset[Address] = frozenset()
    known_ids: dict[str, Address] = field(default_factory=dict)
    unsupported: dict[str, str] = field(default_factory=dict)
    unknown_in_a_row: int = 0
    pause_reports: PauseReports = field(default_factory=PauseReports)
    elapsed: Callable[[], float] = seconds_awake_or_asleep
    templates: Templates = field(default_factory=Templates)

    def deadline(self) -> Callable[[], bool]:
        """From now on: say whether what is announced now may still be sent."""
        last = self.elapsed() + SEND_WITHIN.total_seconds()
        return lambda: self.elapsed() < last
