"""
What a record must hold beyond its shape. A checksum proves that bytes are as they were written, not that a run did it.

Everything that reads a state relies on this: every moment can be compared and shown, every payload says when it goes
out, to whom and under which name, and every number is one that JSON has.
"""

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from msgflash_apply.campaign import Facts, Intent, Record, checked_instant, parse_instant

MOST_LEVELS: Final = 20
"""Of maps and lists inside each other: more than any document of ours has, and fewer than a writer can follow."""


def check_payload(payload: Mapping[str, object]) -> None:
    """ValueError says what is missing in a payload that some run is said to have sent."""
    recipients = payload.get("recipients")
    if not isinstance(payload.get("name"), str) or not isinstance(recipients, Mapping):
        raise ValueError("its payload has no name or no recipients")  # noqa: TRY004 - the shape is right, the value is not
    if not isinstance(recipients.get("type"), str):
        raise ValueError("its recipients are of no type")  # noqa: TRY004 - likewise
    schedule = payload.get("schedule")
    if not isinstance(schedule, str):
        raise ValueError("its payload has no start")  # noqa: TRY004 - likewise
    parse_instant(schedule)
    check_json(payload)


def check_parts(part: object) -> None:
    """Check a record, an intent, or an entry of the journal, with all that is in it. ValueError says what is wrong."""
    match part:
        case Facts(payload=payload):
            check_payload(payload)
        case Record(read_at=read_at, created_at=created_at, facts=facts):
            checked_instant(read_at)
            checked_instant(created_at)
            check_parts(facts)
        case Intent(announced_at=announced_at, facts=facts):
            checked_instant(announced_at)
            check_parts(facts)
        case _:
            for name in ("at", "intent", "record", "facts"):
                _check_field(getattr(part, name, None))


def check_json(value: object, levels: int = MOST_LEVELS) -> None:
    """ValueError for a tree that could not be written again: nested too deeply, or with a number that JSON has not."""
    if not levels:
        raise ValueError(f"it is nested more than {MOST_LEVELS} levels deep")
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        if type(inner) is str:  # most are texts
            continue
        if isinstance(inner, (dict, list)):
            check_json(inner, levels - 1)
        elif isinstance(inner, float) and not math.isfinite(inner):
            raise ValueError(f"{inner} is no number that JSON has")


def _check_field(value: object) -> None:
    if isinstance(value, datetime):
        checked_instant(value)
    elif value is not None:
        check_parts(value)
