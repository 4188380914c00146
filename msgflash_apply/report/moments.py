"""Moments as people read them: in their zone, and how far off."""

from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from msgflash_apply.config.schedule import LONGEST_ZONE

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def in_zone(moment: datetime, timezone: str | None) -> str:
    """
    Spell an aware moment: `Fri 27 Nov 2026 09:00 Europe/Paris`; the same words whatever the machine's locale.

    The offset is added where the local time exists twice. A zone that this machine does not know is read as UTC.
    """
    zone, name = _zone(timezone)
    local = moment.astimezone(zone)
    clock = f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}"
    twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    offset = f" ({local.isoformat()[-6:]})" if twice else ""
    return f"{_DAYS[local.weekday()]} {local.day} {_MONTHS[local.month - 1]} {local.year} {clock} {name}{offset}"


def to_the_second(moment: datetime) -> str:
    """Spell an aware moment at which something happened, in one width always: `2026-11-27 08:00:00 UTC`."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def distance(moment: datetime, now: datetime) -> str:
    """Say how far off a moment is, rounded down: `in 3 d 22 h`, `2 min ago`, `now`."""
    away = moment - now
    length = _length(abs(away))
    if length == "0 s":
        return "now"
    return f"in {length}" if away > timedelta() else f"{length} ago"


def with_distance(moment: datetime, timezone: str | None, now: datetime) -> str:
    """Spell a moment and how far off it is: `Fri 27 Nov 2026 09:00 Europe/Paris, in 3 d 22 h`."""
    return f"{in_zone(moment, timezone)}, {distance(moment, now)}"


def _length(span: timedelta) -> str:
    minutes, seconds = divmod(int(span.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return _two(days, "d", hours, "h")
    if hours:
        return _two(hours, "h", minutes, "min")
    return f"{minutes} min" if minutes else f"{seconds} s"


def _two(large: int, unit: str, small: int, small_unit: str) -> str:
    return f"{large} {unit} {small} {small_unit}" if small else f"{large} {unit}"


def _zone(timezone: str | None) -> tuple[tzinfo, str]:
    if timezone is None:
        return UTC, "UTC"
    try:
        return ZoneInfo(timezone[:LONGEST_ZONE]), timezone
    except (KeyError, ValueError, OSError):  # unknown; not a name at all; a folder of the zone database
        return UTC, "UTC"
