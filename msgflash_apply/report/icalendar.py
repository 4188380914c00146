"""What goes out when: a table by day for people, and iCalendar (RFC 5545) for calendar programs."""

from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256

from msgflash_apply.operations.calendar_ import Occasion
from msgflash_apply.report.layout import Paint, Tone, columns, counted, cut
from msgflash_apply.report.safe_text import shown
from msgflash_apply.report.wording import in_zone

_DAY_WORDS = 4
"""`Fri 27 Nov 2026 09:00 Europe/Paris`: so many words of a moment are its day."""

_LONGEST_LINE = 75
"""Octets, RFC 5545 section 3.1."""

_WIDEST_NAME = 40

_ONLY_CONNECTED = "the only connected one"


def agenda_to_text(starts: Sequence[Occasion], *, paint: Paint) -> str:
    """
    List starts under the day on which they fall, each in its own zone.

    Args:
        starts: by time.
        paint: colour or not.
    """
    if not starts:
        return "Nothing goes out in this time.\n"
    days: dict[str, list[list[str]]] = {}
    for one in starts:
        words = in_zone(one.starts_at, one.timezone).split(" ")
        row = [
            " ".join(words[_DAY_WORDS:]),
            shown(one.address),
            cut(shown(one.name), _WIDEST_NAME),
            shown(one.instance) or _ONLY_CONNECTED,
            f"to {shown(one.audience)}",
            "" if one.repeat == "none" else one.repeat,
            _status(one),
        ]
        days.setdefault(" ".join(words[:_DAY_WORDS]), []).append(row)
    aligned = iter(columns((row for rows in days.values() for row in rows), indent=2))
    lines = []
    for day, rows in days.items():
        lines += [paint(Tone.STRONG, day), *(next(aligned) for _ in rows), ""]
    return "\n".join([*lines, f"{counted(len(starts), 'start')}."]) + "\n"


def agenda_to_ics(occasions: Sequence[Occasion], *, environment: str, stamped_at: datetime) -> str:
    """
    Give an event per campaign; a repeating one is one event with a rule.

    Args:
        occasions: the first start of each.
        environment: part of each event's UID, so that it stays the same event from one export to the next.
        stamped_at: an aware moment, when this was made.

    Returns:
        Lines that end in CRLF, as RFC 5545 wants them. Starts are in UTC, since MsgFlash repeats by instants.
    """
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//msgflash-apply//calendar//EN", "CALSCALE:GREGORIAN"]
    for one in occasions:
        named = f"{environment}\n{one.address}".encode("utf-8", "surrogatepass")
        description = (
            f"Campaign: {shown(one.address)}",
            f"Start: {in_zone(one.starts_at, one.timezone)}",
            f"Instance: {shown(one.instance) or _ONLY_CONNECTED}",
            f"Recipients: {shown(one.audience)}",
            f"State: {_status(one)}",
        )
        lines += [
            "BEGIN:VEVENT",
            f"UID:{sha256(named).hexdigest()[:32]}@msgflash-apply",
            f"DTSTAMP:{_utc(stamped_at)}",
            f"DTSTART:{_utc(one.starts_at)}",
            *([] if one.repeat == "none" else [f"RRULE:FREQ={one.repeat.upper()}"]),
            f"SUMMARY:{_escaped(shown(one.name))}",
            "DESCRIPTION:" + _escaped("\n".join(description)),
            "STATUS:" + ("CONFIRMED" if one.status in {"scheduled", "running"} else "TENTATIVE"),
            "TRANSP:TRANSPARENT",
            "END:VEVENT",
        ]
    return "".join(f"{_folded(line)}\r\n" for line in (*lines, "END:VCALENDAR"))


def _status(one: Occasion) -> str:
    if one.in_doubt:
        return "in doubt"
    return "not created yet" if one.status is None else shown(one.status)


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _escaped(text: str) -> str:
    for mark in ("\\", ";", ","):
        text = text.replace(mark, f"\\{mark}")
    return text.replace("\n", "\\n")


def _folded(line: str) -> str:
    """Break a long line as RFC 5545 section 3.1 wants it: CRLF and a space, never inside a character."""
    pieces, piece, length = [], "", 0
    for character in line:
        octets = len(character.encode())
        if length + octets > _LONGEST_LINE:
            pieces.append(piece)
            piece, length = " ", 1
        piece += character
        length += octets
    return "\r\n".join([*pieces, piece])
