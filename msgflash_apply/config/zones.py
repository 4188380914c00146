"""Time zones as files: which names may be looked for, and whether the rules behind them are what they were."""

import re
import zoneinfo
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

LONGEST_ZONE = 64
"""Characters; twice the longest. Looking for a zone goes down folder by folder, however many a name has."""

_ZONE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)*", re.ASCII)


def may_be_zone(name: str) -> bool:
    """Whether a name could be that of a zone: it never leads out of the folders where zones are."""
    return len(name) <= LONGEST_ZONE and _ZONE_NAME.fullmatch(name) is not None


def zone_digests(names: Iterable[str]) -> dict[str, str]:
    """Digest the rules of time zones, which change with the laws of countries; empty for one that is not found."""
    return {name: _zone_digest(name) for name in sorted(names)}


def zones_still_are(digests: object) -> bool:
    """Whether time zones have the rules that `zone_digests` told of them; they have not if it never told that."""
    return isinstance(digests, dict) and digests == zone_digests(digests)


def _zone_digest(name: str) -> str:
    for folder in zoneinfo.TZPATH if may_be_zone(name) else ():  # the order in which Python looks
        try:
            return sha256(Path(folder, name).read_bytes()).hexdigest()
        except OSError:
            continue
    return ""  # after these Python looks in `tzdata`, which is stamped
