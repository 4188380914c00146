"""How a sandbox behaves: one frozen value, checked when it is made."""

from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from pathlib import Path

from msgflash_apply.sandbox.access import DEMO_KEYS, ApiKey
from msgflash_apply.sandbox.faults import Fault

_FASTEST_CLOCK = 1_000_000
_LARGEST_PORT = 65_535


class SandboxError(Exception):
    """A sandbox that cannot start; the message is for people and says why."""


@dataclass(frozen=True, slots=True)
class Options:
    """
    Everything that can be chosen; ValueError for a value that is not possible.

    Attributes:
        host: `localhost` or a loopback address, nothing else.
        port: 0 for any free one.
        clock_speed: sandbox seconds per second; at 0 only `Sandbox.advance` moves it.
        start_at: aware; None for now. It is never before the time saved in `data`.
        requests_per_second: per key, in real time; 0 for no limit.
        latency_seconds: before each answer, after the work is done.
        jitter_seconds: at most this much more latency, at random.
        date_ahead_seconds: how far the `Date` of answers is ahead of this machine's clock.
        data: a JSON file that keeps the state; None keeps it in memory.
        faults: armed from the start.
        strict: refuse unknown fields and nulls (reference 10.1).
        accept_noe: accept `repeat: noe` (reference 5.3).
        api_keys: the accepted keys; the first one is `Sandbox.api_key`.
        monthly_api_requests: quota of requests in a month.
        monthly_outbound: quota of messages in a month.
        campaigns_feature: whether the plan has campaigns.
        whatsapp_business: whether buttons may be sent.
    """

    host: str = "127.0.0.1"
    port: int = 0
    clock_speed: float = 1.0
    start_at: datetime | None = None
    requests_per_second: int = 10
    latency_seconds: float = 0.0
    jitter_seconds: float = 0.0
    date_ahead_seconds: float = 0.0
    data: Path | None = None
    faults: tuple[Fault, ...] = ()
    strict: bool = True
    accept_noe: bool = False
    api_keys: tuple[ApiKey, ...] = DEMO_KEYS
    monthly_api_requests: int = 150_000
    monthly_outbound: int = 50_000
    campaigns_feature: bool = True
    whatsapp_business: bool = True

    def __post_init__(self) -> None:
        if not _is_loopback(self.host):
            raise ValueError(f"the sandbox listens on loopback only (127.0.0.1, ::1, localhost), not on {self.host!r}")
        if not 0 <= self.port <= _LARGEST_PORT:
            raise ValueError(f"the port must be between 0 and {_LARGEST_PORT}, not {self.port}")
        if not 0 <= self.clock_speed <= _FASTEST_CLOCK:
            raise ValueError(f"the clock's speed must be between 0 and {_FASTEST_CLOCK}, not {self.clock_speed}")
        if self.start_at is not None and self.start_at.tzinfo is None:
            raise ValueError("the start of the clock needs a time zone")
        if not self.api_keys:
            raise ValueError("a sandbox needs at least one API key")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
