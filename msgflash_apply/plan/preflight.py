"""
Before anything is sent: what the policy forbids, what MsgFlash would not do, how many people and requests it takes.

The policy turns creates into blocked changes. Checks against MsgFlash are diagnostics: errors where the server would
fail silently or on the wrong account, warnings where a person may know better. Audiences are counted where MsgFlash can
count them, and compared with what the number's warm-up advises.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from msgflash_apply.api.models import Instance, Usage
from msgflash_apply.campaign import (
    FAR_AHEAD_HINT,
    GONE,
    INSTANCE,
    TEMPLATE,
    TERMINAL,
    Address,
    JsonObject,
    Status,
    far_ahead,
    id_in,
    plain_id,
)
from msgflash_apply.findings import Code, Diagnostic, Severity, listed
from msgflash_apply.models.project import Policy, QuietHours
from msgflash_apply.plan.audience import too_often
from msgflash_apply.plan.lookup import Lookups, place_of
from msgflash_apply.plan.plan import Action, Change, Reason, UsedTemplate, finding
from msgflash_apply.plan.refresh import PriorState
from msgflash_apply.state.snapshot import Snapshot

FEW_CAMPAIGNS = 10


def enforce(changes: Sequence[Change], policy: Policy, snapshot: Snapshot) -> tuple[Change, ...]:
    """Block what the policy of msgflash.yaml forbids: quiet hours, and more at once than a plan may hold."""
    quiet = policy.quiet_hours
    if quiet is not None:
        hours = f"{quiet.starts:%H:%M} to {quiet.ends:%H:%M} {quiet.timezone}"
        forbidden = {c.address for c in changes if c.is_sending and is_quiet(c.starts_at, quiet)}
        changes = _block(changes, forbidden, Reason.QUIET_HOURS, f"its start lies in the quiet hours, {hours}")
    creates = {change.address for change in changes if change.is_sending}
    if policy.max_creates is not None and len(creates) > policy.max_creates:
        explanation = f"the plan would create {len(creates)}, and `policy.max_creates` is {policy.max_creates}"
        changes = _block(changes, creates, Reason.LIMIT, explanation)
    if policy.max_messages is not None:
        for address, explanation in too_often(changes, policy.max_messages, snapshot):
            changes = _block(changes, {address}, Reason.LIMIT, explanation)
    retires = {change.address for change in changes if change.action is Action.RETIRE}
    # One that was retired and may be sending all the same is live, too: its pause is wanted again.
    live = sum(not record.retired or address in retires for address, record in snapshot.campaigns.items())
    is_empty = all(change.source is None for change in changes)
    if retires and len(retires) == live and (is_empty or live > 1) and not policy.retire_all:
        # An empty checkout, a submodule that is not there, another folder: rarely what was meant.
        gone = "there is no campaign in the files" if is_empty else "the files of all live campaigns are gone"
        explanation = f"{gone}, and the plan would retire every one that is live ({live})"
        explanation += "; if that is meant, lift the limit with --override max-retires"
        return tuple(_block(changes, retires, Reason.LIMIT, explanation))
    allowed = int(policy.max_retires * live) if isinstance(policy.max_retires, float) else policy.max_retires
    if len(snapshot.campaigns) > FEW_CAMPAIGNS and allowed is not None and len(retires) > allowed:
        explanation = f"the plan would retire {len(retires)} of {live}, and `policy.max_retires` allows {allowed}"
        changes = _block(changes, retires, Reason.LIMIT, explanation)
    return tuple(changes)


CLOCKS_DIFFER = timedelta(minutes=2)

LEAST_CLOCK_LIMIT = timedelta(minutes=10)


def check_clock(
    changes: tuple[Change, ...], error: timedelta | None, policy: Policy
) -> tuple[tuple[Change, ...], list[Diagnostic]]:
    """
    Warn of a clock that differs from MsgFlash's; block what would be sent where it may hide that a start has passed.

    Args:
        changes: of the plan.
        error: how far this machine is ahead; None where that is not known.
        policy: for `min_lead_time`, which the clock keeps.
    """
    if error is None or abs(error) <= CLOCKS_DIFFER:
        return changes, []
    minutes, way = round(abs(error).total_seconds() / 60), "ahead of" if error > timedelta() else "behind"
    message, hint = f"this machine's clock is {minutes} minutes {way} MsgFlash's", "set it: starts are compared with it"
    if abs(error) > max(policy.min_lead_time, LEAST_CLOCK_LIMIT):
        sending = {change.address for change in changes if change.is_sending}
        changes = tuple(_block(changes, sending, Reason.LEAD_TIME, f"{message}, so its start cannot be trusted"))
    return changes, [Diagnostic(Severity.WARNING, Code.CLOCK, message, hint)]


FEW_WARNINGS = 3


def far_starts(changes: Sequence[Change], now: datetime) -> list[Diagnostic]:
    """
    Warn of creates whose start is more than a year ahead; one that was created has been looked at.

    Many are one warning: a repo that plans for years does so on purpose.
    """
    found = [
        (change, message) for change in changes if change.is_sending and (message := far_ahead(change.starts_at, now))
    ]
    if len(found) <= FEW_WARNINGS:
        at, hint = ("schedule",), FAR_AHEAD_HINT
        return [finding(Severity.WARNING, Code.FAR_AHEAD, change, message, hint, at) for change, message in found]
    first = min((change for change, _ in found), key=lambda change: (change.starts_at, change.address))
    message = (
        f"{len(found)} campaigns start more than a year ahead, `{first.address}` first, on {first.starts_at:%Y-%m-%d}"
    )
    return [Diagnostic(Severity.WARNING, Code.FAR_AHEAD, message, "check the years")]


def _block(
    changes: Sequence[Change], addresses: Collection[Address], reason: Reason, explanation: str
) -> Sequence[Change]:
    return [change.blocked(reason, explanation) if change.address in addresses else change for change in changes]


def is_quiet(moment: datetime, quiet: QuietHours) -> bool:
    """Whether an instant lies in the quiet hours, in the zone of the policy; the hours may span midnight."""
    local: time = moment.astimezone(ZoneInfo(quiet.timezone)).time()
    if quiet.starts <= quiet.ends:
        return quiet.starts <= local < quiet.ends
    return local >= quiet.starts or local < quiet.ends


async def check_sending(
    changes: Sequence[Change], lookups: Lookups, templates: Mapping[str, UsedTemplate | None], usage: Usage | None
) -> list[Diagnostic]:
    """
    Check what would be sent against the account: is its instance there and connected, its template filled in.

    Args:
        changes: of the plan; creates and replaces are looked at.
        lookups: what the account has.
        templates: those that the plan has read, by id.
        usage: with the features of the account's plan; None where it may not be read.
    """
    sending = [change for change in changes if change.is_sending]
    if not sending:
        return []
    instances = await lookups.instances()
    found = _missing_features(sending, usage)
    for change in sending:
        payload = change.after or {}
        if (identifier := id_in(payload, INSTANCE)) is not None:
            found += _check_instance(change, identifier, instances)
        if change.template_address is None and (identifier := id_in(payload, TEMPLATE)) is not None:
            found += _check_template(change, payload, identifier, templates.get(plain_id(identifier)))
    return found


_FEATURES = {"voice_note": ("voiceNotes", "voice notes"), "buttons": ("buttons", "buttons")}
"""By type of content: the feature of an account's plan that it needs, where MsgFlash names one (reference 8)."""


