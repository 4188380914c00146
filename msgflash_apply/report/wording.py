"""
The words of every report about a plan: what it comes to, a sign and a sentence per action, advice per reason, moments.

No colour, no markup. The symbols are Terraform's, with `!` for blocked and `?` for in doubt. A moment is given in its
zone, with how far off it is.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from msgflash_apply.api.access import DEFAULT_BASE_URL
from msgflash_apply.campaign import INSTANCE, Address
from msgflash_apply.files.schedule import LONGEST_ZONE
from msgflash_apply.plan.plan import (
    HURTING,
    SENDING,
    Action,
    Change,
    Plan,
    Reason,
    RequestForecast,
    Stage,
    TemplateAction,
    TemplateChange,
)
from msgflash_apply.report.layout import Tone, counted, listed
from msgflash_apply.report.safe_text import shell_word, shown

PROGRAM = "msgflash-apply"

DEFAULT_ENVIRONMENT = "default"

NO_CHANGES = "No changes."

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

ONLY_NUMBER = "the account's only connected number"

_MOST_NUMBERS = 5

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

_COUNTED_ALWAYS = (Action.CREATE, Action.PAUSE, Action.RESUME, Action.REPLACE, Action.RETIRE)

_COUNTED_IF_ANY = (Action.ACCEPT, Action.MOVE, Action.FORGET)


@dataclass(frozen=True, slots=True)
class Sign:
    """How a change is marked: its symbol, the symbol's meaning for the legend, and its tone."""

    symbol: str
    meaning: str
    tone: Tone


_CHANGED = Sign("~", "pause, resume, accept or move", Tone.CHANGED)

_REMOVED = Sign("-", "retire or forget", Tone.REMOVED)

_IN_DOUBT = Sign("?", "in doubt", Tone.DOUBT)

_TEMPLATE_CHANGED = Sign("~", "update, adopt or move a template", Tone.CHANGED)

_TEMPLATE_REMOVED = Sign("-", "delete or forget a template", Tone.REMOVED)

SIGNS = {
    Action.CREATE: Sign("+", "create", Tone.ADDED),
    Action.PAUSE: _CHANGED,
    Action.RESUME: _CHANGED,
    Action.ACCEPT: _CHANGED,
    Action.MOVE: _CHANGED,
    Action.REPLACE: Sign("-/+", "replace: pause the old one, create a new one", Tone.CHANGED),
    Action.RETIRE: _REMOVED,
    Action.FORGET: _REMOVED,
    Action.BLOCKED: Sign("!", "blocked", Tone.DANGER),
    Action.NO_OP: Sign("=", "unchanged", Tone.QUIET),
}

_TEMPLATE_SIGNS = {
    TemplateAction.CREATE: SIGNS[Action.CREATE],
    TemplateAction.UPDATE: _TEMPLATE_CHANGED,
    TemplateAction.ADOPT: _TEMPLATE_CHANGED,
    TemplateAction.MOVE: _TEMPLATE_CHANGED,
    TemplateAction.DELETE: _TEMPLATE_REMOVED,
    TemplateAction.FORGET: _TEMPLATE_REMOVED,
    TemplateAction.BLOCKED: SIGNS[Action.BLOCKED],
    TemplateAction.NO_OP: SIGNS[Action.NO_OP],
}

_PREDICATES = {
    Action.CREATE: "will be created",
    Action.PAUSE: "will be paused",
    Action.RESUME: "will be resumed",
    Action.REPLACE: "will be replaced",
    Action.RETIRE: "will be retired (paused for good)",
    Action.FORGET: "will be forgotten (its record moves to the history)",
    Action.ACCEPT: "stays as it is, with new words",
    Action.NO_OP: "is unchanged",
}

_TEMPLATE_PREDICATES = {
    TemplateAction.UPDATE: "will be changed in place",
    TemplateAction.ADOPT: "is on MsgFlash already, and will be recorded",
    TemplateAction.FORGET: "will be forgotten",
    TemplateAction.NO_OP: "is unchanged",
}

