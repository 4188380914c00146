"""
Counters of a campaign, counted from its messages, so that they add up by construction.

`planned = queued + sent + failed + cancelled` and `sent >= delivered >= read` (reference 5.7).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from msgflash_apply.sandbox.values import Message


@dataclass(frozen=True, slots=True)
class Stats:
    """The seven counters, and when something last happened (None before the start)."""

    planned: int
    queued: int
    sent: int
    delivered: int
    read: int
    failed: int
    cancelled: int
    last_activity_at: datetime | None

    @property
    def counters(self) -> dict[str, object]:
        """The seven counters under the API's names."""
        names = ("planned", "queued", "sent", "delivered", "read", "failed", "cancelled")
        return {name: getattr(self, name) for name in names}

    @property
    def progress_percent(self) -> int:
        """`round((total - queued) / total * 100)`; 0 without messages (reference 5.7)."""
        return round((self.planned - self.queued) / self.planned * 100) if self.planned else 0


def count_stats(messages: Sequence[Message], now: datetime) -> Stats:
    """Count where messages stand at a moment."""
    reached: Counter[str] = Counter()
    last_activity_at: datetime | None = None
    for message in messages:
        changes = message.changes_until(now)
        reached.update(status for status, _ in changes)
        last_activity_at = max(last_activity_at or changes[-1][1], changes[-1][1])
    over = reached["sent"] + reached["failed"] + reached["cancelled"]
    return Stats(
        planned=len(messages),
        queued=len(messages) - over,
        sent=reached["sent"],
        delivered=reached["delivered"],
        read=reached["read"],
        failed=reached["failed"],
        cancelled=reached["cancelled"],
        last_activity_at=last_activity_at,
    )