def _missing_features(changes: Sequence[Change], usage: Usage | None) -> list[Diagnostic]:
    """Say once per cause what the account's plan does not include: every create would be refused for it."""
    if usage is None:
        return []
    if usage.features.get("campaigns") is False:
        others = f"; {len(changes)} would be refused" if len(changes) > 1 else ""
        message, hint = f"the account's plan has no campaigns{others}", "choose another plan in the MsgFlash console"
        return [finding(Severity.ERROR, Code.FEATURE_MISSING, changes[0], message, hint)]
    found = []
    for kind, (feature, words) in _FEATURES.items():
        users = [change for change in changes if (change.after or {}).get("type") == kind]
        if users and usage.features.get(feature) is False:
            others = f"; {len(users)} campaigns need them" if len(users) > 1 else ""
            message, hint = f"the account's plan has no {words}{others}", "write it without, or choose another plan"
            found.append(finding(Severity.ERROR, Code.FEATURE_MISSING, users[0], message, hint, ("type",)))
    return found


def _check_instance(change: Change, identifier: str, instances: Mapping[str, Instance]) -> list[Diagnostic]:
    path, instance = place_of(change, INSTANCE), instances.get(plain_id(identifier))
    if instance is None:
        listed = "; ".join(f"{one.name} ({one.id})" for one in instances.values()) or "none"
        message = f"the account has no instance {identifier}"
        return [finding(Severity.ERROR, Code.UNKNOWN_INSTANCE, change, message, f"it has: {listed}", path)]
    if not instance.is_connected:
        message = f"instance `{instance.name}` is {instance.status}, not connected"
        hint = "connect it in the MsgFlash console before the campaign starts, or every message fails"
        return [finding(Severity.WARNING, Code.NOT_CONNECTED, change, message, hint, path)]
    return []


