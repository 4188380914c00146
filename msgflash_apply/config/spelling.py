"""Other spellings of a date and time -> the one that `schedule` accepts, so that a hint can say what to write."""

import re
from datetime import date, timedelta

_WEEK = re.compile(r"(?P<year>\d{4})-?W(?P<week>\d{2})(?:-?(?P<day>[1-7]))?", re.ASCII)
_ORDINAL = re.compile(r"(?P<year>\d{4})-?(?P<day>\d{3})(?=T|$)", re.ASCII)

_RESPELLINGS = tuple(
    (re.compile(pattern, re.ASCII), replacement)
    for pattern, replacement in (
        (r"^(\d{4})[/.]?(\d{2})[/.]?(\d{2})(?=\D|$)", r"\1-\2-\3"),  # 20261127, 2026/11/27
        (r"^(\d{4}-\d{2}-\d{2})[ t_]+", r"\1T"),  # a blank or a small t
        (r"T(\d{2})(\d{2})(\d{2})(?=\D|$)", r"T\1:\2:\3"),  # T090000
        (r"T(\d{2})(\d{2})(?=\D|$)", r"T\1:\2"),  # T0900
        (r"T(\d):", r"T0\1:"),  # T9:00
        (r"(:\d{2}),(\d)", r"\1.\2"),  # a comma before the fraction
        (r"(\.\d{3})\d+", r"\1"),  # microseconds
        (r"(\d)\s*(?:z|UTC|GMT)$", r"\1Z"),  # a small z
        (r"(\d)\s+(?=[+-]\d)", r"\1"),  # a blank before the offset
        (r"(T.*[+-])(\d)(?=$|:)", r"\g<1>0\2"),  # +1
        (r"(T.*[+-]\d{2})(\d{2})$", r"\1:\2"),  # +0100
        (r"(T.*[+-]\d{2})$", r"\1:00"),  # +01
    )
)


def respell(text: str) -> str:
    """
    Turn what people and ISO 8601 also write into the accepted spelling, as far as it can be known.

    The result may still be none: it is a proposal, and its reader checks it.
    """
    text = _with_calendar_date(text.strip())
    for pattern, replacement in _RESPELLINGS:
        text = pattern.sub(replacement, text)
    return text


def _with_calendar_date(text: str) -> str:
    """Put a week date or an ordinal date as year, month and day."""
    try:
        if found := _WEEK.match(text):
            day = date.fromisocalendar(int(found["year"]), int(found["week"]), int(found["day"] or 1))
        elif found := _ORDINAL.match(text):
            day = date(int(found["year"]), 1, 1) + timedelta(days=int(found["day"]) - 1)
        else:
            return text
    except (ValueError, OverflowError):
        return text
    return day.isoformat() + text[found.end() :]
