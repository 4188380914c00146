"""What a plan comes to, in sentences without colour or markup: what it does, what it costs, what it can not promise."""

from msgflash_apply.engine.plan import Action, Plan, RequestForecast
from msgflash_apply.report.layout import counted

_COUNTED_ALWAYS = (Action.CREATE, Action.PAUSE, Action.RESUME, Action.REPLACE, Action.RETIRE)
_COUNTED_IF_ANY = (Action.MOVE, Action.FORGET)
_INCOMPLETE = "This plan could not check everything: it was made offline, or for some of the campaigns only."
_WITHOUT_STATE = (
    "This is a preview without a state. It can not tell what was sent before, and can be neither saved nor applied."
)


def verdict(plan: Plan) -> str:
    """Count what an apply would do, or say that there is nothing to do; contract section 7."""
    if plan.is_empty and not plan.blocked:
        return f"No changes. {_nothing_to_do(plan)}"
    counts = plan.summary
    said = [f"{counts[action]} to {action}" for action in _COUNTED_ALWAYS]
    said += [f"{counts[action]} to {action}" for action in _COUNTED_IF_ANY if counts[action]]
    said += [f"{counts[Action.NO_OP]} unchanged", f"{counts[Action.BLOCKED]} blocked"]
    return f"Plan: {', '.join(said)}."


def forecast(requests: RequestForecast) -> str:
    """Forecast the requests of an apply, and say where the forecast ends."""
    said = f"Requests: {requests.used or 'none'} used for this plan, {requests.apply or 'none'} needed to apply"
    left = requests.left_this_month
    if not requests.suffice:
        return f"{said}, only {left} left this month: an apply would stop part way."
    if left is not None:
        return f"{said}, {left} left this month."
    return f"{said}; how many are left this month was not read." if requests.apply else f"{said}."


def messages(requests: RequestForecast) -> str:
    """Forecast what counts against the month's messages; empty where nothing was counted."""
    if requests.messages is None:
        return ""
    left = requests.messages_left
    rest = "" if left is None else f", {left} left this month"
    return f"Messages: {requests.messages} or more to send, as far as they were counted{rest}."


def messages_suffice(requests: RequestForecast) -> bool:
    """Whether the month's messages are not known to be too few."""
    return requests.messages is None or requests.messages_left is None or requests.messages <= requests.messages_left


def caveat(plan: Plan) -> str:
    """Say what this plan can not promise; empty when it is complete."""
    if plan.lineage is None:
        return _WITHOUT_STATE
    return "" if plan.complete else _INCOMPLETE


def _nothing_to_do(plan: Plan) -> str:
    if not plan.changes:
        return "There are no campaigns, neither in the files nor in the state."
    return f"The files and the state agree on {counted(len(plan.changes), 'campaign')}; there is nothing to do."