_WHY = {
    Reason.IN_DOUBT: "a create was sent for it, and whether it arrived is unknown",
    Reason.IMMUTABLE_CHANGE: "its file differs from what was sent, and a campaign cannot be changed",
    Reason.ALREADY_STARTED: "its file differs from what was sent, and people may have received it",
    Reason.SCHEDULE_PASSED: "its start time has passed",
    Reason.LEAD_TIME: "its start time is too near",
    Reason.QUIET_HOURS: "it would start in the quiet hours",
    Reason.MISSING_ON_SERVER: "MsgFlash has no campaign with its id any more",
    Reason.LIMIT: "the plan goes beyond a limit of the policy",
    Reason.TEMPLATE_IN_USE: "a campaign is sending the template that it waits for",
}

_WHAT_TO_DO = {
    Reason.IMMUTABLE_CHANGE: "Put the file back as it was sent; or set `lifecycle: {on_change: replace}` to pause this"
    " campaign and create another in its place; or `on_change: ignore` to leave it as it is.",
    Reason.ALREADY_STARTED: "Put the file back as it was sent. To say more, add another campaign; it goes to people"
    " who may have received this one.",
    Reason.SCHEDULE_PASSED: "Give it a later `schedule`, or delete the file if it should not go out.",
    Reason.LEAD_TIME: "Give it a later `schedule`, or lower `min_lead_time` under `policy` in msgflash.yaml; for one"
    " run: --override lead-time.",
    Reason.QUIET_HOURS: "Give it a `schedule` outside the quiet hours, or change `quiet_hours` under `policy` in"
    " msgflash.yaml; for one run: --override quiet-hours.",
    Reason.MISSING_ON_SERVER: "People may have received it before it disappeared. Check in the MsgFlash console what"
    " happened to it; delete the file if nothing more should go out.",
    Reason.LIMIT: "If this many are intended, raise the limit in the file or under `policy` in msgflash.yaml, or"
    " lift it for one run with --override (max-creates, max-retires, max-audience, max-messages); otherwise plan fewer"
    " at a time with --target or --select.",
    Reason.TEMPLATE_IN_USE: "It waits for its template; what to do about that is said there.",
    Reason.IN_DOUBT: "Nothing more is sent for it until a person says what happened. Look for it in the MsgFlash"
    " console, then run one of these; ID is the id that the console shows, and --probe finds it by the messages it"
    " sent, once its start time has passed:",
}

