"""
What the plan calls things: a symbol and a sentence per action, advice per reason, the commands that resolve a doubt.

The symbols are Terraform's, with `!` for blocked and `?` for in doubt.

Moments as people read them: in their zone, and how far off.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import assert_never
from zoneinfo import ZoneInfo

from msgflash_apply.campaign import Address
from msgflash_apply.files.schedule import LONGEST_ZONE
from msgflash_apply.plan.plan import Action, Change, Reason, Stage
from msgflash_apply.report.layout import Tone
from msgflash_apply.report.safe_text import shell_word

PROGRAM = "msgflash-apply"

DEFAULT_ENVIRONMENT = "default"


@dataclass(frozen=True, slots=True)
class Sign:
    """How a change is marked: its symbol, the symbol's meaning for the legend, and its tone."""

    symbol: str
    meaning: str
    tone: Tone


_CHANGED = Sign("~", "pause, resume or move", Tone.CHANGED)

_REMOVED = Sign("-", "retire or forget", Tone.REMOVED)

_IN_DOUBT = Sign("?", "in doubt", Tone.DOUBT)

SIGNS = {
    Action.CREATE: Sign("+", "create", Tone.ADDED),
    Action.PAUSE: _CHANGED,
    Action.RESUME: _CHANGED,
    Action.MOVE: _CHANGED,
    Action.REPLACE: Sign("-/+", "replace: pause the old one, create a new one", Tone.CHANGED),
    Action.RETIRE: _REMOVED,
    Action.FORGET: _REMOVED,
    Action.BLOCKED: Sign("!", "blocked", Tone.DANGER),
    Action.NO_OP: Sign("=", "unchanged", Tone.QUIET),
}

_WHY = {
    Reason.IN_DOUBT: "a create was sent for it, and whether it arrived is unknown",
    Reason.IMMUTABLE_CHANGE: "its file differs from what was sent, and a campaign cannot be changed",
    Reason.ALREADY_STARTED: "its file differs from what was sent, and people may have had it",
    Reason.SCHEDULE_PASSED: "its start time has passed",
    Reason.LEAD_TIME: "its start is too near",
    Reason.QUIET_HOURS: "it would start in the quiet hours",
    Reason.MISSING_ON_SERVER: "MsgFlash has no campaign with its id any more",
    Reason.LIMIT: "the plan goes beyond a limit of the policy",
}

_WHAT_TO_DO = {
    Reason.IMMUTABLE_CHANGE: "Put the file back as it was sent; or set `lifecycle: {on_change: replace}` to pause this"
    " campaign and create another in its place; or `on_change: ignore` to leave it as it is.",
    Reason.ALREADY_STARTED: "Put the file back as it was sent. What is left to be said needs a campaign of its own,"
    " and goes to people who may have had this one.",
    Reason.SCHEDULE_PASSED: "Give it a later `schedule`, or delete the file if it shall not go out.",
    Reason.LEAD_TIME: "Give it a later `schedule`, or lower `min_lead_time` under `policy` in msgflash.yaml; for one"
    " run: --override lead-time.",
    Reason.QUIET_HOURS: "Give it a `schedule` outside the quiet hours, or change `quiet_hours` under `policy` in"
    " msgflash.yaml; for one run: --override quiet-hours.",
    Reason.MISSING_ON_SERVER: "People may have had it before it went. Look in the MsgFlash console what became of it;"
    " delete the file if nothing more shall go out.",
    Reason.LIMIT: "If this many are meant, raise the limit under `policy` in msgflash.yaml, or lift it for one run"
    " with --override max-creates or --override max-retires; if not, plan fewer at a time with --target or --select.",
    Reason.IN_DOUBT: "Nothing more is sent for it until a person says what happened. Look for it in the MsgFlash"
    " console, then run one of these; ID is the id that the console shows, and --probe finds it by the messages it"
    " sent, once its start time has passed:",
}


_STAGES = {
    Stage.STOPPABLE: "can be stopped until its start",
    Stage.PAUSED: "stopped, and can be resumed",
    Stage.SENDING: "may be sending now: a pause keeps back only what is left",
    Stage.OVER: "over",
}


def stage_words(change: Change, now: datetime) -> str:
    """Say what can still be stopped of a campaign that exists; empty for one that does not."""
    return _STAGES.get(change.stage(now), "")


def sign(change: Change) -> Sign:
    """Mark a change; a blocked one that is in doubt has a sign of its own."""
    return _IN_DOUBT if change.reason is Reason.IN_DOUBT else SIGNS[change.action]


def headline(change: Change) -> str:
    """Say what happens to a campaign, in one sentence; holds untrusted text, and no full stop."""
    subject = change.address
    if change.action is Action.MOVE and change.previous_address:
        subject = change.previous_address
    sentence = f"{subject} {_predicate(change)}"
    if change.action is Action.BLOCKED:
        return sentence
    return f"{sentence}: {change.explanation}" if change.explanation else sentence


def advice(change: Change) -> str:
    """Say what a person can do about a blocked change; empty for all others."""
    return _WHAT_TO_DO[change.reason] if change.reason else ""


def resolving_commands(address: Address, environment: str) -> tuple[str, str, str]:
    """Spell the three commands that end a doubt, ready to paste (`ID` aside); contract section 6."""
    command = program(environment) + f" resolve {shell_word(address)}"
    return f"{command} --created ID", f"{command} --not-created", f"{command} --probe"


def program(environment: str) -> str:
    """Begin a command for an environment; the default one needs no option."""
    return PROGRAM if environment == DEFAULT_ENVIRONMENT else f"{PROGRAM} --env {shell_word(environment)}"


def _predicate(change: Change) -> str:
    match change.action:
        case Action.CREATE:
            return "will be created, and paused right after" if change.pause_after else "will be created"
        case Action.PAUSE:
            return "will be paused"
        case Action.RESUME:
            return "will be resumed"
        case Action.REPLACE:
            return "will be replaced, and paused right after" if change.pause_after else "will be replaced"
        case Action.RETIRE:
            return "will be retired (paused for good)"
        case Action.FORGET:
            return "will be forgotten (its record moves to the history)"
        case Action.MOVE:
            return f"has moved to {change.address}"
        case Action.NO_OP:
            return "is unchanged"
        case Action.BLOCKED:
            return _blocked(change)
    assert_never(change.action)


def _blocked(change: Change) -> str:
    if change.reason is None:
        return f"is blocked: {change.explanation}" if change.explanation else "is blocked"
    state = "is in doubt" if change.reason is Reason.IN_DOUBT else "is blocked"
    return f"{state}: {change.explanation or _WHY[change.reason]} ({change.reason})"


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
