"""
Is a plan the one that was approved? By digest, and where both plans are at hand, in what they differ.

An approval (`Plan.approval`) says all of what people get, from whom, how many they may be and where. What MsgFlash has
behind an id is part of it, so a template that was edited meanwhile makes another plan.
"""

from collections.abc import Iterator, Mapping
from typing import cast

from msgflash_apply.campaign import JsonObject
from msgflash_apply.errors import PlanStale
from msgflash_apply.plan.audience import grown
from msgflash_apply.plan.diff import differences
from msgflash_apply.plan.plan import Action, Plan, TemplateAction
from msgflash_apply.state.snapshot import LastApproval, Snapshot

LOOK_AGAIN = "Look at the new plan, and have it approved: msgflash-apply plan"

MOST_LINES = 20


def refuse_other(plan: Plan, digest: str | None, *, shown: Plan | None, snapshot: Snapshot) -> bool:
    """
    Refuse a plan that is not the approved one, unless nothing is left of that because it was carried out.

    Args:
        plan: made under the lock.
        digest: of the approved plan; None where any will do.
        shown: what was shown to people, where it is at hand; how many people it reached is compared, too.
        snapshot: the state, which remembers the plan that was carried out last.

    Returns:
        Whether the approved plan was carried out before, so that there is nothing to do.

    Raises:
        PlanStale: says in what the two differ, or what of the approved plan is done and what is left.
    """
    if digest is not None and plan.digest != digest:
        former = snapshot.approved if snapshot.approved is not None and snapshot.approved.digest == digest else None
        if plan.is_empty and former is not None:
            return True
        is_at_hand = shown is not None and shown.digest == digest
        found = what_differs(shown, plan) if shown and is_at_hand else _progress(former, plan) if former else _now(plan)
        detail = f"Approved: {digest}\nNow:      {plan.digest}\n{_lines([*found])}"
        raise PlanStale("The plan is not the one that was approved; nothing was sent.", detail, LOOK_AGAIN)
    if shown is not None and (more := list(grown(shown, plan))):
        summary = "More people would receive it than were shown; nothing was sent."
        raise PlanStale(summary, _lines(more), LOOK_AGAIN)
    return False


def what_differs(approved: Plan, now: Plan) -> Iterator[str]:
    """Say in what a plan is not the approved one, template by template and campaign by campaign."""
    for name in ("environment", "server"):
        if approved.approval[name] != now.approval[name]:
            yield f"the {name} was {approved.approval[name]}, and is {now.approval[name]}"
    for kind, part, of_now in (("template ", "templates", now.templates), ("", "changes", now.changes)):
        before, after = _approved(approved, part), _approved(now, part)
        why: Mapping[str, str] = {one.address: one.explanation for one in of_now}
        for address in sorted(before.keys() | after.keys()):
            lines = _differing(before.get(address), after.get(address), why.get(address, ""))
            yield from (f"{kind}{address}: {line}" for line in lines)


def _approved(plan: Plan, part: str) -> Mapping[str, JsonObject]:
    return cast("Mapping[str, JsonObject]", plan.approval.get(part, {}))


def _differing(was: JsonObject | None, now_is: JsonObject | None, why: str) -> Iterator[str]:
    """Say in what the approval of one change differs from what it comes to now."""
    if was is None or now_is is None:
        verb = (now_is or was or {})["action"]
        yield f"{verb} was not part of it" if was is None else f"{verb} is not needed any more"
    elif was["action"] != now_is["action"]:
        yield f"{was['action']} was approved, it is {now_is['action']} now: {why}".removesuffix(": ")
    else:
        for name in (name for name in was if was[name] != now_is[name]):
            yield from _difference(name, was[name], now_is[name])


def _difference(name: str, before: object, after: object) -> Iterator[str]:
    """Say how one part of an approval differs; of a payload, by field."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for one in differences(before, after):
            yield f"{one.path} was {one.before!r}, and is {one.after!r}"
    elif name == "content":
        yield "its template says something else"
    elif name == "words":
        yield "it says something else"
    else:
        yield f"the {name} was {before}, and is {after}"


def _progress(approved: LastApproval, now: Plan) -> Iterator[str]:
    """Say what is done of a plan that was begun, and what is left."""
    left = {change.address: change.action for change in now.changes if change.action is not Action.NO_OP}
    templates = [one for one in now.templates if one.action is not TemplateAction.NO_OP]
    done = [address for address in approved.changes if address not in left]
    yield f"It was begun on {approved.at:%Y-%m-%d %H:%M} UTC. Done: {len(done)} of {len(approved.changes)}. Left:"
    yield from (f"{one.action} template {one.address}" for one in templates)
    for address, action in sorted(left.items()):
        yield f"{action} {address}" if address in approved.changes else f"{action} {address} (was not part of it)"


def _now(plan: Plan) -> Iterator[str]:
    """Say what a plan does, where nothing is known of the approved one but its digest."""
    templates = (*plan.effective_templates, *plan.blocked_templates)
    acting = [f"{one.action} template {one.address}" for one in templates]
    acting += [f"{change.action} {change.address}" for change in (*plan.effective, *plan.blocked)]
    if not acting:
        yield "Nothing is left to do, and the state does not know that the approved plan was carried out."
    else:
        yield "The approved plan is not at hand. The one that would be carried out now:"
        yield from acting


def _lines(lines: list[str]) -> str:
    more = [f"and {len(lines) - MOST_LINES} more"] if len(lines) > MOST_LINES else []
    return "\n".join(f"  {line}" for line in lines[:MOST_LINES] + more)