_WHAT_TO_DO_ABOUT_TEMPLATES = {
    Reason.IMMUTABLE_CHANGE: "Put its file back as it was; or set `lifecycle: {on_change: version}`, so that campaigns"
    " that are still to be created send the new words; or `on_change: in_place` to change what created ones say, too.",
    Reason.TEMPLATE_IN_USE: "Wait until these campaigns are over, and apply again; or pause them first. Or set"
    " `lifecycle: {on_change: version}`, so that they keep their words, and later campaigns get the new ones.",
    Reason.LIMIT: _WHAT_TO_DO[Reason.LIMIT],
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


def sign(change: Change | TemplateChange) -> Sign:
    """Mark a change; a blocked one that is in doubt has a sign of its own."""
    if isinstance(change, TemplateChange):
        return _TEMPLATE_SIGNS[change.action]
    return _IN_DOUBT if change.reason is Reason.IN_DOUBT else SIGNS[change.action]


def headline(change: Change | TemplateChange) -> str:
    """Say what happens to a campaign or a template, in one sentence; holds untrusted text, and no full stop."""
    if isinstance(change, TemplateChange):
        return _template_headline(change)
    if change.action is Action.BLOCKED:
        state = "in doubt" if change.reason is Reason.IN_DOUBT else "blocked"
        why = change.explanation or (_WHY[change.reason] if change.reason else "")
        sentence = f"{change.address} is {state}: {why}" if why else f"{change.address} is {state}"
        return f"{sentence} ({change.reason})" if change.reason else sentence
    if change.action is Action.MOVE:
        sentence = f"{change.previous_address or change.address} has moved to {change.address}"
    else:
        sentence = f"{change.address} {_PREDICATES[change.action]}"
    if change.pause_after and change.action in SENDING:
        sentence += ", and paused right after"
    return f"{sentence}: {change.explanation}" if change.explanation else sentence


def _template_headline(change: TemplateChange) -> str:
    match change.action:
        case TemplateAction.CREATE if change.before is None:
            sentence = f"{change.address} will be created as {change.name}"
        case TemplateAction.CREATE:
            sentence = f"{change.address} gets a new version, {change.name}"
        case TemplateAction.DELETE if change.after is None:
            sentence = f"{change.address} will be deleted"
        case TemplateAction.DELETE:
            sentence = f"{change.address} is unchanged, and its former versions will be deleted"
        case TemplateAction.MOVE:
            sentence = f"{change.previous_address or change.address} has moved to {change.address}"
        case TemplateAction.BLOCKED:  # in some reports these are among campaigns
            sentence = f"template {change.address} is blocked"
        case _:
            sentence = f"{change.address} {_TEMPLATE_PREDICATES[change.action]}"
    sentence = f"{sentence}: {change.explanation}" if change.explanation else sentence
    return f"{sentence} ({change.reason})" if change.reason else sentence


def advice(change: Change | TemplateChange) -> str:
    """Say what a person can do about a blocked change; empty for all others."""
    if change.reason is None:
        return ""
    if isinstance(change, TemplateChange):
        return _WHAT_TO_DO_ABOUT_TEMPLATES.get(change.reason, "")
    waits = change.reason is Reason.IMMUTABLE_CHANGE and change.id is None  # for its template: nothing was sent
    return _WHAT_TO_DO[Reason.TEMPLATE_IN_USE if waits else change.reason]


def resolving_commands(address: Address, environment: str) -> tuple[str, str, str]:
    """Spell the three commands that end a doubt, ready to paste (`ID` aside); contract section 6."""
    command = program(environment) + f" resolve {shell_word(address)}"
    return f"{command} --created ID", f"{command} --not-created", f"{command} --probe"


def program(environment: str) -> str:
    """Begin a command for an environment; the default one needs no option."""
    return PROGRAM if environment == DEFAULT_ENVIRONMENT else f"{PROGRAM} --env {shell_word(environment)}"


def verdict(plan: Plan) -> str:
    """Count what an apply would do, or say that there is nothing to do; contract section 7."""
    if _says_nothing(plan):
        if not plan.changes and not plan.templates:
            return f"{NO_CHANGES} There are no campaigns in the files or in the state."
        matching = counted(len(plan.changes), "campaign")
        matching += f", {counted(len(plan.templates), 'template')}" if plan.templates else ""
        return f"{NO_CHANGES} Your files match the recorded state ({matching})."
    counts = plan.summary
    parts = [f"{counts[action]} to {action}" for action in _COUNTED_ALWAYS]
    parts += [f"{counts[action]} to {action}" for action in _COUNTED_IF_ANY if counts[action]]
    parts += [f"{counts[Action.NO_OP]} unchanged", f"{counts[Action.BLOCKED]} blocked"]
    return f"Plan: {', '.join(parts)}."


def template_verdict(plan: Plan) -> str:
    """Count what an apply would do with templates, zeros left out; empty without any, or where nothing changes."""
    if not plan.templates or _says_nothing(plan):
        return ""
    words = {TemplateAction.NO_OP: "unchanged", TemplateAction.BLOCKED: "blocked"}
    counts = [
        f"{number} {words.get(action, f'to {action}')}" for action, number in plan.template_summary.items() if number
    ]
    return f"Templates: {', '.join(counts)}."


def _says_nothing(plan: Plan) -> bool:
    """Whether nothing would be done, and nothing waits for a person."""
    return plan.is_empty and not plan.blocked and not plan.blocked_templates


def where(plan: Plan, quoted: Callable[[str], str] = shown) -> str:
    """Say where a plan acts: `environment production`, and the server where that is not MsgFlash's own."""
    server = "" if plan.server == DEFAULT_BASE_URL else f" on {quoted(plan.server)}"
    return f"environment {quoted(plan.environment)}{server}"


def reach(plan: Plan, now: datetime, quoted: Callable[[str], str] = shown) -> list[str]:
    """
    Say first what matters most: how many people get what from which numbers, from when on, and what waits for a person.

    Args:
        plan: what to sum up; `where` says where it acts.
        now: an aware moment, for how far off the first start is.
        quoted: makes a stranger's text safe where the sentences go, such as a code span in markdown.

    Returns:
        Sentences, most important first; none for a plan that has nothing to do.
    """
    return list(_reach(plan, now, quoted))


def _reach(plan: Plan, now: datetime, quoted: Callable[[str], str]) -> Iterator[str]:
    reaching = plan.reaching
    if reaching:
        campaigns, first = counted(len(reaching), "campaign"), min(reaching, key=lambda change: change.starts_at)
        starts = with_distance(first.starts_at, first.timezone, now) if first.starts_at > now else "at once"
        start = f"{'the first' if len(reaching) > 1 else 'it starts'} {'on ' * (first.starts_at > now)}{starts}"
        numbers = listed(list(dict.fromkeys(sender(change, quoted) for change in reaching)), _MOST_NUMBERS)
        yield f"{_people(plan)} in {campaigns}, from {numbers}; {start}."
        if plan.uncounted:
            yield f"The people of {counted(plan.uncounted, 'campaign')} were not counted."
        if repeating := sum((change.after or {}).get("repeat", "none") != "none" for change in reaching):
            yield f"{counted(repeating, 'campaign')} {_agreeing(repeating, 'repeats')}: people get a message each time."
    elif not _says_nothing(plan):
        yield "No messages go out."
    in_place = {one.address for one in plan.templates if one.action is TemplateAction.UPDATE}
    changed = sum(one.action is Action.ACCEPT and one.template_address in in_place for one in plan.changes)
    if accepted := plan.summary[Action.ACCEPT] - changed:
        yield f"The words of {counted(accepted, 'created campaign')} were edited on MsgFlash."
    if changed:
        yield f"The words of {counted(changed, 'created campaign')} change with their templates."
    if blocked := len(plan.blocked_templates):
        yield f"{counted(blocked, 'template')} {_agreeing(blocked, 'waits')} for a person."
    if blocked := len(plan.blocked):
        doubts = sum(change.reason is Reason.IN_DOUBT for change in plan.blocked)
        in_doubt = f", {doubts} in doubt" if doubts else ""
        yield f"{counted(blocked, 'campaign')} {_agreeing(blocked, 'waits')} for a person{in_doubt}."
    if hurting := sum(one.code in HURTING for one in plan.diagnostics):
        yield f"{counted(hurting, 'warning')} {_agreeing(hurting, 'says')} that created campaigns will fail."


def _people(plan: Plan) -> str:
    """Count people and messages. Whoever is in two audiences counts twice, so several audiences are an upper bound."""
    if plan.people is None:
        return "An unknown number of people get messages"
    counts = [c.audience for c in plan.reaching if c.audience is not None and c.audience.count is not None]
    people = "1 person gets" if plan.people == 1 else f"{plan.people} people get"
    messages = counted(sum(audience.count or 0 for audience in counts), "message")
    if any(audience.type == "all" for audience in counts):
        bound = ""
    elif plan.people == max(audience.count or 0 for audience in counts):
        bound = "At least " if plan.uncounted else ""
    else:
        bound = "As far as they were counted, at most " if plan.uncounted else "At most "
    return f"{bound}{people} {'at least ' if plan.uncounted else ''}{messages}"


def _agreeing(number: int, verb: str) -> str:
    """`waits` for one, `wait` for several."""
    return verb if number == 1 else verb.removesuffix("s")


def sender(change: Change, quoted: Callable[[str], str] = shown) -> str:
    """Name the number that a campaign goes out from: `boutique-principale (+33612345678)`; else as its file does."""
    if change.instance is not None:
        number = f" ({quoted(change.instance.number)})" if change.instance.number else " (no number yet)"
        return f"{quoted(change.instance.name)}{number}"
    known = change.names.get(INSTANCE) or (change.payload or {}).get(INSTANCE)
    return quoted(str(known)) if known else ONLY_NUMBER


def forecasts(requests: RequestForecast) -> list[tuple[str, bool]]:
    """Forecast the requests of an apply and the messages, if counted; each with whether enough are left this month."""
    said = f"Requests: {requests.used or 'none'} used for this plan, {requests.apply or 'none'} needed to apply"
    left = requests.left_this_month
    if not requests.suffice:
        said += f", only {left} left this month: an apply would stop part way."
    elif left is not None:
        said += f", {left} left this month."
    else:
        said += "; how many are left this month was not read." if requests.apply else "."
    found = [(said, requests.suffice)]
    if requests.messages is not None:
        left = requests.messages_left
        rest = "" if left is None else f", {left} left this month"
        said = f"Messages: at least {requests.messages} to send{rest}."
        found.append((said, left is None or requests.messages <= left))
    return found


def caveat(plan: Plan) -> str:
    """Say what this plan cannot promise; empty when it is complete."""
    if plan.lineage is None:
        return (
            "This is a preview without a state. It does not know what was sent before, and can be neither saved nor"
            " applied."
        )
    if plan.complete:
        return ""
    return "This plan could not check everything: it was made offline, or for some of the campaigns only."


def in_zone(moment: datetime, timezone: str | None) -> str:
    """
    Spell an aware moment: `Fri 27 Nov 2026 09:00 Europe/Paris`; the same words whatever the machine's locale.

    The offset is added where the local time exists twice. A zone that this machine does not know is read as UTC.
    """
    zone: tzinfo = UTC
    name = "UTC"
    if timezone is not None:
        # Errors: unknown; not a name at all; a folder of the zone database.
        with suppress(KeyError, ValueError, OSError):
            zone, name = ZoneInfo(timezone[:LONGEST_ZONE]), timezone
    local = moment.astimezone(zone)
    clock = f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}"
    twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    offset = f" ({local.isoformat()[-6:]})" if twice else ""
    return f"{_DAYS[local.weekday()]} {local.day} {MONTHS[local.month - 1]} {local.year} {clock} {name}{offset}"


def to_the_second(moment: datetime) -> str:
    """Spell an aware moment at which something happened, in one width always: `2026-11-27 08:00:00 UTC`."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def distance(moment: datetime, now: datetime) -> str:
    """Say how far off a moment is, rounded down: `in 3 d 22 h`, `2 min ago`, `now`."""
    away = moment - now
    minutes, seconds = divmod(int(abs(away).total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        units = [(days, "d"), (hours, "h")]
    elif hours:
        units = [(hours, "h"), (minutes, "min")]
    else:
        units = [(minutes, "min") if minutes else (seconds, "s")]
    length = " ".join(f"{number} {unit}" for number, unit in units if number)
    if not length:
        return "now"
    return f"in {length}" if away > timedelta() else f"{length} ago"


def with_distance(moment: datetime, timezone: str | None, now: datetime) -> str:
    """Spell a moment and how far off it is: `Fri 27 Nov 2026 09:00 Europe/Paris, in 3 d 22 h`."""
    return f"{in_zone(moment, timezone)}, {distance(moment, now)}"
