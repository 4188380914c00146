"""
All that the campaigns of a file depend on besides its name and bytes: program, libraries, settings, time zones.

What was worked out on another basis is not used. The clock is no part of it: what is too late is decided by the plan.
"""

import json
import zoneinfo
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from msgflash_apply.config.settings import Settings
from msgflash_apply.config.stamp import program_stamp


def basis_of(settings: Settings) -> str:
    """Digest what holds for every file of a run; nothing of it can be read from the digest."""
    said = [
        program_stamp(),
        settings.campaigns,
        settings.instance,
        settings.timezone,
        settings.custom_below,
        settings.custom_above,
        settings.policy.placeholders_in_direct,
    ]
    return sha256(json.dumps(said).encode()).hexdigest()


def zone_digests(names: Iterable[str]) -> dict[str, str]:
    """Digest the rules of time zones, which change with the laws of countries; empty for one that is not found."""
    return {name: _zone_digest(name) for name in sorted(names)}


def zones_still_are(digests: object) -> bool:
    """Whether time zones have the rules that `zone_digests` told of them; they have not if it never told that."""
    try:
        return isinstance(digests, dict) and digests == zone_digests(digests)
    except ValueError:  # a name that no file can have
        return False


def _zone_digest(name: str) -> str:
    for folder in zoneinfo.TZPATH:  # the order in which Python looks; after these comes `tzdata`, which is stamped
        try:
            return sha256(Path(folder, name).read_bytes()).hexdigest()
        except OSError:
            continue
    return ""