def _check_template(
    change: Change, payload: JsonObject, identifier: str, template: UsedTemplate | None
) -> Iterator[Diagnostic]:
    if template is None:
        message, hint = f"the account has no template {identifier}", "give a template of this account, by name or id"
        yield finding(Severity.ERROR, Code.UNKNOWN_TEMPLATE, change, message, hint, place_of(change, TEMPLATE))
        return
    given, needed = _variables(payload), _needed(template)
    for name in sorted(needed - given):
        message = f"the template needs the variable `{name}`, and `variables` does not give it"
        hint = f"add `{name}: ...` to `variables`; without it every message of the campaign fails"
        yield finding(Severity.ERROR, Code.VARIABLE_MISSING, change, message, hint, ("variables",))
    for name in sorted(given - needed):
        message, path = f"the template does not use the variable `{name}`", ("variables", name)
        yield finding(Severity.WARNING, Code.VARIABLE_UNUSED, change, message, "remove it", path)


def _variables(payload: JsonObject) -> set[str]:
    variables = payload.get("variables")
    return set(variables) if isinstance(variables, Mapping) else set()


def _needed(template: UsedTemplate) -> set[str]:
    return {path.removeprefix("custom.") for path in template.variables if path.startswith("custom.")}


_STOPPING = frozenset({Action.CREATE, Action.REPLACE, Action.PAUSE, Action.RETIRE, Action.FORGET})
"""Actions after which the campaign on record sends nothing more."""


def check_created(snapshot: Snapshot, prior: PriorState, changes: Iterable[Change]) -> list[Diagnostic]:
    """
    Find the campaigns that were created and whose messages will fail, since their template is not what it was.

    Args:
        snapshot: with the campaigns on record.
        prior: with the templates that were read.
        changes: of the plan; a campaign that is paused, or that it keeps from sending, hurts no one.

    Returns:
        One warning per template that is gone, and per variable that is missing, with the campaigns that it hurts.
    """
    actions = {change.previous_address or change.address: change.action for change in changes}
    hurt: dict[tuple[str, str, str], list[Address]] = {}
    for address, record in snapshot.campaigns.items():
        identifier, action, status = id_in(record.facts.payload, TEMPLATE), actions.get(address), prior.status(record)
        sends_nothing = status in {*TERMINAL, GONE} or action in _STOPPING
        rests = (record.retired or status == Status.PAUSED) and action is not Action.RESUME
        if identifier is None or sends_nothing or rests:
            continue
        name = record.facts.names.get(TEMPLATE, identifier)
        if (identifier := plain_id(identifier)) not in prior.templates:
            continue
        template = prior.templates[identifier]
        if template is None:
            hurt.setdefault((Code.TEMPLATE_GONE, name, ""), []).append(address)
            continue
        for missing in sorted(_needed(template) - _variables(record.facts.payload)):
            hurt.setdefault((Code.TEMPLATE_WANTS_MORE, template.name, missing), []).append(address)
    found = []
    for (code, name, variable), campaigns in sorted(hurt.items()):
        what = f"needs the variable `{variable}` now, which is not given" if variable else "is gone on MsgFlash"
        message = f"template `{name}` {what}: every message of {listed(campaigns)} will fail"
        hint = "put it back, or pause them with `paused: true`"
        found.append(Diagnostic(Severity.WARNING, code, message, hint, address=campaigns[0]))
    return found


def differing_answers(snapshot: Snapshot, prior: PriorState) -> Iterator[Diagnostic]:
    """Warn of each live campaign that MsgFlash said to have created otherwise than it was sent."""
    for address, record in snapshot.campaigns.items():
        if record.differs and not record.retired and prior.status(record) not in {*TERMINAL, GONE}:
            message = f"MsgFlash answered its create with something else than was sent: {'; '.join(record.differs)}"
            hint = f"look at {record.id} in the MsgFlash console; `paused: true` in its file pauses it"
            place = (record.facts.file, record.facts.line)
            yield Diagnostic(Severity.WARNING, Code.ANSWER_DIFFERED, message, hint, *place, address=address)


def requests_needed(changes: Iterable[Change]) -> int:
    """Forecast how many requests an apply of these changes sends when nothing goes wrong."""
    needed = 0
    for change in changes:
        is_live = change.status != Status.PAUSED
        match change.action:
            case Action.CREATE:
                needed += 1 + change.pause_after
            case Action.REPLACE:
                # Pause the old one unless it is paused, read it to be sure that nothing was sent, create the new one.
                needed += 2 + is_live + change.pause_after
            case Action.PAUSE | Action.RESUME:
                needed += 1
            case Action.RETIRE:
                needed += is_live
            case _:
                pass  # the state alone changes, or nothing
    return needed
